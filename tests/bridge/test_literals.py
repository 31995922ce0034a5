"""Texts are found within longer ones, however many they are."""

from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.literals import Literals

LEAST = 3
TEXT = st.text("ab-", max_size=9)


@given(st.lists(TEXT), TEXT)
def test_the_same_is_found_as_by_looking_for_each(texts: list[str], text: str) -> None:
    places = {
        (start, literal)
        for literal in texts
        if len(literal) >= LEAST
        for start in range(len(text))
        if text.startswith(literal, start)
    }
    literals = Literals(texts, LEAST)
    assert sorted(literals.within(text)) == sorted(places)
    assert literals.match(text) == (text in texts or bool(places))


def test_a_short_text_is_found_alone_and_not_within_another() -> None:
    literals = Literals(["ab", ""], LEAST)
    assert [literals.match(text) for text in ("ab", "", "abc")] == [True, True, False]
