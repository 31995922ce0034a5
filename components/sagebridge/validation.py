"""Checks arguments against botocore's own SageMaker model before any API call is made.

Limits, patterns and enums are read from botocore's service model; only rules that span fields are written here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sagebridge._aws import shapes

_SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


class Problem(NamedTuple):
    """An argument that AWS would refuse."""

    property: str
    """Where it stands, as ``serverless.max_concurrency``."""
    value: object
    """None if there is none, or none to show."""
    allowed: str
    """What is allowed, to follow "must be"."""

    def __str__(self) -> str:
        what = self.property if self.value is None else f"{self.property}: {self.value!r}"
        return f"{what} must be {self.allowed}"


def problem(path: str, value: object, shape: str, service: str = "sagemaker") -> Problem | None:
    """Checks a value against a shape of botocore's model of a service, as SageMaker's ``ServerlessMaxConcurrency``.

    Args:
        path: name of the argument, for the message.
        value: a plain value.
        shape: name of an integer or string shape.
        service: botocore's name of the service.
    """
    rule = shapes(service)[shape]
    allowed = _integer_rule(rule, value) if rule["type"] == "integer" else _string_rule(rule, value)
    return Problem(path, value, allowed) if allowed else None


def message(title: str, problems: Iterable[Problem]) -> str:
    """Returns one message for all problems, a line each."""
    return "\n".join([f"{title}:", *(f"  - {problem}" for problem in problems)])


def _integer_rule(rule: Mapping[str, Any], value: object) -> str | None:
    """Says what is allowed if ``value`` is not."""
    if isinstance(value, bool) or not isinstance(value, int):
        return "a whole number"
    least, most = rule.get("min", 0), rule.get("max")
    if value < least or (most is not None and value > most):
        return f"{least} or more" if most is None else f"from {least} to {most}"
    return None


def _string_rule(rule: Mapping[str, Any], value: object) -> str | None:
    """Says what is allowed if ``value`` is not."""
    if not isinstance(value, str):
        return "a string"
    if value not in rule.get("enum", [value]):
        return f"one of the {len(rule['enum'])} that botocore lists{_similar(value, rule['enum'])}"
    least, most = rule.get("min", 0), rule.get("max", len(value))
    if not least <= len(value) <= most:
        return f"{least} to {most} characters long"
    if "pattern" in rule and not re.fullmatch(_python_pattern(rule["pattern"]), value):
        return f"of the form {rule['pattern']}"
    return None


def _python_pattern(pattern: str) -> str:
    """Returns a pattern without Unicode's property classes, which ``re`` does not have: those of tags."""
    return pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", _SEPARATORS)


def _similar(value: str, names: Iterable[str]) -> str:
    family = value.rsplit(".", 1)[0]
    near = sorted(name for name in names if name.rsplit(".", 1)[0] == family)
    return f", such as {', '.join(near[:4])}" if near else ""
