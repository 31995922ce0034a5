"""The arithmetic of scaling policies: how much capacity a policy asks for.

Source: Application Auto Scaling's user guide and API reference, as botocore quotes it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

LOW = 0.9
"""The part of the target below which target tracking scales in."""
_AGGREGATED: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}


def tracked(capacity: int, value: float, target: float) -> int:
    """Returns the capacity, rounded up, at which a metric that the units of capacity share is at its target."""
    return math.ceil(round(capacity * value / target, 9))


def stepped(capacity: int, values: Sequence[float], threshold: float, config: Mapping[str, Any]) -> int:
    """Returns the capacity that a step scaling policy asks for: the same one if no step fits.

    Args:
        capacity: the capacity before.
        values: the values that the alarm found.
        threshold: the threshold of the alarm.
        config: AWS's StepScalingPolicyConfiguration.
    """
    difference = _AGGREGATED[config.get("MetricAggregationType", "Average")](values) - threshold
    for step in config["StepAdjustments"]:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        # API reference, StepAdjustment: above the threshold the lower bound is inclusive, below it the upper one
        if lower <= difference < upper if difference >= 0 else lower < difference <= upper:
            return _adjusted(capacity, step["ScalingAdjustment"], config)
    return capacity


def _adjusted(capacity: int, adjustment: int, config: Mapping[str, Any]) -> int:
    match config["AdjustmentType"]:
        case "ExactCapacity":
            return adjustment
        case "ChangeInCapacity":
            return capacity + adjustment
    change = capacity * adjustment / 100
    # User guide, "Scaling adjustment types": between -1 and 1 away from zero, beyond that towards zero
    whole = math.trunc(change) if abs(change) >= 1 else int(math.copysign(math.ceil(abs(change)), change))
    least = config.get("MinAdjustmentMagnitude", 0)
    if adjustment and abs(whole) < least:
        whole = int(math.copysign(least, adjustment))
    return capacity + whole


def bounded(capacity: int, least: int, most: int) -> int:
    """Returns the capacity nearest to a capacity that is within two bounds."""
    return max(least, min(capacity, most))
