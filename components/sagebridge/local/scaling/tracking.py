"""The alarms that a target tracking policy makes: one above its target, and one well below it."""

import uuid

from sagebridge.local.scaling.policies import LOW
from sagebridge.local.scaling.targets import variant_of
from sagebridge.local.shapes import Record

PREDEFINED = {
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum", 60),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": ("ConcurrentRequestsPerModel", "Average", 10),
    "SageMakerVariantProvisionedConcurrencyUtilization": ("ServerlessProvisionedConcurrencyUtilization", "Maximum", 60),
}
"""The metric of each predefined type, its statistic, and its period in seconds.

Source: SageMaker's guide, "Auto scaling policy overview"; the statistics of the second and third are not documented.
"""
PERIODS_HIGH = 3
"""Periods above the target after which a policy scales out."""
PERIODS_LOW = 15
"""Periods well below the target after which a policy scales in."""
_MINUTE = 60


def tracking_alarms(policy: Record) -> list[Record]:
    """Returns the alarms of a target tracking policy as members of PutMetricAlarm, with AWS's names."""
    action = f"{policy['PolicyARN']}:createdBy/{uuid.uuid4()}"
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    target = config["TargetValue"]
    kinds = [("AlarmHigh", "GreaterThanThreshold", PERIODS_HIGH, target, _metric(policy))]
    if not config.get("DisableScaleIn"):
        # "Scale-in with high-resolution metrics takes as long as with standard ones": periods of a minute
        kinds.append(("AlarmLow", "LessThanThreshold", PERIODS_LOW, target * LOW, _metric(policy, _MINUTE)))
    return [
        {
            "AlarmName": f"TargetTracking-{policy['ResourceId']}-{kind}-{uuid.uuid4()}",
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}.",
            "AlarmActions": [action],
            "ComparisonOperator": comparison,
            "EvaluationPeriods": periods,
            "Threshold": threshold,
            **metric,
        }
        for kind, comparison, periods, threshold, metric in kinds
    ]


def _metric(policy: Record, least_period: int = 1) -> Record:
    """Returns what the alarms of a target tracking policy watch, as members of PutMetricAlarm."""
    config = policy["TargetTrackingScalingPolicyConfiguration"]
    if custom := config.get("CustomizedMetricSpecification"):
        if "Metrics" in custom:
            return {"Metrics": [_with_period(query) for query in custom["Metrics"]]}
        return {"Period": _MINUTE, **custom}
    name, statistic, period = PREDEFINED[config["PredefinedMetricSpecification"]["PredefinedMetricType"]]
    endpoint, variant = variant_of(policy)
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": name,
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        "Statistic": statistic,
        "Period": max(period, least_period),
    }


def _with_period(query: Record) -> Record:
    if "MetricStat" not in query:
        return query
    return query | {"MetricStat": {"Period": _MINUTE} | query["MetricStat"]}
