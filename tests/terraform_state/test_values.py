"""Values of outputs are as Terraform has them, though the engine has floats for numbers, and no null in an object."""

import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.terraform_state.values import Outputs, TooLargeError, exact

MOST = 2**53


def through_the_engine(value: Any) -> Any:
    """What the engine makes of a value: a protobuf Struct, read by Pulumi's SDK."""
    if isinstance(value, dict):
        return {name: through_the_engine(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [through_the_engine(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-MOST, MOST) | st.floats(-1e9, 1e9).filter(lambda x: x % 1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_every_value_is_as_it_was_written(value: Any) -> None:
    restored = exact(through_the_engine(value), value, "")
    assert repr(restored) == repr(value) or restored == value  # repr tells 1 from 1.0 and True
    assert types(restored) == types(value)


def types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: types(inner) for name, inner in value.items()}
    return [types(inner) for inner in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize(
    ("arrived", "written", "value"),
    [
        (2.0, None, 2),
        (2.5, None, 2.5),
        (-0.0, None, 0),
        (float(MOST - 1), None, MOST - 1),
        (float(MOST), MOST, MOST),
        (float(-MOST), -MOST, -MOST),
        ([1.0, 2.5], None, [1, 2.5]),
        ({"a": {"b": [1.0]}}, None, {"a": {"b": [1]}}),
        ({"a": 1.0}, {"a": 1, "b": None}, {"a": 1, "b": None}),
        ([1.0], [1, 2], [1]),  # the state has changed between the two looks at it
        ({"a": 1.0}, [1], {"a": 1}),
        (True, True, True),
    ],
)
def test_whole_numbers_are_integers(arrived: Any, written: Any, value: Any) -> None:
    restored = exact(arrived, written, "")
    assert restored == value
    assert types(restored) == types(value)


@pytest.mark.parametrize(
    ("arrived", "written"),
    [
        (float(MOST), MOST + 1),
        (float(MOST), None),  # it may have been MOST + 1
        (float(-MOST), -MOST - 1),
        (float(MOST + 2), MOST + 2),
        (1e300, 10**300),
        (1e20, 1e20),
    ],
)
def test_what_may_have_been_rounded_is_refused(arrived: float, written: float | None) -> None:
    with pytest.raises(TooLargeError, match=r"^limits\[1\]\.most$"):
        exact([0.0, {"most": arrived}], [0, {"most": written}], "limits")


def test_only_the_output_that_is_asked_for_is_refused() -> None:
    outputs = Outputs("there", {"big": {"n": 1e20}, "count": 2.0}, {}, set())
    assert outputs["count"] == 2
    assert json.dumps(outputs) == '{"count": 2}'
    with pytest.raises(pulumi.RunError) as refused:
        outputs["big"]
    with pytest.raises(pulumi.RunError, match="beyond"):
        outputs.get("big", 3)
    assert str(refused.value) == (
        "The output 'big' of the Terraform state there has a whole number beyond 2^53 (big.n), "
        "which Pulumi would round. Make it text in Terraform: tostring(…)"
    )


def test_a_missing_output_is_named_with_those_that_are_there() -> None:
    outputs = Outputs("there", {"b": 1.0, "a": 2.0}, {"c": None}, set())
    with pytest.raises(pulumi.RunError, match=r"The Terraform state there has no output 'd' \(it has: a, b, c\)"):
        outputs["d"]
    assert outputs["c"] is None
    assert outputs.get("d") is None
    assert outputs.get("d", 3) == 3
    assert outputs.get("a", 3) == 2
    assert "d" not in outputs
    assert outputs == {"a": 2, "b": 1, "c": None}
    assert len(outputs) == 3


def test_a_state_without_outputs_says_so() -> None:
    with pytest.raises(pulumi.RunError, match=r"\(it has: none\)"):
        Outputs("there", {}, {}, set())["a"]
