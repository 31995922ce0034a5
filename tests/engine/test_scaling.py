"""Scaling and watching on the real engine: made, at work, through updates that go well and badly, and taken away."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws
import pytest

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs
from sagebridge.model import contract
from tests.conftest import PREDICTION, Aws, Base
from tests.local.account import pack, until
from tests.stacks import Declared

if TYPE_CHECKING:
    from sagebridge.endpoint.args import VariantArgs

pytestmark = pytest.mark.engine

NIGHT = {"schedule": "cron(0 20 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min_capacity": 1, "max_capacity": 1}
TRACKING, STEPS = "TargetTrackingScalingPolicyConfiguration", "StepScalingPolicyConfiguration"


@pytest.fixture
def quick(aws: Aws) -> Iterator[None]:
    """Minutes that take a second."""
    aws.must("sagebridge", "local", "times", "--pace", "60")
    yield
    aws.must("sagebridge", "local", "times", "--pace", "1")


class Account:
    """What the account has for the endpoints whose names begin so, as AWS describes it."""

    def __init__(self, aws: Aws, prefix: str) -> None:
        self._scaling, self._cloudwatch, self.iam = map(aws.client, ("application-autoscaling", "cloudwatch", "iam"))
        self._sagemaker, self._prefix = aws.sagemaker, prefix

    def _described(self, operation: str, member: str) -> dict[str, Any]:
        found = getattr(self._scaling, operation)(ServiceNamespace="sagemaker")[member]
        kind = "PolicyName" if member == "ScalingPolicies" else "ScheduledActionName"
        return {
            "/".join(
                filter(None, [one["ResourceId"].removeprefix("endpoint/").replace("/variant", ""), one.get(kind)])
            ): one
            for one in found
            if one["ResourceId"].startswith(f"endpoint/{self._prefix}")
        }

    def targets(self) -> dict[str, tuple[str, int, int]]:
        """Returns what scales, by ``endpoint/variant``, with its least and most."""
        found = self._described("describe_scalable_targets", "ScalableTargets")
        return {
            name: (one["ScalableDimension"].rpartition(":")[2], one["MinCapacity"], one["MaxCapacity"])
            for name, one in found.items()
        }

    def policies(self) -> dict[str, Any]:
        """Returns the policies by ``endpoint/variant/policy``."""
        return self._described("describe_scaling_policies", "ScalingPolicies")

    def actions(self) -> dict[str, Any]:
        """Returns the scheduled actions by ``endpoint/variant/action``."""
        return self._described("describe_scheduled_actions", "ScheduledActions")

    def alarms(self) -> dict[str, Any]:
        """Returns the alarms by name: those of target tracking, too, that nobody declares."""
        found = self._cloudwatch.describe_alarms()["MetricAlarms"]
        return {one["AlarmName"]: one for one in found if self._prefix in one["AlarmName"]}

    def dashboards(self) -> dict[str, Any]:
        """Returns the widgets by title, by dashboard."""
        found = self._cloudwatch.list_dashboards(DashboardNamePrefix=self._prefix)["DashboardEntries"]
        bodies = {
            one["DashboardName"]: self._cloudwatch.get_dashboard(DashboardName=one["DashboardName"])["DashboardBody"]
            for one in found
        }
        return {
            name: {widget["properties"]["title"]: widget["properties"] for widget in json.loads(body)["widgets"]}
            for name, body in bodies.items()
        }

    def variants(self, endpoint: str) -> dict[str, Any]:
        """Returns an endpoint's variants by name."""
        found = self._sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
        return {str(variant["VariantName"]): variant for variant in found}

    def instances(self, endpoint: str, variant: str = "AllTraffic") -> int:
        """Returns how many instances a variant has."""
        return int(self.variants(endpoint)[variant]["CurrentInstanceCount"])


@pytest.fixture
def account(aws: Aws, declared: Declared) -> Account:
    return Account(aws, declared.endpoint)


