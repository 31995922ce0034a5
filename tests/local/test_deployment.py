"""The steps of a shift, for any configuration."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.local.deployment import Plan, check, plan
from sagebridge.local.shapes import AwsError

SECONDS = st.integers(0, 3600)


def size(least: int) -> st.SearchStrategy[dict[str, Any]]:
    percent = st.builds(lambda value: {"Type": "CAPACITY_PERCENT", "Value": value}, st.integers(least, 50))
    return percent | st.builds(lambda value: {"Type": "INSTANCE_COUNT", "Value": value}, st.integers(1, 40))


def blue_green(kind: str, wait: int, **routing: object) -> dict[str, Any]:
    return {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **routing}}


CANARY = st.builds(lambda wait, size: blue_green("CANARY", wait, CanarySize=size), SECONDS, size(1))
LINEAR = st.builds(lambda wait, size: blue_green("LINEAR", wait, LinearStepSize=size), SECONDS, size(10))
ALL_AT_ONCE = st.builds(lambda wait: blue_green("ALL_AT_ONCE", wait), SECONDS)
ROLLING = st.builds(
    lambda wait, size: {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait},
    SECONDS,
    size(5),
)
CONFIG = st.builds(
    lambda policy, wait: {"BlueGreenUpdatePolicy": {**policy, "TerminationWaitInSeconds": wait}},
    CANARY | LINEAR | ALL_AT_ONCE,
    SECONDS,
) | ROLLING.map(lambda policy: {"RollingUpdatePolicy": policy})
VARIANTS = st.lists(
    st.builds(lambda count: {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}, st.integers(1, 40))
    | st.just({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}),
    min_size=1,
    max_size=3,
)
TWO = [{"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}]
TEN = [{"InstanceType": "ml.m5.large", "InitialInstanceCount": 10}]


def shares(shift: Plan) -> list[float]:
    return [step.share for step in shift.steps]


@given(config=CONFIG | st.none(), variants=VARIANTS)
def test_shares_rise_to_all_of_the_traffic(config: dict[str, Any] | None, variants: list[dict[str, Any]]) -> None:
    rising = shares(plan(config, variants))
    assert rising[-1] == 1
    assert all(0 < before < after for before, after in itertools.pairwise(rising))
    assert rising[0] > 0


@given(config=CONFIG, variants=VARIANTS)
def test_waits_are_those_of_the_configuration(config: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    check(config)
    steps = plan(config, variants).steps
    if policy := config.get("BlueGreenUpdatePolicy"):
        assert steps[-1].wait == policy["TerminationWaitInSeconds"]
        interval = policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"]
        assert {step.wait for step in steps[:-1]} <= {interval}
    elif len(variants) == 1 and "InitialInstanceCount" in variants[0]:
        assert {step.wait for step in steps} == {config["RollingUpdatePolicy"]["WaitIntervalInSeconds"]}


@given(policy=CANARY, variants=VARIANTS)
def test_a_canary_is_one_step_before_the_last(policy: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    steps = plan({"BlueGreenUpdatePolicy": policy}, variants).steps
    size_ = policy["TrafficRoutingConfiguration"]["CanarySize"]
    whole = size_["Type"] == "INSTANCE_COUNT" and all(
        variant.get("InitialInstanceCount", 0) <= size_["Value"] for variant in variants
    )
    assert len(steps) == (1 if whole else 2)


@given(policy=LINEAR, variants=VARIANTS)
def test_linear_steps_have_one_size(policy: dict[str, Any], variants: list[dict[str, Any]]) -> None:
    rising = shares(plan({"BlueGreenUpdatePolicy": policy}, variants))
    rises = [after - before for before, after in zip([0.0, *rising], rising, strict=False)]
    assert all(math.isclose(rise, rises[0]) for rise in rises[:-1])
    assert rises[-1] <= rises[0] + 1e-9


@pytest.mark.parametrize(
    ("size_", "variants", "expected"),
    [
        ({"Type": "CAPACITY_PERCENT", "Value": 25}, TWO, [0.25, 0.5, 0.75, 1]),
        ({"Type": "CAPACITY_PERCENT", "Value": 30}, TWO, [0.3, 0.6, 0.9, 1]),
        ({"Type": "INSTANCE_COUNT", "Value": 1}, TWO, [0.5, 1]),
        ({"Type": "INSTANCE_COUNT", "Value": 5}, TEN, [0.5, 1]),
        ({"Type": "INSTANCE_COUNT", "Value": 4}, TEN, [0.4, 0.8, 1]),
        ({"Type": "INSTANCE_COUNT", "Value": 9}, TWO, [1]),
    ],
)
def test_a_rolling_update_goes_batch_by_batch(
    size_: dict[str, Any], variants: list[dict[str, Any]], expected: list[float]
) -> None:
    policy = {"MaximumBatchSize": size_, "WaitIntervalInSeconds": 60}
    assert shares(plan({"RollingUpdatePolicy": policy}, variants)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "variants",
    [[{"InstanceType": "ml.inf1.xlarge", "InitialInstanceCount": 4}], TEN * 2, [{"ServerlessConfig": {}}]],
)
def test_what_guardrails_exclude_is_shifted_at_once_without_a_bake(variants: list[dict[str, Any]]) -> None:
    size_ = {"Type": "CAPACITY_PERCENT", "Value": 10}
    policy = {"MaximumBatchSize": size_, "WaitIntervalInSeconds": 60, "MaximumExecutionTimeoutInSeconds": 600}
    (step,) = plan({"RollingUpdatePolicy": policy}, variants).steps
    assert (step.share, step.wait) == (1, 0)


def test_a_plan_names_its_alarms_its_limit_and_what_it_waits_for() -> None:
    policy = blue_green("CANARY", 300, CanarySize={"Type": "INSTANCE_COUNT", "Value": 1})
    config = {
        "BlueGreenUpdatePolicy": {
            **policy,
            "TerminationWaitInSeconds": 600,
            "MaximumExecutionTimeoutInSeconds": 1800,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]},
    }
    shift = plan(config, TEN)
    assert (shift.alarms, shift.limit) == (("errors", "latency"), 1800)
    assert [step.message for step in shift.steps] == [
        "Baking for 300 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s).",
        "Baking for 600 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 10 instance(s).",
    ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"BlueGreenUpdatePolicy": blue_green("CANARY", 0)}, "CANARY needs CanarySize"),
        ({"BlueGreenUpdatePolicy": blue_green("LINEAR", 0)}, "LINEAR needs LinearStepSize"),
        (
            {"BlueGreenUpdatePolicy": blue_green("LINEAR", 0, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 9})},
            "LinearStepSize must be 10 to 50 percent",
        ),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 51}}},
            "MaximumBatchSize must be 5 to 50 percent",
        ),
        (
            {"BlueGreenUpdatePolicy": blue_green("ALL_AT_ONCE", 0), "RollingUpdatePolicy": {"x": 1}},
            "not both",
        ),
    ],
)
def test_members_that_do_not_go_together_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError, match=message):
        check(config)
