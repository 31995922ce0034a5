"""What Application Auto Scaling refuses of targets and policies, beyond what botocore's model says of each request.

Each rule raises AwsError (`ValidationException`). Where nothing else is said, the words are ours.
"""

import math
from itertools import pairwise

from sagebridge.local.scaling.targets import CONCURRENCY
from sagebridge.local.scaling.tracking import PREDEFINED
from sagebridge.local.shapes import Record, invalid


def check_bounds(target: Record) -> None:
    """Refuses a target without bounds, or with a minimum above the maximum."""
    missing = {"MinCapacity", "MaxCapacity"} - target.keys()
    if missing:
        raise invalid(f"A new scalable target needs {' and '.join(sorted(missing))}.")
    if target["MinCapacity"] > target["MaxCapacity"]:
        raise invalid("Maximum capacity cannot be less than minimum capacity")


def check_variant(target: Record, variant: Record, *, is_asynchronous: bool) -> None:
    """Refuses a variant that cannot be scaled in the dimension of a target.

    Args:
        target: the target.
        variant: its variant, as DescribeEndpoint answers it.
        is_asynchronous: whether its endpoint is asynchronous.
    """
    resource, dimension = target["ResourceId"], target["ScalableDimension"]
    serverless = variant.get("CurrentServerlessConfig")
    if (dimension == CONCURRENCY) != bool(serverless and serverless.get("ProvisionedConcurrency")):
        kind = "without provisioned concurrency" if serverless else "on instances"
        raise invalid(f"{resource} is a variant {kind}, which {dimension} does not go with.")
    if target["MinCapacity"] < 1 and not is_asynchronous:
        raise invalid(f"Minimum capacity must be at least 1 for {resource}: its endpoint is not asynchronous.")


def check_instance_type(instance_type: str) -> None:
    """Refuses burstable instances, in AWS's words."""
    if instance_type.startswith("ml.t2."):
        raise invalid(
            f"You cannot register a variant with {instance_type} instance type as a scalable target. This is because "
            "the burstable performance of these instances can lead to unpredictable behavior with Auto Scaling."
        )


def check_policy(policy: Record) -> None:
    """Refuses a policy whose configuration is not that of its type; source: botocore's documentation."""
    policy_type = policy["PolicyType"]
    config = f"{policy_type}PolicyConfiguration"
    others = {"StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration"} - {config}
    if policy_type == "PredictiveScaling":
        raise invalid("Predictive scaling is for ECS services only.")
    if config not in policy or others & policy.keys():
        raise invalid(f"A policy of type {policy_type} needs {config}, and no other configuration.")
    if policy_type == "StepScaling":
        _check_steps(policy[config])
    else:
        _check_tracking(policy[config])


def _check_tracking(config: Record) -> None:
    if ("PredefinedMetricSpecification" in config) == ("CustomizedMetricSpecification" in config):
        raise invalid("A target tracking policy needs either PredefinedMetricSpecification or a customized one.")
    predefined = config.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if predefined and predefined not in PREDEFINED:
        raise invalid(f"{predefined} is no metric of SageMaker's variants, which have: {', '.join(PREDEFINED)}.")
    if config["TargetValue"] <= 0:
        raise invalid("TargetValue must be greater than 0.")


def _check_steps(config: Record) -> None:
    """Refuses steps that overlap or leave a gap; source: botocore, StepAdjustment."""
    if not {"AdjustmentType", "StepAdjustments"} <= config.keys() or not config["StepAdjustments"]:
        raise invalid("A step scaling policy needs AdjustmentType and at least one of StepAdjustments.")
    spans = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf))
        for step in config["StepAdjustments"]
    )
    if any(lower >= upper for lower, upper in spans):
        raise invalid("The upper bound of a step adjustment must be greater than its lower bound.")
    if any(before[1] != after[0] for before, after in pairwise(spans)):
        raise invalid("Step adjustments must neither overlap nor leave a gap.")
