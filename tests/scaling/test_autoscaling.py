"""Pure and mocks: how a variant scales. The engine ring shows the order of an update."""

from collections.abc import Callable
from typing import Any, cast, get_args

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge._aws import shapes
from sagebridge.endpoint.args import AutoscalingArgs
from sagebridge.endpoint.names import Names
from sagebridge.endpoint.spec import (
    TARGET_FIELDS,
    Capacity,
    Endpoint,
    Instances,
    Kind,
    Serverless,
    parse,
)
from sagebridge.scaling import autoscaling
from sagebridge.scaling.rules import problems
from tests.endpoint.endpoints import args as endpoint_args
from tests.images.requests import request
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]

KINDS: tuple[Kind, ...] = get_args(Kind)
RESOURCE = "endpoint/boston/variant/AllTraffic"
TARGET = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
SCHEDULED_ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
STASH = "pulumi:index:Stash"
ARGS: dict[Kind, dict[str, Any]] = {
    "real-time": {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70},
    "serverless": {"min_capacity": 1, "max_capacity": 4, "provisioned_concurrency_utilization": 0.7},
    "async": {"min_capacity": 0, "max_capacity": 4, "backlog_per_instance": 5},
}
NIGHT = {"schedule": "cron(0 20 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min_capacity": 1, "max_capacity": 1}


def capacity(kind: Kind, **changes: Any) -> Capacity:
    if kind == "serverless":
        return Serverless(**{"memory_size_in_mb": 4096, "max_concurrency": 10, "provisioned_concurrency": 1, **changes})
    return Instances(**{"instance_type": "ml.m5.xlarge", "initial": 1, **changes})


def args(kind: Kind, **changes: Any) -> AutoscalingArgs:
    given = {**ARGS[kind], **changes}
    return cast("AutoscalingArgs", {name: value for name, value in given.items() if value is not None})


def endpoint(kind: Kind, given: AutoscalingArgs) -> Endpoint:
    """Returns an endpoint of a kind, whose only variant scales."""
    kinds: dict[Kind, dict[str, Any]] = {
        "real-time": {},
        "serverless": {"serverless_config": {"max_concurrency": 10, "provisioned_concurrency": 1}},
        "async": {"async_inference_config": {"s3_output_path": "s3://answers/out"}},
    }
    return parse(endpoint_args(**kinds[kind], autoscaling=given, tags={"team": "ml"}))


def requests(kind: Kind, given: AutoscalingArgs) -> dict[str, dict[str, Any]]:
    """Returns what is asked of Application Auto Scaling, by what it is for."""
    service, declared = "application-autoscaling", endpoint(kind, given)
    ((variant, scaling),) = declared.scaled
    target = autoscaling.scalable_target(declared, variant, scaling, "boston")
    policies = autoscaling.policies(kind, scaling, "boston", RESOURCE)
    actions = autoscaling.scheduled_actions(kind, scaling, RESOURCE)
    return {
        "target": request(service, "RegisterScalableTarget", target),
        **{name: request(service, "PutScalingPolicy", policy) for name, policy in policies.items()},
        **{name: request(service, "PutScheduledAction", action) for name, action in actions.items()},
    }


@pytest.mark.parametrize(
    ("kind", "dimension"),
    [
        ("real-time", "sagemaker:variant:DesiredInstanceCount"),
        ("serverless", "sagemaker:variant:DesiredProvisionedConcurrency"),
        ("async", "sagemaker:variant:DesiredInstanceCount"),
    ],
)
def test_what_scales_is_instances_or_provisioned_concurrency(kind: Kind, dimension: str) -> None:
    made = requests(kind, args(kind, schedules={"night": NIGHT}))
    assert made["target"] == {
        "ServiceNamespace": "sagemaker",
        "ResourceId": RESOURCE,
        "ScalableDimension": dimension,
        "MinCapacity": ARGS[kind]["min_capacity"],
        "MaxCapacity": 4,
        "Tags": {"team": "ml"},
    }
    for asked in made.values():
        assert [asked["ServiceNamespace"], asked["ResourceId"], asked["ScalableDimension"]] == [
            *("sagemaker", RESOURCE, dimension)
        ]


@pytest.mark.parametrize(
    ("kind", "field", "metric"),
    [
        ("real-time", "invocations_per_instance", "SageMakerVariantInvocationsPerInstance"),
        ("real-time", "concurrent_requests_per_model", "SageMakerVariantConcurrentRequestsPerModelHighResolution"),
        ("serverless", "provisioned_concurrency_utilization", "SageMakerVariantProvisionedConcurrencyUtilization"),
    ],
)
def test_target_tracking_on_a_predefined_metric(kind: Kind, field: str, metric: str) -> None:
    given = {"min_capacity": 1, "max_capacity": 2, field: 0.5, "scale_in_cooldown": 60, "disable_scale_in": True}
    policy = requests(kind, cast("AutoscalingArgs", given))["target-tracking"]
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 0.5,
        "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        "ScaleInCooldown": 60,
        "ScaleOutCooldown": 300,
        "DisableScaleIn": True,
    }