def test_every_kind_scales_as_declared_until_it_is_destroyed(
    aws: Aws, base: Base, declared: Declared, account: Account
) -> None:
    simple, name, answers = declared.args, declared.endpoint, f"s3://{base.bucket_name}/answers/"
    live: SageMakerEndpointArgs = {
        **simple,
        "endpoint_name": f"{name}-live",
        "production_variants": [
            {
                "variant_name": "steady",
                "autoscaling": {
                    "min_capacity": 1,
                    "max_capacity": 4,
                    "invocations_per_instance": 70,
                    "schedules": {"night": NIGHT},  # type: ignore[dict-item] # a plain dict
                },
            },
            {
                "variant_name": "bursty",
                "autoscaling": {"min_capacity": 1, "max_capacity": 2, "concurrent_requests_per_model": 3},
            },
        ],
    }
    queue: SageMakerEndpointArgs = {
        **simple,
        "endpoint_name": f"{name}-queue",
        "async_inference_config": {"s3_output_path": answers},
        "autoscaling": {"min_capacity": 0, "max_capacity": 3, "backlog_per_instance": 5, "scale_out_cooldown": 60},
    }
    serverless: SageMakerEndpointArgs = {
        **simple,
        "endpoint_name": f"{name}-less",
        "serverless_config": {"max_concurrency": 5, "provisioned_concurrency": 1},
        "autoscaling": {"min_capacity": 1, "max_capacity": 4, "provisioned_concurrency_utilization": 0.7},
    }

    def program() -> None:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
        for word, args in {"live": live, "queue": queue, "less": serverless}.items():
            endpoint = SageMakerEndpoint(word, args)
            role = pulumi_aws.iam.Role(
                f"{word}-caller", name=f"{name}-{word}", assume_role_policy=json.dumps({"Statement": [trust]})
            )
            endpoint.grant_invoke(f"{word}-caller", role.name)
            pulumi.export(f"{word}Arn", endpoint.endpoint_arn)

    declared.program = program
    declared.up()
    assert set(declared.preview()) == {"same"}
    assert account.targets() == {
        f"{name}-live/steady": ("DesiredInstanceCount", 1, 4),
        f"{name}-live/bursty": ("DesiredInstanceCount", 1, 2),
        f"{name}-queue/AllTraffic": ("DesiredInstanceCount", 0, 3),
        f"{name}-less/AllTraffic": ("DesiredProvisionedConcurrency", 1, 4),
    }
    assert {path: tracked(policy) for path, policy in account.policies().items()} == {
        f"{name}-live/steady/target-tracking": (70, "SageMakerVariantInvocationsPerInstance", 300, 300),
        f"{name}-live/bursty/target-tracking": (
            *(3, "SageMakerVariantConcurrentRequestsPerModelHighResolution", 300, 300),
        ),
        f"{name}-queue/AllTraffic/target-tracking": (5, "ApproximateBacklogSizePerInstance", 300, 60),
        f"{name}-queue/AllTraffic/scale-out-from-zero": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        f"{name}-less/AllTraffic/target-tracking": (
            *(0.7, "SageMakerVariantProvisionedConcurrencyUtilization", 300, 300),
        ),
    }
    (night,) = account.actions().values()
    assert (night["Schedule"], night["Timezone"]) == ("cron(0 20 ? * MON-FRI *)", "Europe/Berlin")
    assert night["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}
    first = account.alarms()[f"{name}-queue-AllTraffic-scale-out-from-zero"]
    step = account.policies()[f"{name}-queue/AllTraffic/scale-out-from-zero"]
    assert first["AlarmActions"] == [step["PolicyARN"]]
    assert len(account.alarms()) == 1 + 2 * 4  # target tracking has a high and a low one

    arns = declared.outputs()
    assert granted(account, f"{name}-live") == {"sagemaker:InvokeEndpoint": [arns["liveArn"]]}
    assert granted(account, f"{name}-queue") == {
        "sagemaker:InvokeEndpointAsync": [arns["queueArn"]],
        "sagemaker:DescribeEndpoint": [arns["queueArn"]],
        "s3:GetObject": [f"arn:aws:s3:::{base.bucket_name}/answers/*"],
    }

    live["production_variants"][0]["autoscaling"]["max_capacity"] = 6
    live["production_variants"][0]["autoscaling"]["schedules"]["night"]["schedule"] = "rate(1 day)"
    live["production_variants"][1]["autoscaling"]["concurrent_requests_per_model"] = 5
    queue["autoscaling"]["backlog_per_instance"] = 9
    serverless["autoscaling"]["min_capacity"] = 2
    assert sorted(declared.steps()) == [
        *[("update", "Policy")] * 2,
        ("update", "ScheduledAction"),
        *[("update", "Target")] * 2,
    ]
    assert account.targets()[f"{name}-live/steady"] == ("DesiredInstanceCount", 1, 6)
    assert tracked(account.policies()[f"{name}-queue/AllTraffic/target-tracking"])[0] == 9
    assert set(declared.preview()) == {"same"}

    del queue["autoscaling"], live["production_variants"][0]["autoscaling"]
    steps = declared.steps()
    assert ("update", "Endpoint") not in steps
    assert {operation for operation, kind in steps if kind == "EndpointConfiguration"} == {"update"}  # a tag
    assert set(account.targets()) == {f"{name}-live/bursty", f"{name}-less/AllTraffic"}
    assert len(account.alarms()) == 4
    assert aws.predict(f"{name}-live") == pytest.approx(PREDICTION, abs=1e-9)

    declared.destroy()
    assert (account.targets(), account.policies(), account.actions(), account.alarms()) == ({}, {}, {}, {})


def tracked(policy: Any) -> Any:
    """Returns a policy's target, metric and cooldowns (in, out); of step scaling its steps."""
    if policy["PolicyType"] == "StepScaling":
        return policy[STEPS]["StepAdjustments"]
    config = policy[TRACKING]
    custom, predefined = (config.get(f"{kind}MetricSpecification", {}) for kind in ("Customized", "Predefined"))
    metric = custom.get("MetricName") or predefined["PredefinedMetricType"]
    return config["TargetValue"], metric, config["ScaleInCooldown"], config["ScaleOutCooldown"]


def granted(account: Account, role: str) -> dict[str, list[str]]:
    """Returns the resources by action that a role's policies allow."""
    (policy,) = account.iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = account.iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}
    return {statement["Action"]: statement["Resource"] for statement in document["Statement"]}


