"""Pure: which Pythons `make ranges` takes. The listings are made up, in uv's form."""

import json

import pytest
from packaging.specifiers import SpecifierSet

from tools.pythons import lowest_and_newest

ALLOWED = SpecifierSet(">=3.11,<3.15")


def listing(
    *pythons: tuple[str, str], implementation: str = "cpython", variant: str = "default"
) -> list[dict[str, str]]:
    return [
        {"version": version, "path": path, "implementation": implementation, "variant": variant}
        for version, path in pythons
    ]


@pytest.mark.parametrize(
    ("pythons", "lowest", "newest"),
    [
        ([("3.13.0", "/b/python3.13"), ("3.11.7", "/b/python3"), ("3.11.2", "/usr/bin/python3")], 2, 0),
        ([("3.9.18", "/a"), ("3.11.10", "/b"), ("3.11.9", "/c"), ("3.15.0", "/d")], 2, 1),
        ([("3.12.1", "/a")], 0, 0),
        ([("3.14.0rc1", "/a"), ("3.12.1", "/b"), ("3.11.0a7", "/c")], 1, 1),
    ],
)
def test_the_lowest_and_the_newest_that_are_allowed_are_taken(
    pythons: list[tuple[str, str]], lowest: int, newest: int
) -> None:
    expected = pythons[lowest][1], pythons[newest][1]
    assert lowest_and_newest(json.dumps(listing(*pythons)), ALLOWED) == expected


def test_only_the_usual_builds_of_cpython_are_taken() -> None:
    others = [
        *listing(("3.14.1", "/freethreaded"), variant="freethreaded"),
        *listing(("3.11.0", "/pypy"), implementation="pypy"),
    ]
    pythons = json.dumps([*others, *listing(("3.12.1", "/usual"))])
    assert lowest_and_newest(pythons, ALLOWED) == ("/usual", "/usual")
