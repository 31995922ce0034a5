"""Autoscaling of a variant: the scalable target, its policies and schedules, by the endpoint's kind.

AWS refuses to change the instance type of a variant, or to take it away, while the variant is a scalable target
(SageMaker Developer Guide, "Update endpoints that use auto scaling"; terraform-provider-aws issue 14337). So targets
have to go before such an update and come back after it, which dependencies alone cannot say: see :func:`registration`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from sagebridge.monitoring.alarms import alarm_name
from sagebridge.monitoring.metrics import BACKLOG_PER_INSTANCE, BACKLOG_WITHOUT_CAPACITY, Kind

FROM_ZERO = "scale-out-from-zero"
TARGET_TRACKING = "target-tracking"
COOLDOWN = 300
"""Seconds; what Application Auto Scaling takes for SageMaker variants if nothing is said."""


class ScheduleArgs(TypedDict):
    """A change of the bounds at a time (AWS API: PutScheduledAction); one bound or both."""

    schedule: pulumi.Input[str]
    """When: ``cron(0 8 ? * MON-FRI *)``, ``rate(1 day)`` or ``at(2030-01-01T08:00:00)``."""
    timezone: NotRequired[pulumi.Input[str]]
    """The schedule's time zone, as ``Europe/Berlin``. Default ``UTC``."""
    min_capacity: NotRequired[pulumi.Input[int]]
    """The least from then on."""
    max_capacity: NotRequired[pulumi.Input[int]]
    """The most from then on."""


class AutoscalingArgs(TypedDict):
    """How a variant scales: the bounds, and one target for the endpoint's kind, schedules, or both.

    Capacity is counted in instances; of a serverless variant in provisioned concurrency.
    """

    min_capacity: pulumi.Input[int]
    """The least: 1 or more; 0 or more of an asynchronous endpoint, which then starts at the first request."""
    max_capacity: pulumi.Input[int]
    """The most: ``min_capacity`` or more; of a serverless variant at most its ``max_concurrency``."""
    invocations_per_instance: NotRequired[pulumi.Input[float]]
    """Real-time: requests per instance and minute to hold, more than 0 (SageMakerVariantInvocationsPerInstance)."""
    concurrent_requests_per_model: NotRequired[pulumi.Input[float]]
    """Real-time: requests at once per model to hold, more than 0. Measured every 10 seconds, so it reacts to a burst
    within the minute (SageMakerVariantConcurrentRequestsPerModelHighResolution)."""
    provisioned_concurrency_utilization: NotRequired[pulumi.Input[float]]
    """Serverless: part of the provisioned concurrency in use to hold, more than 0 and at most 1
    (SageMakerVariantProvisionedConcurrencyUtilization). The variant needs ``provisioned_concurrency``."""
    backlog_per_instance: NotRequired[pulumi.Input[float]]
    """Asynchronous: requests in the queue per instance to hold, more than 0 (ApproximateBacklogSizePerInstance)."""
    scale_in_cooldown: NotRequired[pulumi.Input[int]]
    """Seconds after scaling in before the next. Default 300 (AWS's own)."""
    scale_out_cooldown: NotRequired[pulumi.Input[int]]
    """Seconds after scaling out before the next. Default 300 (AWS's own)."""
    disable_scale_in: NotRequired[pulumi.Input[bool]]
    """Whether the target only ever adds capacity. Default false."""
    schedules: NotRequired[Mapping[str, ScheduleArgs]]
    """Changes of the bounds at a time, by name. Default none."""


class Target(NamedTuple):
    """What a policy of target tracking holds steady."""

    kind: Kind
    metric: str
    """A predefined metric of Application Auto Scaling; of an asynchronous endpoint one of CloudWatch."""
    most: float | None = None


TARGETS: Mapping[str, Target] = {
    "invocations_per_instance": Target("real-time", "SageMakerVariantInvocationsPerInstance"),
    "concurrent_requests_per_model": Target("real-time", "SageMakerVariantConcurrentRequestsPerModelHighResolution"),
    "provisioned_concurrency_utilization": Target(
        "serverless", "SageMakerVariantProvisionedConcurrencyUtilization", most=1
    ),
    "backlog_per_instance": Target("async", BACKLOG_PER_INSTANCE.name),
}
_SCALABLE_DIMENSIONS: Mapping[Kind, str] = {
    "real-time": "sagemaker:variant:DesiredInstanceCount",
    "serverless": "sagemaker:variant:DesiredProvisionedConcurrency",
    "async": "sagemaker:variant:DesiredInstanceCount",
}


