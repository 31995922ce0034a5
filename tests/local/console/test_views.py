"""What the console makes of an endpoint's record; no server."""

from typing import Any

import pytest

from sagebridge.local.console.views import Row, Shares, alarms, bounds, configurations, facts, lengths, strikes
from sagebridge.local.deployment import plan
from sagebridge.local.scaling.targets import Registered
from sagebridge.local.times import Times

TIMES = "\N{MULTIPLICATION SIGN}"


def variant(name: str, weight: float = 1, **members: object) -> dict[str, Any]:
    on = members or {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    return {"VariantName": name, "ModelName": f"model-{name}", "InitialVariantWeight": weight, **on}


def deployment(name: str, *variants: dict[str, Any], shadows: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    config = {"EndpointConfigName": name, "ProductionVariants": list(variants)}
    if shadows:
        config["ShadowProductionVariants"] = list(shadows)
    return {"id": f"id-{name}", "config": config}


def record(status: str, asked: dict[str, Any], running: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {"EndpointStatus": status, "asked": asked, **({"running": running} if running else {}), **members}


def rows(record: dict[str, Any], shares: Shares) -> list[Row]:
    return [row for configuration in configurations(record, shares) for row in configuration.rows]


def roles(record: dict[str, Any], shares: Shares) -> list[tuple[str, float | None]]:
    shown = configurations(record, shares)
    assert {configuration.traffic for configuration in shown} == {""}
    return [(configuration.role, row.share) for configuration in shown for row in configuration.rows]


def test_variants_share_the_traffic_by_their_weights_as_of_now() -> None:
    only = deployment("one", variant("A", 3), variant("B", 1))
    now = {"A": {"weight": 1, "count": 5, "serverless": None}, "B": {"weight": 1, "count": 2, "serverless": None}}
    assert [row.share for row in rows(record("InService", only, only), [(only, 1.0)])] == [0.75, 0.25]
    first, second = rows(record("InService", only, only, capacity=now), [(only, 1.0)])
    assert (first.weight, first.capacity, first.share) == (1, f"5 {TIMES} ml.m5.large", 0.5)
    assert (second.weight, second.capacity, second.share) == (1, f"2 {TIMES} ml.m5.large", 0.5)


def test_weights_of_nothing_share_alike() -> None:
    only = deployment("one", variant("A", 0), variant("B", 0))
    assert [row.share for row in rows(record("InService", only, only), [])] == [0.5, 0.5]


def test_a_shadow_variant_has_no_share() -> None:
    only = deployment("one", variant("A"), shadows=(variant("S", 2),))
    shown = rows(record("InService", only, only), [(only, 1.0)])
    assert [(row.variant, row.weight, row.share) for row in shown] == [("A", 1, 1.0), ("S", 2, None)]


def test_a_canary_has_an_old_and_a_new_configuration() -> None:
    old, new = deployment("one", variant("A", 3), variant("B", 1)), deployment("two", variant("A"))
    shown = configurations(record("Updating", new, old), [(old, 0.8), (new, 0.2)])
    assert [(part.name, part.role, [(row.variant, row.share) for row in part.rows]) for part in shown] == [
        ("one", "old", [("A", 0.8 * 0.75), ("B", 0.8 * 0.25)]),
        ("two", "new", [("A", 0.2)]),
    ]


def rolling_out(policy: dict[str, Any], *variants: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns, for each step of a deployment, what AWS's message says of the capacity, and what the page says."""
    old, new = deployment("one", *variants), deployment("two", *variants)
    return [
        (
            step.message.rpartition("capacity of ")[2],
            configurations(record("Updating", new, old), [(old, 1 - step.share), (new, step.share)])[1].traffic,
        )
        for step in plan(policy, variants).steps
    ]


@pytest.mark.parametrize(
    ("kind", "size", "counts", "active"),
    [
        ("CAPACITY_PERCENT", 10, (2,), 1),
        ("CAPACITY_PERCENT", 50, (2,), 1),
        ("CAPACITY_PERCENT", 7, (100,), 7),
        ("CAPACITY_PERCENT", 10, (1, 1), 1),
        ("INSTANCE_COUNT", 1, (3,), 1),
        ("INSTANCE_COUNT", 2, (4, 1), 3),
    ],
)
def test_the_instances_that_take_traffic_are_those_of_awss_message(
    kind: str, size: int, counts: tuple[int, ...], active: int
) -> None:
    canary = {"Type": "CANARY", "CanarySize": {"Type": kind, "Value": size}, "WaitIntervalInSeconds": 60}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": canary}}
    variants = [
        variant(f"V{number}", InstanceType="ml.m5.2xlarge", InitialInstanceCount=count)
        for number, count in enumerate(counts)
    ]
    assert rolling_out(policy, *variants) == [
        (f"{active} instance(s).", f"{active} of {sum(counts)} instances take traffic"),
        (f"{sum(counts)} instance(s).", ""),
    ]


def test_a_canary_without_instances_is_told_in_percent() -> None:
    canary = {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}, "WaitIntervalInSeconds": 60}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": canary}}
    serverless = variant("A", ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})
    assert rolling_out(policy, serverless) == [("10%.", ""), ("100%.", "")]


def test_what_is_being_deployed_takes_nothing_yet() -> None:
    old, new = deployment("one", variant("A")), deployment("two", variant("A"))
    assert roles(record("Updating", new, old), [(old, 1.0)]) == [("old", 1.0), ("new", 0.0)]
    assert roles(record("Creating", new), []) == [("", 0.0)]
    assert roles(record("Failed", new), []) == [("", 0.0)]


def test_a_change_of_capacity_has_one_configuration() -> None:
    only = deployment("one", variant("A"))
    assert roles(record("Updating", only, only), [(only, 1.0)]) == [("", 1.0)]


def test_serverless_capacity_is_said_in_words() -> None:
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    running = deployment(
        "one",
        variant("A", ServerlessConfig=config),
        variant("B", ServerlessConfig=config | {"ProvisionedConcurrency": 2}),
    )
    first, second = rows(record("InService", running, running), [])
    assert first.capacity == "serverless, 2,048 MB, 5 at once"
    assert second.capacity == "serverless, 2,048 MB, 5 at once, 2 kept ready"


def test_the_alarms_are_those_of_the_last_deployment_config() -> None:
    config = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "one"}, {"AlarmName": "two"}]}}
    assert alarms({"LastDeploymentConfig": config}) == ["one", "two"]
    assert alarms({"LastDeploymentConfig": None}) == alarms({}) == []


