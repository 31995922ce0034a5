"""Pure: a value that comes from a secret is judged like any other, and never shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.redaction import SECRET, concealed, derived, is_bool, redacted, texts

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=VALUES)
def test_a_concealed_value_equals_the_value(value: Any) -> None:
    assert concealed(value) == value
    assert bool(concealed(value)) == bool(value)


@given(value=VALUES.filter(lambda value: value is not None))
def test_a_concealed_value_is_never_shown(value: Any) -> None:
    hidden = concealed(value)
    shown = [f"{hidden}", f"{hidden!r}", f"{hidden!s}", f"{hidden:>9}", str(hidden), repr(hidden), f"{[hidden]}"]
    assert {text.strip("[]") for text in shown} == {SECRET.strip("[]")}


@given(value=VALUES.filter(lambda value: value is not None))
def test_what_is_in_a_concealed_value_is_concealed_too(value: Any) -> None:
    hidden = concealed([value, {"key": value}])
    (key,) = hidden[1]
    assert repr(hidden[0]) == repr(hidden[1]["key"]) == repr(key) == SECRET


@pytest.mark.parametrize(
    "calculate",
    [
        lambda number: number + 1,
        lambda number: 1 + number,
        lambda number: 100 // number,
        lambda number: -(-100 // number),
        lambda number: 100 * number / 3,
        lambda number: number % 1024,
        lambda number: sum([1, number]),
        lambda number: max(number, 1) - 1,
    ],
)
@pytest.mark.parametrize("number", [7, 7.5])
def test_what_is_calculated_from_a_concealed_number_is_concealed(calculate: Any, number: float) -> None:
    assert calculate(concealed(number)) == calculate(number)
    assert f"{calculate(concealed(number)):g}" == SECRET


def test_what_is_derived_from_a_concealed_value_is_concealed() -> None:
    secret = concealed(["a", "b"])
    assert (derived(len(secret), secret), repr(derived(len(secret), secret))) == (2, SECRET)
    assert derived(2, ["a", "b"]) == 2


def test_true_and_false_stay_what_they_are() -> None:
    assert is_bool(True)  # noqa: FBT003 - the value itself is the case
    assert is_bool(concealed(False))  # noqa: FBT003 - the same
    assert not is_bool(concealed(1))
    assert concealed(False) in (None, False)  # noqa: FBT003 - the same


def test_secrets_are_taken_out_of_what_others_wrote() -> None:
    secrets = [*texts(["s3://bucket/model", {"key": "s3://bucket"}, "a", 7])]
    assert redacted("AWS cannot read s3://bucket/model in s3://bucket, a bucket", secrets) == (
        f"AWS cannot read {SECRET} in {SECRET}, a bucket"
    )