@pytest.mark.usefixtures("quick")
def test_traffic_adds_instances_that_an_update_keeps_and_a_queue_the_first_one(
    aws: Aws, base: Base, declared: Declared, account: Account
) -> None:
    simple, name = declared.args, declared.endpoint
    live: SageMakerEndpointArgs = {
        **simple,
        "endpoint_name": f"{name}-live",
        "autoscaling": {"min_capacity": 1, "max_capacity": 3, "invocations_per_instance": 1, "disable_scale_in": True},
    }
    queue: SageMakerEndpointArgs = {
        **simple,
        "endpoint_name": f"{name}-queue",
        "async_inference_config": {"s3_output_path": f"s3://{base.bucket_name}/answers/"},
        "autoscaling": {"min_capacity": 0, "max_capacity": 1, "backlog_per_instance": 5, "scale_in_cooldown": 0},
    }

    def program() -> None:
        SageMakerEndpoint("live", live)
        SageMakerEndpoint("queue", queue)

    declared.program = program
    declared.up()

    def grown() -> bool:
        aws.predict(f"{name}-live")
        return account.instances(f"{name}-live") == 3

    until(grown)
    live["environment"] = {"NEW": "yes"}
    assert ("update", "Endpoint") in declared.steps()
    assert account.instances(f"{name}-live") == 3  # kept, not set back to the one that it was declared with
    assert set(declared.preview()) == {"same"}

    until(lambda: account.instances(f"{name}-queue") == 0)

    aws.s3.put_object(Bucket=base.bucket_name, Key=f"{name}/question", Body=contract.SAMPLE.encode())
    asked = aws.runtime.invoke_endpoint_async(
        EndpointName=f"{name}-queue",
        ContentType="application/json",
        InputLocation=f"s3://{base.bucket_name}/{name}/question",
    )
    key = asked["OutputLocation"].removeprefix(f"s3://{base.bucket_name}/")

    def answered() -> list[Any]:
        return aws.s3.list_objects_v2(Bucket=base.bucket_name, Prefix=key).get("Contents", [])

    until(answered)
    answer = json.loads(aws.s3.get_object(Bucket=base.bucket_name, Key=key)["Body"].read())
    assert answer["Predictions"][0] == pytest.approx(PREDICTION, abs=1e-9)


