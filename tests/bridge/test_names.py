"""Names are short, unique and identifiers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.names import qualified, unique


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ({1: ["a-b"], 2: ["c"]}, {1: "a_b", 2: "c"}),
        ({1: ["one", "x"], 2: ["two", "x"], 3: ["y"]}, {1: "one_x", 2: "two_x", 3: "y"}),
        ({1: ["a.b"], 2: ["a-b"], 3: ["a_b_2"]}, {1: "a_b", 2: "a_b_3", 3: "a_b_2"}),
        ({1: ["1é"], 2: [""], 3: ["Straße 漢"]}, {1: "_1e", 2: "_", 3: "Stra_e__"}),
    ],
)
def test_names_are_short_and_unique(paths: dict[int, list[str]], expected: dict[int, str]) -> None:
    assert unique(paths) == expected


@given(st.dictionaries(st.integers(), st.lists(st.sampled_from(["a", "a_2", "A", "é", "-", "a-2", "1"]), min_size=1)))
def test_all_names_are_identifiers_and_unique(paths: dict[int, list[str]]) -> None:
    unique_names = unique(paths)
    assert unique_names.keys() == paths.keys()
    assert len(set(unique_names.values())) == len(unique_names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in unique_names.values())


@given(
    st.dictionaries(st.integers(), st.lists(st.sampled_from(["a", "a_2", "b-a", "b"]), min_size=1)),
    st.dictionaries(st.integers(), st.lists(st.sampled_from(["a", "a_2", "b-a", "b"]), min_size=1)),
)
def test_names_that_are_taken_stay_and_are_given_to_no_other(
    before: dict[int, list[str]], after: dict[int, list[str]]
) -> None:
    kept = unique(before)
    names = unique(after, kept)
    assert all(names[key] == kept[key] for key in names.keys() & kept.keys())
    assert not {names[key] for key in names.keys() - kept.keys()} & set(kept.values())
    assert len(set(names.values())) == len(names) == len(after)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["x"], "x"),
        (["site", "bucket"], "site_bucket"),
        (["site", "site-bucket"], "site-bucket"),
        (["site", "sitemap"], "site_sitemap"),
        (["a", "b", "b"], "a_b"),
    ],
)
def test_a_qualified_name_repeats_nothing(path: list[str], expected: str) -> None:
    assert qualified(path) == expected
