"""What the rules share."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sagebridge.endpoint.parts import at
from sagebridge.endpoint.schema import LATE
from sagebridge.validation import Problem

Args = Mapping[str, Any]
Found = Iterator[Problem]


def known(*values: object) -> bool:
    """Tells whether values are there to be looked at."""
    return all(value is not LATE and value is not None for value in values)


def out(path: str, args: Args, fields: Sequence[str], why: str) -> Found:
    """Finds fields that must be left out."""
    yield from (Problem(at(path, field), shown(args[field]), f"left out {why}") for field in fields if field in args)


def shown(value: object) -> object:
    """Returns a value that a message may show: not what may hold secrets, nor what is known only later."""
    return None if value is LATE or isinstance(value, Mapping | list | tuple) else value


def unique(values: Sequence[tuple[str, object]]) -> Found:
    """Finds values that come twice, each with its path."""
    seen: list[object] = []
    for path, value in values:
        if known(value) and value in seen:
            yield Problem(path, value, "unique")
        seen.append(value)


def inferentia1(variant: Args) -> bool:
    """Tells whether a variant runs on the family inf1."""
    return known(variant.get("instance_type")) and variant["instance_type"].startswith("ml.inf1.")