class Variant(NamedTuple):
    """The variant that scales."""

    kind: Kind
    name: str
    instance_type: pulumi.Input[str] | None = None
    max_concurrency: pulumi.Input[int] | None = None
    """Of a serverless variant."""
    provisioned_concurrency: pulumi.Input[int] | None = None
    """Of a serverless variant."""
    tags: Mapping[str, pulumi.Input[str]] | None = None
    """Tags of what is made for the variant."""


def registration(name: str, capacities: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions) -> pulumi.Stash:
    """Returns what the endpoint and every scalable target depend on, so that targets go before an update and come back.

    It keeps in the stack's state which variants scale, and on what, and nothing in AWS. If that changes it is replaced,
    delete first, and the engine deletes first whatever would be replaced with it: the targets and what hangs on them.
    Then the endpoint is updated, and then the targets are made anew. Without a change nothing happens. The endpoint
    takes it in ``depends_on``. It is there only while something scales: that the last target goes in the update that
    changes its instance type is refused (``guards/replacement.py``).

    Args:
        name: name of the resource.
        capacities: for each variant that scales its instance type, or ``serverless``.
        opts: options of the resource.
    """
    replaced = pulumi.ResourceOptions(replacement_trigger=capacities, delete_before_replace=True)
    return pulumi.Stash(name, input=capacities, opts=pulumi.ResourceOptions.merge(opts, replaced))


def autoscale(
    name: str,
    endpoint_name: pulumi.Input[str],
    variant: Variant,
    args: AutoscalingArgs,
    opts: pulumi.ResourceOptions,
) -> "aws.appautoscaling.Target":
    """Declares a variant's scalable target, its policies, schedules and, for one that starts from zero, the alarm.

    Args:
        name: name of the target; the other resources' names derive from it.
        endpoint_name: name of the endpoint; see :func:`after`.
        variant: the variant.
        args: see :class:`AutoscalingArgs`, free of problems (``scaling/rules.py``).
        opts: options of the resources.
    """
    # A target is replaced where it stands: what is made before the old is deleted would be deleted with it. That holds
    # for one, too, that a failed update left deleted and not made again.
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
    target = aws.appautoscaling.Target(name, scalable_target(endpoint_name, variant, args), opts)
    for what, policy_args in policies(target.resource_id, endpoint_name, variant.kind, args).items():
        policy = aws.appautoscaling.Policy(f"{name}-{what}", policy_args, opts)
        if what == FROM_ZERO:
            alarm = from_zero_alarm(endpoint_name, variant, policy.arn)
            aws.cloudwatch.MetricAlarm(f"{name}-{what}", alarm, opts)
    for what, action in scheduled_actions(target.resource_id, variant.kind, args).items():
        aws.appautoscaling.ScheduledAction(f"{name}-{what}", action, opts)
    return target


def after(registered: pulumi.Stash, endpoint_name: pulumi.Input[str]) -> pulumi.Output[str]:
    """Returns the endpoint's name such that whatever takes it is replaced with the registration."""
    return pulumi.Output.all(endpoint_name, registered.output).apply(lambda known: str(known[0]))


def scalable_target(
    endpoint_name: pulumi.Input[str], variant: Variant, args: AutoscalingArgs
) -> "aws.appautoscaling.TargetArgs":
    """Returns the arguments of the scalable target (API: RegisterScalableTarget)."""
    path = f"variant/{variant.name}"
    resource_id = (
        f"endpoint/{endpoint_name}/{path}"
        if isinstance(endpoint_name, str)
        else pulumi.Output.concat("endpoint/", endpoint_name, f"/{path}")
    )
    return aws.appautoscaling.TargetArgs(
        service_namespace="sagemaker",
        scalable_dimension=_SCALABLE_DIMENSIONS[variant.kind],
        resource_id=resource_id,
        min_capacity=args["min_capacity"],
        max_capacity=args["max_capacity"],
        tags=variant.tags,
    )