def test_the_facts_name_what_is_not_as_ever() -> None:
    counts = {"endpoints": 3, "buckets": 1}
    fault = {"kind": "throttle", "operation": "UpdateEndpoint", "endpoint": None, "seconds": None, "times": 2}
    assert facts(counts, Times(creating=5, pace=60), [fault]) == {
        "Endpoints": "3",
        "Buckets": "1",
        "Times": "creating 5 s, pace 60",
        "Faults": "throttle UpdateEndpoint",
    }
    assert facts(counts, Times(), [])["Times"] == "unchanged"


def test_a_fault_is_told_with_what_it_strikes_and_how_often() -> None:
    def fault(kind: str, **members: Any) -> dict[str, Any]:
        return {"kind": kind, "operation": None, "endpoint": None, "seconds": None, "times": None, **members}

    faults = [
        fault("throttle", operation="UpdateEndpoint", endpoint="one", times=2),
        fault("latency", seconds=0.5),
        fault("ping", endpoint="two", times=1),
        fault("s3"),
    ]
    of_all = [
        "throttle in UpdateEndpoint at one, 2 more times",
        "latency of 0.5 s in every operation, until it is cleared",
        "ping at two, once more",
        "s3, until it is cleared",
    ]
    assert strikes(faults) == of_all
    assert strikes(faults, "one") == [of_all[0], of_all[1], of_all[3]]


def test_every_time_is_told() -> None:
    assert lengths(Times(rolling_back=2.5, pace=60)) == {
        "creating": "0 s",
        "updating": "0 s",
        "rolling back": "2.5 s",
        "deleting": "0 s",
        "idle": "300 s",
        "pace": "60",
    }


def test_autoscaling_has_its_bounds_and_what_moves_within_them() -> None:
    def of(variant: str, dimension: str, **members: Any) -> dict[str, Any]:
        return {
            "ResourceId": f"endpoint/one/variant/{variant}",
            "ScalableDimension": f"sagemaker:variant:Desired{dimension}",
            **members,
        }

    tracking = {
        "TargetValue": 70.5,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    custom = {"TargetValue": 5, "CustomizedMetricSpecification": {"MetricName": "Backlog"}}
    metrics = {"TargetValue": 5, "CustomizedMetricSpecification": {"Metrics": []}}
    name = "TargetTrackingScalingPolicyConfiguration"
    registered = Registered(
        [
            of("A", "InstanceCount", MinCapacity=1, MaxCapacity=4),
            of("B", "ProvisionedConcurrency", MinCapacity=2, MaxCapacity=2),
        ],
        [
            of("A", "InstanceCount", PolicyName="load", **{name: tracking}),
            of("A", "InstanceCount", PolicyName="queue", **{name: custom}),
            of("A", "InstanceCount", PolicyName="sum", **{name: metrics}),
            of("A", "InstanceCount", PolicyName="first", StepScalingPolicyConfiguration={}),
        ],
        [
            of(
                "B",
                "ProvisionedConcurrency",
                ScheduledActionName="night",
                Schedule="cron(0 22 * * ? *)",
                Timezone="UTC",
                ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2},
            )
        ],
        [],
    )
    first, second = bounds(registered)
    assert (first.variant, first.limits) == ("A", "desired instance count from 1 to 4")
    assert first.rules == [
        "load: keeps SageMakerVariantInvocationsPerInstance at 70.5",
        "queue: keeps Backlog at 5",
        "sum: keeps a metric at 5",
        "first: steps",
    ]
    assert (second.variant, second.limits) == ("B", "desired provisioned concurrency from 2 to 2")
    assert second.rules == ["night: min 1 and max 2 at cron(0 22 * * ? *) UTC"]
