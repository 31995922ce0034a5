"""What the console makes of an endpoint's record; no server."""

from typing import Any

from sagebridge.local.console.views import alarms, facts, rows
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
    shown = rows(record("Updating", new, old), [(old, 0.8), (new, 0.2)])
    assert [(row.config, row.role, row.variant, row.share) for row in shown] == [
        ("one", "old", "A", 0.8 * 0.75),
        ("one", "old", "B", 0.8 * 0.25),
        ("two", "new", "A", 0.2),
    ]


def test_what_is_being_deployed_takes_nothing_yet() -> None:
    old, new = deployment("one", variant("A")), deployment("two", variant("A"))
    assert [(row.role, row.share) for row in rows(record("Updating", new, old), [(old, 1.0)])] == [
        ("old", 1.0),
        ("new", 0.0),
    ]
    assert [(row.role, row.share) for row in rows(record("Creating", new), [])] == [("", 0.0)]
    assert [(row.role, row.share) for row in rows(record("Failed", new), [])] == [("", 0.0)]


def test_a_change_of_capacity_has_one_configuration() -> None:
    only = deployment("one", variant("A"))
    assert [(row.role, row.share) for row in rows(record("Updating", only, only), [(only, 1.0)])] == [("", 1.0)]


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
