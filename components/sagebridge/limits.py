"""Checks numbers that botocore's shapes do not limit."""

import math
from typing import NamedTuple

from sagebridge.validation import Problem

_PLAIN = (bool, int, float, str, bytes, list, tuple, dict)


class Limits(NamedTuple):
    """Where a number may be."""

    least: float = 0
    most: float | None = None
    whole: bool = False
    above: bool = False
    """Whether the least itself is too little."""

    def __str__(self) -> str:
        kind = "a whole number, " if self.whole else "a number, "
        floor = f"more than {self.least:g}" if self.above else f"{self.least:g} or more"
        return f"{kind}{floor}" + ("" if self.most is None else f" and at most {self.most:g}")

    def hold(self, value: object) -> bool:
        """Tells whether the value is a number within the limits."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        enough = value > self.least if self.above else value >= self.least
        return math.isfinite(value) and enough and (self.most is None or value <= self.most)


def outside(path: str, value: object, limits: Limits) -> list[Problem]:
    """Returns the problem of a number, if it has one; what is not given, or not plain and so not known, has none."""
    if not isinstance(value, _PLAIN) or limits.hold(value):
        return []
    return [Problem(path, value, str(limits))]
