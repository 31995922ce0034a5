"""Checks single values against botocore's own models of AWS's APIs, before any call is made.

Limits, patterns and enums are read from botocore; only rules that span several fields are written in this package.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypedDict

from sagebridge._aws import shapes
from sagebridge.redaction import Concealed
from sagebridge.wording import FEW, did_you_mean, names_words, string_words

_PLAIN = (str, bytes, int, float, Concealed)
"""What a message shows as it is; of anything else it names the kind."""
_AS_STRING = "Write it in quotes; in a stack's configuration, set it with `pulumi config set --type string`."
_SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


class Member(TypedDict):
    """A reference to a shape."""

    shape: str


class Shape(TypedDict, total=False):
    """What a shape allows, as botocore writes it."""

    type: str
    min: int
    max: int
    enum: list[str]
    pattern: str
    member: Member
    key: Member
    value: Member
    members: Mapping[str, Member]


class Problem(NamedTuple):
    """An argument that AWS or the AWS provider would refuse, said in one sentence."""

    property: str
    """Path of the argument, such as ``serverless_config.max_concurrency``; the subject of the sentence."""
    rule: str
    """The rest of the sentence, such as "must be 1 or more"."""
    value: object = None
    """The value that breaks the rule, or None if there is none or if it may be a password."""
    fix: str = ""
    """A sentence that says what to do, where the rule alone does not."""

    def reason(self) -> str:
        """Returns the sentence without its subject."""
        value = "" if self.value is None else f", not {shown(self.value)}"
        return f"{self.rule}{value}." + (f" {self.fix}" if self.fix else "")

    def __str__(self) -> str:
        return f"{self.property} {self.reason()}"


def problem(path: str, value: object, shape: str, service: str = "sagemaker") -> Problem | None:
    """Checks a value against a shape of botocore's model of a service.

    Args:
        path: Path of the argument, for the message.
        value: A plain value.
        shape: Name of an integer or string shape, such as ``ServerlessMaxConcurrency``.
        service: Botocore's name of the service.

    Returns:
        The problem, or None if the value is allowed.
    """
    limits: Shape = shapes(service)[shape]
    if limits["type"] == "integer":
        rule = _integer_rule(limits, value)
        return Problem(path, rule, value) if rule else None
    return _string_problem(path, value, limits)


def shown(value: object) -> str:
    """Returns a value as a message shows it."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, Mapping):
        return "a dict"
    if isinstance(value, list | tuple | set | frozenset):
        return "a list"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name} object"


def message(title: str, problems: Iterable[Problem]) -> str:
    """Returns one message for all problems, a line each."""
    return "\n".join([f"{title}:", *(f"  - {problem}" for problem in problems)])


def _integer_rule(limits: Shape, value: object) -> str | None:
    """Returns the rule that a value breaks, or None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be a whole number"
    least, most = limits.get("min", 0), limits.get("max")
    if value < least or (most is not None and value > most):
        return f"must be {least} or more" if most is None else f"must be between {least} and {most}"
    return None


def _string_problem(path: str, value: object, limits: Shape) -> Problem | None:
    if not isinstance(value, str):
        of_configuration = isinstance(value, int | float)
        return Problem(path, "must be a string", value, _AS_STRING if of_configuration else "")
    names = limits.get("enum", [value])
    if value not in names:
        return Problem(path, names_words(names), value, did_you_mean(value, names) if len(names) > FEW else "")
    least, most = limits.get("min", 0), limits.get("max", len(value))
    matches = "pattern" not in limits or re.fullmatch(_python_pattern(limits["pattern"]), value)
    if least <= len(value) <= most and matches:
        return None
    return Problem(path, f"must be {string_words(limits)}", value) if value else Problem(path, "must not be empty")


def _python_pattern(pattern: str) -> str:
    """Returns a pattern without Unicode's property classes, which ``re`` does not have and the patterns of tags use."""
    return pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", _SEPARATORS)
