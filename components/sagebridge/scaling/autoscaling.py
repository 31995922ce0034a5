"""Autoscaling of a variant: the scalable target, its policies and schedules, by the endpoint's kind.

AWS refuses to change the instance type of a variant, or to take it away, while the variant is a scalable target
(SageMaker Developer Guide, "Update endpoints that use auto scaling"; terraform-provider-aws issue 14337). So targets
have to go before such an update and come back after it, which dependencies alone cannot say: see :func:`registration`.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from sagebridge.endpoint import names
from sagebridge.endpoint.names import Names
from sagebridge.endpoint.spec import Autoscaling, Endpoint, Kind, TargetField, Variant
from sagebridge.endpoint.stash import stash
from sagebridge.monitoring.metrics import BACKLOG_PER_INSTANCE, BACKLOG_WITHOUT_CAPACITY

FROM_ZERO = "scale-out-from-zero"
TARGET_TRACKING = "target-tracking"


class Tracked(NamedTuple):
    """What a policy of target tracking holds steady."""

    kind: Kind
    """The kind of endpoint that has it."""
    metric: str
    """A predefined metric of Application Auto Scaling, or for an asynchronous endpoint one of CloudWatch."""
    most: float | None = None


TRACKED: Mapping[TargetField, Tracked] = {
    "invocations_per_instance": Tracked("real-time", "SageMakerVariantInvocationsPerInstance"),
    "concurrent_requests_per_model": Tracked("real-time", "SageMakerVariantConcurrentRequestsPerModelHighResolution"),
    "provisioned_concurrency_utilization": Tracked(
        "serverless", "SageMakerVariantProvisionedConcurrencyUtilization", most=1
    ),
    "backlog_per_instance": Tracked("async", BACKLOG_PER_INSTANCE.name),
}
_SCALABLE_DIMENSIONS: Mapping[Kind, str] = {
    "real-time": "sagemaker:variant:DesiredInstanceCount",
    "serverless": "sagemaker:variant:DesiredProvisionedConcurrency",
    "async": "sagemaker:variant:DesiredInstanceCount",
}


def registration(name: str, variants: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions) -> pulumi.Stash:
    """Returns what the endpoint and every scalable target depend on, so that targets go before an update and come back.

    It keeps in the stack's state which variants scale, and on what, and nothing in AWS. When that changes it is
    replaced, the old one deleted first, and the engine deletes first whatever would be replaced with it: the targets
    and what acts on them. Then the endpoint is updated, and then the targets are made anew. Without a change nothing
    happens. The endpoint takes it in ``depends_on``. It is there only while a variant scales, so an update that takes
    the last target away and changes its instance type is refused (``guards/replacement.py``).

    Args:
        name: Name of the resource.
        variants: What each variant that scales runs on: its instance type, or ``serverless``.
        opts: Options of the resource.
    """
    replaced = pulumi.ResourceOptions(replacement_trigger=variants, delete_before_replace=True)
    return stash("registration", name, variants, pulumi.ResourceOptions.merge(opts, replaced))


def after(registered: pulumi.Stash, endpoint_name: pulumi.Input[str]) -> pulumi.Output[str]:
    """Returns the endpoint's name such that whatever takes it is replaced with the registration."""
    return pulumi.Output.all(endpoint_name, registered.output).apply(lambda values: str(values[0]))