HANDLER = """
from time import sleep

from flask import Response

def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return body if isinstance(body, str) else body.decode()

def predict_fn(data, model):
    if data == "fail":
        raise RuntimeError(data)
    sleep(0.6 * (data == "slow"))
    return data

def output_fn(prediction, accept):
    return Response(prediction, 400 if prediction == "refuse" else 200)
"""
"""A model that fails, refuses or takes long when it is asked to."""


@pytest.mark.usefixtures("quick")
def test_alarms_ring_for_what_they_watch_and_come_and_go_beside_the_endpoint(
    aws: Aws, base: Base, declared: Declared, account: Account
) -> None:
    name, url = declared.endpoint, f"s3://{base.bucket_name}/{declared.endpoint}/model.tar.gz"
    aws.s3.put_object(Bucket=base.bucket_name, Key=f"{name}/model.tar.gz", Body=pack({"inference.py": HANDLER}))
    declared.args["model_data_url"] = url

    def steps() -> list[tuple[str, str]]:
        return sorted(step for step in declared.steps() if step[1] in ("Endpoint", "Dashboard", "MetricAlarm"))

    assert steps() == [("create", "Endpoint")]
    declared.args |= {"alarms": {"model_latency": 5000, "error_rate_5xx": 0.02}, "dashboard": True}
    assert steps() == [("create", "Dashboard"), *[("create", "MetricAlarm")] * 4]
    declared.args["alarms"] = {"model_latency": 500}  # far above what an answer takes on a busy machine
    assert steps() == [("update", "MetricAlarm")] * 2
    assert set(declared.preview()) == {"same"}

    def rings(word: str, alarm: str) -> bool:
        with suppress(aws.runtime.exceptions.ModelError):
            aws.runtime.invoke_endpoint(EndpointName=name, Body=word.encode())
        ringing = {one for one, about in account.alarms().items() if about["StateValue"] == "ALARM"}
        return ringing == {f"{name}-AllTraffic-{alarm}"}

    for word, alarm in {"slow": "latency", "refuse": "4xx", "fail": "5xx"}.items():
        until(partial(rings, word, alarm))

    declared.args["production_variants"] = [{"variant_name": "AllTraffic"}, {"variant_name": "next"}]
    assert ("update", "Dashboard") in steps()
    (dashboard,) = account.dashboards()
    assert dashboard == name
    metrics = account.dashboards()[name]["Error rates"]["metrics"]
    assert [row[:-1] for row in metrics] == [
        ["AWS/SageMaker", f"Invocation{kind}Errors", "EndpointName", name, "VariantName", variant]
        for kind in ("4XX", "5XX")
        for variant in ("AllTraffic", "next")
    ]

    del declared.args["alarms"], declared.args["dashboard"]
    assert steps() == [("delete", "Dashboard"), *[("delete", "MetricAlarm")] * 8]
    assert (account.alarms(), account.dashboards()) == ({}, {})


