"""Secrets are shown nowhere by chance, and move to where they can be written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.literals import Literals
from sagebridge.bridge.secret import LOOKED_FOR, Secret, reveal, spread, spread_to_leaves, with_texts_hidden


def test_a_secret_is_in_no_text_of_it() -> None:
    assert "hidden" not in repr(Secret("hidden"))


@pytest.mark.parametrize(
    ("value", "items", "leaves"),
    [
        (Secret({"a": {"b": 1}}), {"a": Secret({"b": 1})}, {"a": {"b": Secret(1)}}),
        (Secret([Secret("x"), None]), [Secret(Secret("x")), Secret(None)], [Secret(Secret("x")), Secret(None)]),
        (Secret(Secret({"a": 1})), {"a": Secret(1)}, {"a": Secret(1)}),
        (Secret("x"), "x", Secret("x")),
    ],
)
def test_a_secret_is_spread(value: Secret, items: Any, leaves: Any) -> None:
    assert spread(value) == items
    assert spread_to_leaves(value) == leaves


def test_a_text_that_is_a_secret_or_contains_a_long_one_is_hidden_among_thousands() -> None:
    literals = Literals({"ab", *(f"hunter-{number}" for number in range(5000))}, LOOKED_FOR)
    value = {"a": "ab", "b": "xab", "c": ["token=hunter-4321;", "hunter", 1], "d": None}
    hidden = {"a": Secret("ab"), "b": "xab", "c": [Secret("token=hunter-4321;"), "hunter", 1], "d": None}
    assert with_texts_hidden(value, literals) == hidden


VALUE = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.builds(Secret, inner)
    ),
)


def containers_in_secrets(value: Any) -> bool:
    if isinstance(value, Secret):
        return isinstance(reveal(value), dict | list)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(containers_in_secrets, items))


@given(VALUE)
def test_secrets_on_leaves_have_the_same_values(value: Any) -> None:
    assert reveal(spread_to_leaves(value)) == reveal(value)
    assert not containers_in_secrets(spread_to_leaves(value))
