"""Pure: numbers that botocore does not limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.limits import Limits, outside


@given(
    value=st.floats() | st.integers() | st.booleans() | st.text(),
    limits=st.sampled_from([Limits(), Limits(whole=True)]),
)
def test_a_number_is_refused_or_within_the_limits(value: object, limits: Limits) -> None:
    allowed = not isinstance(value, bool | str) and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]
    if limits.whole:
        allowed = allowed and isinstance(value, int)
    assert (outside("at", value, limits) == []) == allowed


@pytest.mark.parametrize(
    ("limits", "right", "wrong", "said"),
    [
        (Limits(), 0, -1, "a number of 0 or more"),
        (Limits(1, 3, whole=True), 3, 4, "a whole number between 1 and 3"),
        (Limits(most=1, above=True), 0.5, 0, "a number above 0 and at most 1"),
    ],
)
def test_a_problem_says_what_is_allowed(limits: Limits, right: float, wrong: float, said: str) -> None:
    assert outside("at", right, limits) == []
    (found,) = outside("at", wrong, limits)
    assert str(found) == f"at must be {said}, not {wrong}."


def test_what_is_not_given_or_not_known_is_passed_over() -> None:
    assert outside("at", None, Limits()) == []
    assert outside("at", object(), Limits()) == []
