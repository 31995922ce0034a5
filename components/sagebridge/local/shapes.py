"""Check a request against AWS's own description of the service, as botocore ships it.

The wording is AWS's: `N validation errors detected: Value '…' at '…' failed to satisfy constraint: …`.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, StructureShape
from botocore.session import get_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import OperationModel, ServiceModel, Shape

# Java's classes, which Python's `re` does not know; they occur in the patterns of tags and of SageMaker Runtime.
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\p{M}": r"\u0300-\u036f",
    r"\p{S}": r"$+<=>^`|~\u00a2-\u00a9\u00ac-\u00b1\u00b4\u00d7\u00f7\u2030-\u2bff\U0001f000-\U0001faff",
    r"\p{P}": r"!-#%-*,-/:;?@\[-\]_{}\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf\u2010-\u205e\u3001-\u3003",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{Print}+": r"[\x20-\x7e]+",  # by itself, in Application Auto Scaling
    r"\p{Print}": r"\x20-\x7e",
    r"\z": r"\Z",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",  # pairs of surrogates, in Application Auto Scaling
}
_LIMITS: dict[str, int] = {"integer": 2**31, "long": 2**63}  # Smithy's
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
    "blob": bytes,
}


class AwsError(Exception):
    """An error as an AWS service answers it.

    Args:
        code: AWS's name of the error, such as `ValidationException`.
        message: the text that the caller sees.
        status: the HTTP status.
        members: what the answer carries besides the message.
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


@cache
def service(name: str) -> ServiceModel:
    """Give botocore's model of a service, such as `sagemaker`."""
    return get_session().get_service_model(name)


def check(operation: OperationModel, request: dict[str, Any]) -> None:
    """Raise AWS's error unless the request has the form that the operation asks for.

    Raises:
        AwsError: `SerializationException` for a wrong JSON type, `ValidationException` for all else.
    """
    if operation.input_shape is None:
        return
    found = list(_problems(operation.input_shape, request, ""))
    if found:
        noun = "error" if len(found) == 1 else "errors"
        raise AwsError("ValidationException", f"{len(found)} validation {noun} detected: {'; '.join(found)}")


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Name each constraint that a value breaks, members of members included."""
    if not _has_type(shape, value):
        raise AwsError(
            "SerializationException",
            f"Value of type {type(value).__name__} at '{path}' is not a {shape.type_name}",
        )
    said = "Value" if shape.metadata.get("sensitive") else f"Value '{value}'"
    yield from (f"{said} at '{path}' failed to satisfy constraint: {rule}" for rule in _broken_rules(shape, value))
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inner = f"{path}.{_lower(name)}" if path else _lower(name)
            if value.get(name) is not None:
                yield from _problems(member, value[name], inner)
            elif name in shape.required_members:
                yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _problems(shape.key, key, f"{path}.{key}.key")
            yield from _problems(shape.value, item, f"{path}.{key}.member")


def _has_type(shape: Shape, value: object) -> bool:
    if isinstance(value, bool):  # Python's True is an int, AWS's is not
        return shape.type_name == "boolean"
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no such number; Python's reads it
        return False
    if isinstance(value, int) and (limit := _LIMITS.get(shape.type_name)):
        return -limit <= value < limit
    return isinstance(value, _PYTHON_TYPES[shape.type_name])


def _broken_rules(shape: Shape, value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Say which of a shape's own constraints a value breaks, not looking at its members."""
    rules = shape.metadata
    if enum := rules.get("enum"):
        if value not in enum:
            yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
        return
    sized = isinstance(value, (str, bytes, list, dict))
    what = "length" if sized else "value"
    size = len(value) if sized else value
    if "min" in rules and size < rules["min"]:
        yield f"Member must have {what} greater than or equal to {rules['min']}"
    if "max" in rules and size > rules["max"]:
        yield f"Member must have {what} less than or equal to {rules['max']}"
    if "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"


@cache
def _pattern(java: str) -> re.Pattern[str]:
    for theirs, ours in _JAVA_CLASSES.items():
        java = java.replace(theirs, ours)
    return re.compile(re.sub(r"\$\{\d+,\d+\}$", "", java))  # an end, so many times: CustomerMetadataKey has that


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
