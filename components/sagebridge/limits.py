"""Checks numbers that botocore's shapes do not limit."""

import math
from typing import NamedTuple

from sagebridge.redaction import Concealed
from sagebridge.validation import Problem

_PLAIN = (bool, int, float, str, bytes, list, tuple, dict, Concealed)


class Limits(NamedTuple):
    """Where a number may be."""

    least: float = 0
    most: float | None = None
    whole: bool = False
    above: bool = False
    """Whether the number must be above the least."""

    def __str__(self) -> str:
        number = "a whole number" if self.whole else "a number"
        if self.above:
            return f"{number} above {self.least:g}" + ("" if self.most is None else f" and at most {self.most:g}")
        if self.most is None:
            return f"{number} of {self.least:g} or more"
        return f"{number} between {self.least:g} and {self.most:g}"

    def allow(self, value: object) -> bool:
        """Tells whether a value is a number within the limits."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        enough = value > self.least if self.above else value >= self.least
        return math.isfinite(value) and enough and (self.most is None or value <= self.most)


def outside(path: str, value: object, limits: Limits) -> list[Problem]:
    """Returns the problem of a number, if it has one; a value that is None or not known yet has none."""
    if not isinstance(value, _PLAIN) or limits.allow(value):
        return []
    return [Problem(path, f"must be {limits}", value)]