def autoscale(
    children: Names, endpoint: Endpoint, endpoint_name: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> None:
    """Declares the scaling of each variant that scales.

    That is its scalable target, the target's policies and schedules and, if it starts from zero, the alarm.

    Args:
        children: The names of the component's children.
        endpoint: What the endpoint declares.
        endpoint_name: Name of the endpoint; see :func:`after`.
        opts: Options of the resources.
    """
    # A target is replaced where it stands: what is made before the old is deleted would be deleted with it. That also
    # holds for one that a failed update left deleted and not made again.
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
    for variant, scaling in endpoint.scaled:
        on_target = partial(children.on_target, variant.name)
        target_args = scalable_target(endpoint, variant, scaling, endpoint_name)
        target = aws.appautoscaling.Target(children.target(variant.name), target_args, opts)
        for what, policy_args in policies(endpoint.kind, scaling, endpoint_name, target.resource_id).items():
            policy = aws.appautoscaling.Policy(on_target(what), policy_args, opts)
            if what == FROM_ZERO:
                alarm = from_zero_alarm(endpoint, variant, endpoint_name, policy.arn)
                aws.cloudwatch.MetricAlarm(on_target(what), alarm, opts)
        for what, action in scheduled_actions(endpoint.kind, scaling, target.resource_id).items():
            aws.appautoscaling.ScheduledAction(on_target(what), action, opts)


def scalable_target(
    endpoint: Endpoint, variant: Variant, scaling: Autoscaling, endpoint_name: pulumi.Input[str]
) -> "aws.appautoscaling.TargetArgs":
    """Returns the arguments of the scalable target (API: RegisterScalableTarget)."""
    return aws.appautoscaling.TargetArgs(
        service_namespace="sagemaker",
        scalable_dimension=_SCALABLE_DIMENSIONS[endpoint.kind],
        resource_id=names.scalable_resource(endpoint_name, variant.name),
        min_capacity=scaling.min_capacity,
        max_capacity=scaling.max_capacity,
        tags=endpoint.tags,
    )


def policies(
    kind: Kind, scaling: Autoscaling, endpoint_name: pulumi.Input[str], resource_id: pulumi.Input[str]
) -> "dict[str, aws.appautoscaling.PolicyArgs]":
    """Returns the arguments of the policies (API: PutScalingPolicy), by the policy's name in AWS.

    There is one of target tracking if there is a target. An asynchronous endpoint also has one that adds the first
    instance: with none, the backlog per instance says nothing until it is over the target (Developer Guide,
    async-inference-autoscale).
    """
    policy = partial(
        aws.appautoscaling.PolicyArgs,
        service_namespace="sagemaker",
        scalable_dimension=_SCALABLE_DIMENSIONS[kind],
        resource_id=resource_id,
    )
    built = {}
    if scaling.target is not None:
        tracked = TRACKED[scaling.target.field]
        built[TARGET_TRACKING] = policy(
            name=TARGET_TRACKING,
            policy_type="TargetTrackingScaling",
            target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=scaling.target.value,
                scale_in_cooldown=scaling.scale_in_cooldown,
                scale_out_cooldown=scaling.scale_out_cooldown,
                disable_scale_in=scaling.disable_scale_in,
                predefined_metric_specification=None if kind == "async" else _predefined(tracked),
                customized_metric_specification=_backlog(endpoint_name) if kind == "async" else None,
            ),
        )
    if kind == "async":
        built[FROM_ZERO] = policy(
            name=FROM_ZERO,
            policy_type="StepScaling",
            step_scaling_policy_configuration=aws.appautoscaling.PolicyStepScalingPolicyConfigurationArgs(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Average",
                cooldown=scaling.scale_out_cooldown,
                step_adjustments=[
                    aws.appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgs(
                        metric_interval_lower_bound="0", scaling_adjustment=1
                    )
                ],
            ),
        )
    return built


def _predefined(
    tracked: Tracked,
) -> "aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs":
    return aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
        predefined_metric_type=tracked.metric
    )


def _backlog(
    endpoint_name: pulumi.Input[str],
) -> "aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs":
    """Returns the metric of an asynchronous queue, for which Application Auto Scaling has no name of its own."""
    specification = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs
    dimension = (
        aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationDimensionArgs
    )
    return specification(
        namespace=BACKLOG_PER_INSTANCE.namespace,
        metric_name=BACKLOG_PER_INSTANCE.name,
        statistic="Average",
        dimensions=[
            dimension(name=name, value=value)
            for name, value in BACKLOG_PER_INSTANCE.dimensions(endpoint_name, "").items()
        ],
    )


def from_zero_alarm(
    endpoint: Endpoint, variant: Variant, endpoint_name: pulumi.Input[str], policy_arn: pulumi.Input[str]
) -> "aws.cloudwatch.MetricAlarmArgs":
    """Returns the arguments of the alarm that adds the first instance (Developer Guide, async-inference-autoscale)."""
    return aws.cloudwatch.MetricAlarmArgs(
        name=names.alarm_in_aws(endpoint_name, variant.name, FROM_ZERO),
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
        tags=endpoint.tags,
    )


def scheduled_actions(
    kind: Kind, scaling: Autoscaling, resource_id: pulumi.Input[str]
) -> "dict[str, aws.appautoscaling.ScheduledActionArgs]":
    """Returns the arguments of the scheduled actions (API: PutScheduledAction), by the action's name in AWS."""
    return {
        name: aws.appautoscaling.ScheduledActionArgs(
            name=name,
            service_namespace="sagemaker",
            scalable_dimension=_SCALABLE_DIMENSIONS[kind],
            resource_id=resource_id,
            schedule=schedule.schedule,
            timezone=schedule.timezone,
            scalable_target_action=aws.appautoscaling.ScheduledActionScalableTargetActionArgs(
                min_capacity=schedule.min_capacity, max_capacity=schedule.max_capacity
            ),
        )
        for name, schedule in scaling.schedules.items()
    }
