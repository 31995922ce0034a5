"""The arithmetic of scaling policies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.local.scaling.policies import bounded, stepped, tracked

UP = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
}


@given(st.integers(1, 1000), st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_a_tracked_capacity_is_the_least_that_meets_the_target(capacity: int, value: float, target: float) -> None:
    tracked_capacity = tracked(capacity, value, target)
    assert capacity * value / max(tracked_capacity, 1) <= target * 1.0001
    assert tracked_capacity <= 1 or capacity * value / (tracked_capacity - 1) > target * 0.9999


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_a_bounded_capacity_is_within_its_bounds(capacity: int, bound: int, other_bound: int) -> None:
    least, most = sorted((bound, other_bound))
    result = bounded(capacity, least, most)
    assert least <= result <= most
    assert result == capacity or not least <= capacity <= most


# The user guide's example: threshold 50, steps at 0 to 10, 10 to 20 and above
STEPS = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 0},
    {"MetricIntervalLowerBound": 10, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 10},
    {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 30},
    {"MetricIntervalLowerBound": -20, "MetricIntervalUpperBound": -10, "ScalingAdjustment": -10},
    {"MetricIntervalUpperBound": -20, "ScalingAdjustment": -30},
]


@pytest.mark.parametrize(
    ("value", "capacity"),
    [(50, 10), (59.9, 10), (60, 11), (69.9, 11), (70, 13), (45, 10), (40, 9), (30.1, 9), (30, 7), (0, 7)],
)
def test_the_step_is_chosen_by_how_far_the_threshold_is_crossed(value: float, capacity: int) -> None:
    config = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": STEPS}
    assert stepped(10, [value], 50, config) == capacity


@pytest.mark.parametrize(
    ("members", "adjustment", "capacity"),
    [
        ({"AdjustmentType": "ChangeInCapacity"}, 3, 13),
        ({"AdjustmentType": "ExactCapacity"}, 3, 3),
        ({"AdjustmentType": "PercentChangeInCapacity"}, 127, 22),  # 12.7 is 12
        ({"AdjustmentType": "PercentChangeInCapacity"}, 7, 11),  # 0.7 is 1
        ({"AdjustmentType": "PercentChangeInCapacity"}, -6, 9),  # -0.6 is -1
        ({"AdjustmentType": "PercentChangeInCapacity"}, -67, 4),  # -6.7 is -6
        ({"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2}, 7, 12),
        ({"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2}, -7, 8),
    ],
)
def test_adjustments(members: dict[str, Any], adjustment: int, capacity: int) -> None:
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": adjustment}]
    assert stepped(10, [1], 0, members | {"StepAdjustments": steps}) == capacity


def test_values_are_aggregated_as_the_policy_says() -> None:
    config = UP | {"StepAdjustments": [{"MetricIntervalLowerBound": 5, "ScalingAdjustment": 1}]}
    capacities = [stepped(1, [0, 4, 8], 0, config | {"MetricAggregationType": how}) for how in ("Minimum", "Maximum")]
    assert capacities == [1, 2]
    assert stepped(1, [0, 4, 8], 0, config) == 1
