"""The arithmetic of scaling policies: how much capacity a policy wants.

Source: Application Auto Scaling's user guide and API reference, as botocore quotes it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LOW = 0.9  # of the target, below which target tracking scales in
_AGGREGATED: dict[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}


def tracked(capacity: int, value: float, target: float) -> int:
    """Give the capacity at which a metric that each unit of capacity shares in is at its target, rounded up."""
    return math.ceil(round(capacity * value / target, 9))


def stepped(capacity: int, values: Sequence[float], threshold: float, config: Mapping[str, Any]) -> int:
    """Give the capacity that a step scaling policy wants; the capacity itself when no step fits.

    Args:
        capacity: as it is.
        values: what the alarm found.
        threshold: the alarm's.
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
    """Bring a capacity between two bounds."""
    return max(least, min(capacity, most))
