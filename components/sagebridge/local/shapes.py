"""AWS's own description of its services, as botocore ships it: requests are checked against it.

The words of the refusals are AWS's: `N validation errors detected: Value '…' at '…' failed to satisfy constraint: …`.
"""

import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from sagebridge import _models

Record = dict[str, Any]
"""A JSON object with AWS's names of members."""

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
"""Java's character classes, which Python's `re` does not know, from the patterns of tags and of SageMaker Runtime."""
_LIMITS: dict[str, int] = {"integer": 2**31, "long": 2**63}
"""The limits of Smithy's types."""
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
        members: the members of the answer besides the message.
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def invalid(message: str) -> AwsError:
    """Returns AWS's usual refusal, a `ValidationException`."""
    return AwsError("ValidationException", message)


@cache
def service(name: str) -> ServiceModel:
    """Returns botocore's model of a service, such as `sagemaker`."""
    return ServiceModel(_models.service_model(name), name)


def check(operation: OperationModel, request: dict[str, Any]) -> None:
    """Checks that a request has the form that the operation asks for.

    Raises:
        AwsError: `SerializationException` for a wrong JSON type, `ValidationException` for everything else.
    """
    if operation.input_shape is None:
        return
    problems = list(_problems(operation.input_shape, request, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yields each constraint that a value or a member of it breaks."""
    if not _has_type(shape, value):
        raise AwsError(
            "SerializationException",
            f"Value of type {type(value).__name__} at '{path}' is not a {shape.type_name}",
        )
    subject = "Value" if shape.metadata.get("sensitive") else f"Value '{value}'"
    yield from (f"{subject} at '{path}' failed to satisfy constraint: {rule}" for rule in _broken_rules(shape, value))
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
    """Yields the constraints of a shape that a value breaks, without those of its members."""
    rules = shape.metadata
    if enum := rules.get("enum"):
        if value not in enum:
            yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
        return
    has_length = isinstance(value, (str, bytes, list, dict))
    measure = "length" if has_length else "value"
    size = len(value) if has_length else value
    if "min" in rules and size < rules["min"]:
        yield f"Member must have {measure} greater than or equal to {rules['min']}"
    if "max" in rules and size > rules["max"]:
        yield f"Member must have {measure} less than or equal to {rules['max']}"
    if "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"


@cache
def _pattern(java: str) -> re.Pattern[str]:
    for java_class, python_class in _JAVA_CLASSES.items():
        java = java.replace(java_class, python_class)
    return re.compile(re.sub(r"\$\{\d+,\d+\}$", "", java))  # CustomerMetadataKey repeats its end


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