def test_an_asynchronous_endpoint_tracks_its_backlog_and_starts_from_zero() -> None:
    made = requests("async", args("async"))
    assert made["target-tracking"]["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 5,
        "CustomizedMetricSpecification": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": "boston"}],
            "Statistic": "Average",
        },
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 300,
        "DisableScaleIn": False,
    }
    step = made["scale-out-from-zero"]
    assert step["PolicyType"] == "StepScaling"
    assert step["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "MetricAggregationType": "Average",
        "Cooldown": 300,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    declared = endpoint("async", args("async"))
    (variant,) = declared.production_variants
    alarm = autoscaling.from_zero_alarm(declared, variant, "boston", "arn:aws:autoscaling:us-east-1:1:scalingPolicy:x")
    assert request("cloudwatch", "PutMetricAlarm", alarm) == {
        "AlarmName": "boston-AllTraffic-scale-out-from-zero",
        "AlarmDescription": "Requests wait and there is no instance: adds the first.",
        "AlarmActions": ["arn:aws:autoscaling:us-east-1:1:scalingPolicy:x"],
        "Namespace": "AWS/SageMaker",
        "MetricName": "HasBacklogWithoutCapacity",
        "Dimensions": [{"Name": "EndpointName", "Value": "boston"}],
        "Statistic": "Average",
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Period": 60,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "missing",
        "Tags": [{"Key": "team", "Value": "ml"}],
    }


@pytest.mark.parametrize("kind", ["real-time", "serverless"])
def test_only_an_asynchronous_endpoint_starts_from_zero(kind: Kind) -> None:
    assert set(requests(kind, args(kind))) == {"target", "target-tracking"}


def test_schedules_change_the_bounds_and_need_no_target() -> None:
    given = args(
        "real-time",
        invocations_per_instance=None,
        schedules={"night": NIGHT, "day": {"schedule": "rate(1 day)", "max_capacity": 9}},
    )
    made = requests("real-time", given)
    assert set(made) == {"target", "night", "day"}
    assert made["night"] == {
        "ScheduledActionName": "night",
        "ServiceNamespace": "sagemaker",
        "ResourceId": RESOURCE,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "Schedule": "cron(0 20 ? * MON-FRI *)",
        "Timezone": "Europe/Berlin",
        "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1},
    }
    assert made["day"]["Timezone"] == "UTC"


@pytest.mark.parametrize("kind", KINDS)
def test_the_arguments_of_each_kind_have_no_problem(kind: Kind) -> None:
    assert problems("autoscaling", kind, capacity(kind), args(kind, schedules={"night": NIGHT})) == []


@pytest.mark.parametrize(
    ("kind", "changes", "property_", "allowed"),
    [
        ("real-time", {"min_capacity": 0}, ".min_capacity", "1 or more"),
        ("real-time", {"min_capacity": 5}, ".max_capacity", "at least min_capacity (5)"),
        ("real-time", {"max_capacity": 2.5}, ".max_capacity", "a whole number"),
        ("async", {"min_capacity": -1}, ".min_capacity", "0 or more"),
        ("async", {"max_capacity": 0}, ".max_capacity", "1 or more"),
        ("serverless", {"max_capacity": 11}, ".max_capacity", "between 1 and 10"),
        (
            "serverless",
            {"provisioned_concurrency_utilization": 70},
            ".provisioned_concurrency_utilization",
            "at most 1",
        ),
        ("real-time", {"invocations_per_instance": 0}, ".invocations_per_instance", "above 0"),
        ("real-time", {"concurrent_requests_per_model": 3}, "", "one target"),
        ("real-time", {"invocations_per_instance": None}, "", "needs invocations_per_instance or concurrent_requests"),
        (
            "async",
            {"invocations_per_instance": 70},
            ".invocations_per_instance",
            "cannot be set on an async endpoint. Use backlog",
        ),
        ("serverless", {"backlog_per_instance": 5}, ".backlog_per_instance", "cannot be set on a serverless endpoint"),
        ("real-time", {"scale_in_cooldown": -1}, ".scale_in_cooldown", "0 or more"),
        ("real-time", {"scale_out_cooldown": "1m"}, ".scale_out_cooldown", "a whole number"),
        ("real-time", {"disable_scale_in": "yes"}, ".disable_scale_in", "true or false"),
        ("async", {"schedules": {"a:b": NIGHT}}, ".schedules['a:b']", "has a name that must be text without colons"),
        ("async", {"schedules": {"a": {**NIGHT, "schedule": "daily"}}}, ".schedules['a'].schedule", "cron(six fields)"),
        ("async", {"schedules": {"a": {**NIGHT, "schedule": "cron(0 8 * * *)"}}}, ".schedules['a'].schedule", "six"),
        ("async", {"schedules": {"a": {"schedule": "rate(1 day)"}}}, ".schedules['a']", "needs min_capacity, max"),
        (
            "async",
            {"schedules": {"a": {**NIGHT, "min_capacity": 2}}},
            ".schedules['a'].max_capacity",
            "at least min_capacity (2)",
        ),
        ("real-time", {"schedules": {"a": {**NIGHT, "min_capacity": 0}}}, ".schedules['a'].min_capacity", "1 or more"),
    ],
)
def test_each_problem_is_named(kind: Kind, changes: dict[str, Any], property_: str, allowed: str) -> None:
    (found,) = problems("autoscaling", kind, capacity(kind), args(kind, **changes))
    assert found.property == f"autoscaling{property_}"
    assert allowed in str(found)


@given(instance_type=st.sampled_from(shapes()["ProductionVariantInstanceType"]["enum"]))
def test_burstable_types_alone_are_refused(instance_type: str) -> None:
    found = problems("autoscaling", "real-time", capacity("real-time", instance_type=instance_type), args("real-time"))
    refusal = f"autoscaling cannot be set with {instance_type}: AWS does not scale burstable instances."
    assert [str(problem) for problem in found] == ([refusal] if instance_type.startswith("ml.t2.") else [])


def test_serverless_needs_provisioned_concurrency() -> None:
    unprovisioned = capacity("serverless", provisioned_concurrency=None)
    (found,) = problems("autoscaling", "serverless", unprovisioned, args("serverless"))
    assert "needs serverless_config.provisioned_concurrency" in str(found)


VALUES = st.integers(-2, 12) | st.floats() | st.booleans() | st.none() | st.text(max_size=3)
SCHEDULES = st.dictionaries(
    st.sampled_from(["night", "a:b", " "]),
    st.fixed_dictionaries(
        {"schedule": st.sampled_from(["rate(1 day)", "rate(0 days)", "at(2030-01-01T08:00:00)", "daily"])},
        optional={"min_capacity": VALUES, "max_capacity": VALUES},
    ),
)


@given(
    kind=st.sampled_from(KINDS),
    given=st.fixed_dictionaries(
        {"min_capacity": st.integers(-2, 12), "max_capacity": st.integers(-2, 12)},
        optional=dict.fromkeys([*TARGET_FIELDS, "scale_in_cooldown", "scale_out_cooldown", "disable_scale_in"], VALUES)
        | {"schedules": SCHEDULES},
    ),
)
def test_arguments_are_refused_or_make_requests_that_aws_allows(kind: Kind, given: dict[str, Any]) -> None:
    scaling = cast("AutoscalingArgs", {name: value for name, value in given.items() if value is not None})
    if problems("autoscaling", kind, capacity(kind), scaling) == []:
        made = requests(kind, scaling)
        assert made["target"]["MinCapacity"] <= made["target"]["MaxCapacity"]
        assert len(made) > 1


def test_what_is_not_known_yet_is_passed_over(run: Run) -> None:
    def program() -> None:
        late: Any = pulumi.Output.from_input(0)
        given = args("real-time", min_capacity=late, invocations_per_instance=late, scale_in_cooldown=late)
        unknown_type = capacity("real-time", instance_type=pulumi.Output.from_input("ml.t2.large"))
        assert problems("autoscaling", "real-time", unknown_type, given) == []

    run(program)
    later: Any = object()
    assert problems("autoscaling", "async", capacity("async"), args("async", schedules=later, max_capacity=later)) == []
    assert problems("autoscaling", "async", capacity("async"), args("async", schedules={"night": later})) == []


def test_what_is_declared_and_what_it_depends_on(run: Run) -> None:
    def program() -> None:
        options = pulumi.ResourceOptions()
        registered = autoscaling.registration("endpoint-scaling", {"AllTraffic": "ml.m5.xlarge"}, options)
        name = autoscaling.after(registered, pulumi.Output.from_input("boston"))
        given = args("async", schedules={"night": NIGHT})
        autoscaling.autoscale(Names("endpoint"), endpoint("async", given), name, options)

    seen = run(program)
    assert {(made.type, made.name) for made in seen.registered if made.type != "pulumi:pulumi:Stack"} == {
        (STASH, "endpoint-scaling"),
        (TARGET, "endpoint-AllTraffic-scaling"),
        (POLICY, "endpoint-AllTraffic-scaling-target-tracking"),
        (POLICY, "endpoint-AllTraffic-scaling-scale-out-from-zero"),
        (SCHEDULED_ACTION, "endpoint-AllTraffic-scaling-night"),
        (ALARM, "endpoint-AllTraffic-scaling-scale-out-from-zero"),
    }
    assert seen.of_type(STASH).inputs == {"input": {"AllTraffic": "ml.m5.xlarge"}}
    assert seen.of_type(TARGET).inputs["resourceId"] == RESOURCE
    assert seen.of_type(TARGET).inputs["tags"] == {"team": "ml"}
    # Made again in place, never beside what is still there.
    assert all(made.delete_before_replace for made in seen.registered if made.type != "pulumi:pulumi:Stack")
    alarm = seen.of_type(ALARM).inputs
    (action,) = alarm["alarmActions"]
    assert action.startswith("arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:")
    assert action.endswith(":resource/sagemaker/endpoint/boston/variant/AllTraffic:policyName/scale-out-from-zero")
    assert alarm["tags"] == {"team": "ml"}