@pytest.mark.usefixtures("quick")
def test_each_kind_tells_that_it_is_full(aws: Aws, base: Base, declared: Declared, account: Account) -> None:
    name, bucket = declared.endpoint, base.bucket_name
    aws.s3.put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=pack({"inference.py": HANDLER}))
    declared.args |= {"model_data_url": f"s3://{bucket}/{name}/model.tar.gz"}
    queue: SageMakerEndpointArgs = {
        **declared.args,
        "endpoint_name": f"{name}-queue",
        "async_inference_config": {"s3_output_path": f"s3://{bucket}/answers/"},
        "alarms": {"saturation": 30},
    }
    serverless: SageMakerEndpointArgs = {
        **declared.args,
        "endpoint_name": f"{name}-less",
        "serverless_config": {"max_concurrency": 1},
        "alarms": {},
    }

    def program() -> None:
        SageMakerEndpoint("queue", queue)
        SageMakerEndpoint("less", serverless)

    declared.program = program
    declared.up()
    aws.s3.put_object(Bucket=bucket, Key=f"{name}/question", Body=b"slow")
    for _ in range(40):
        aws.runtime.invoke_endpoint_async(
            EndpointName=f"{name}-queue", InputLocation=f"s3://{bucket}/{name}/question", ContentType="text/plain"
        )

    def ring() -> bool:
        aws.runtime.invoke_endpoint(EndpointName=f"{name}-less", Body=b"slow")
        ringing = {one for one, about in account.alarms().items() if about["StateValue"] == "ALARM"}
        return ringing == {f"{name}-queue-AllTraffic-saturation", f"{name}-less-AllTraffic-saturation"}

    until(ring)


def test_what_scales_is_updated_in_the_right_order_and_loses_nothing_unseen(
    aws: Aws, declared: Declared, account: Account
) -> None:
    name, scaling = declared.endpoint, {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70}
    main: VariantArgs = {"variant_name": "main", "instance_type": "ml.t2.medium", "autoscaling": scaling}  # type: ignore[typeddict-item] # a plain dict
    other: VariantArgs = {"variant_name": "other"}
    declared.args["production_variants"] = [main, other]
    assert "autoscaling cannot be set with ml.t2.medium" in declared.preview_fails()

    main["instance_type"] = "ml.m5.xlarge"
    del main["autoscaling"]
    declared.up()
    main["autoscaling"] = scaling  # type: ignore[typeddict-item] # a plain dict
    steps = declared.steps()
    assert {("create", "Target"), ("create", "Policy")} < set(steps)
    assert ("update", "Endpoint") not in steps
    scales = {f"{name}/main": ("DesiredInstanceCount", 1, 4)}
    assert account.targets() == scales

    # By hand, or by autoscaling: what is declared to scale keeps its instances, the rest is told.
    wanted = [
        {"VariantName": "main", "DesiredInstanceCount": 3},
        {"VariantName": "other", "DesiredInstanceCount": 2, "DesiredWeight": 4},
    ]
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)  # type: ignore[arg-type] # plain dicts
    until(lambda: account.instances(name, "other") == 2)
    main["instance_type"], declared.args["environment"] = "ml.m5.large", {"NEW": "yes"}
    for said in (declared.shown(), declared.up().stdout):
        assert "variant other has initial_instance_count 2, which was not declared. This update sets it to 1" in said
        assert "variant other has initial_variant_weight 4, which was not declared. This update sets it to 1" in said
        assert "variant main has" not in said
    assert (account.instances(name, "main"), account.instances(name, "other")) == (3, 1)
    assert account.targets() == scales

    declared.args["environment"] = {"NEW": "once more"}  # autoscaling is left on
    fault(aws, "rollback", name)
    assert "Autoscaling" not in declared.up_fails()
    assert list(account.policies()) == [f"{name}/main/target-tracking"]

    main["instance_type"] = "ml.m5.2xlarge"  # autoscaling must be taken off
    fault(aws, "ping", name)
    said = declared.up_fails()
    assert "did not pass the ping health check" in said
    assert "Autoscaling of main was taken off for the update: until the next `pulumi up`" in said
    declared.up()
    assert (account.targets(), list(account.policies())) == (scales, [f"{name}/main/target-tracking"])
    assert account.instances(name, "main") == 3
    assert set(declared.preview()) == {"same"}

    declared.args["production_variants"] = [other]
    assert (
        "production_variants cannot lose main while it scales. Remove its autoscaling first."
        in declared.preview_fails()
    )
    other["autoscaling"] = scaling  # type: ignore[typeddict-item] # a plain dict
    declared.up()  # while another scales it may go
    assert account.targets() == {f"{name}/other": ("DesiredInstanceCount", 1, 4)}


def fault(aws: Aws, kind: str, endpoint: str) -> None:
    """Lets something go wrong once."""
    aws.must("sagebridge", "local", "fault", kind, "--endpoint", endpoint, "--times", "1")