def policies(
    resource_id: pulumi.Input[str], endpoint_name: pulumi.Input[str], kind: Kind, args: AutoscalingArgs
) -> "dict[str, aws.appautoscaling.PolicyArgs]":
    """Returns the arguments of the policies (API: PutScalingPolicy), by a name that is the policy's own.

    Target tracking, if there is a target. Of an asynchronous endpoint, too, one that adds the first instance: with none
    the backlog per instance says nothing until it is over the target (Developer Guide, async-inference-autoscale).
    """
    policy = partial(
        aws.appautoscaling.PolicyArgs,
        service_namespace="sagemaker",
        scalable_dimension=_SCALABLE_DIMENSIONS[kind],
        resource_id=resource_id,
    )
    found = {}
    given: Mapping[str, Any] = args
    for field, target in TARGETS.items():
        if given.get(field) is None:
            continue
        tracking: Any = {  # a dictionary of pulumi-aws
            "target_value": given[field],
            "scale_in_cooldown": args.get("scale_in_cooldown", COOLDOWN),
            "scale_out_cooldown": args.get("scale_out_cooldown", COOLDOWN),
            "disable_scale_in": args.get("disable_scale_in", False),
            **_metric(endpoint_name, kind, target.metric),
        }
        found[TARGET_TRACKING] = policy(
            name=TARGET_TRACKING,
            policy_type="TargetTrackingScaling",
            target_tracking_scaling_policy_configuration=tracking,
        )
    if kind == "async":
        step: Any = {
            "adjustment_type": "ChangeInCapacity",
            "metric_aggregation_type": "Average",
            "cooldown": args.get("scale_out_cooldown", COOLDOWN),
            "step_adjustments": [{"metric_interval_lower_bound": "0", "scaling_adjustment": 1}],
        }
        found[FROM_ZERO] = policy(name=FROM_ZERO, policy_type="StepScaling", step_scaling_policy_configuration=step)
    return found


def _metric(endpoint_name: pulumi.Input[str], kind: Kind, predefined: str | None) -> dict[str, Any]:
    """Returns what a target is tracked by; Application Auto Scaling has no name for an asynchronous queue's backlog."""
    if kind != "async":
        return {"predefined_metric_specification": {"predefined_metric_type": predefined}}
    dimensions = BACKLOG_PER_INSTANCE.dimensions(endpoint_name, "")
    return {
        "customized_metric_specification": {
            "namespace": BACKLOG_PER_INSTANCE.namespace,
            "metric_name": BACKLOG_PER_INSTANCE.name,
            "statistic": "Average",
            "dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
        }
    }


def from_zero_alarm(
    endpoint_name: pulumi.Input[str], variant: Variant, policy_arn: pulumi.Input[str]
) -> "aws.cloudwatch.MetricAlarmArgs":
    """Returns the arguments of the alarm that adds the first instance (Developer Guide, async-inference-autoscale)."""
    return aws.cloudwatch.MetricAlarmArgs(
        name=alarm_name(endpoint_name, variant.name, FROM_ZERO),
        alarm_description="Requests wait and there is no instance: adds the first.",
        alarm_actions=[policy_arn],
        namespace=BACKLOG_WITHOUT_CAPACITY.namespace,
        metric_name=BACKLOG_WITHOUT_CAPACITY.name,
        dimensions=BACKLOG_WITHOUT_CAPACITY.dimensions(endpoint_name, variant.name),
        statistic="Average",
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        period=60,
        evaluation_periods=2,
        datapoints_to_alarm=2,
        treat_missing_data="missing",
        tags=variant.tags,
    )


def scheduled_actions(
    resource_id: pulumi.Input[str], kind: Kind, args: AutoscalingArgs
) -> "dict[str, aws.appautoscaling.ScheduledActionArgs]":
    """Returns the arguments of the scheduled actions (API: PutScheduledAction), by name."""
    return {
        name: aws.appautoscaling.ScheduledActionArgs(
            name=name,
            service_namespace="sagemaker",
            scalable_dimension=_SCALABLE_DIMENSIONS[kind],
            resource_id=resource_id,
            schedule=schedule["schedule"],
            timezone=schedule.get("timezone", "UTC"),
            scalable_target_action=aws.appautoscaling.ScheduledActionScalableTargetActionArgs(
                min_capacity=schedule.get("min_capacity"), max_capacity=schedule.get("max_capacity")
            ),
        )
        for name, schedule in args.get("schedules", {}).items()
    }
