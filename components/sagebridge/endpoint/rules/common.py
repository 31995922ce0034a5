"""What the rules share."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard, TypeVar

import pulumi

from sagebridge.endpoint.args import VariantArgs
from sagebridge.endpoint.parts import field_path
from sagebridge.endpoint.schema import UNKNOWN
from sagebridge.redaction import derived
from sagebridge.validation import Problem

Problems = Iterator[Problem]
_ARN = re.compile(
    r"arn:aws(-[a-z]+)*:[^:]*:([a-z]{2,4}(-[a-z]+)+-\d{1,2})?:"
    r"(aws|aws-managed|third-party|aws-marketplace|partner-managed|\d{12}|cw.{10})?:.+"
)
Value = TypeVar("Value")
Structure = TypeVar("Structure", bound=Mapping[str, object])


def is_known(value: pulumi.Input[Value] | None) -> TypeGuard[Value]:
    """Tells whether there is a value to look at: one that is given, plain and right by itself."""
    return value is not None and value is not UNKNOWN


def is_structure(value: Structure | None) -> TypeGuard[Structure]:
    """Tells whether there is a structure to look into: one that is given and is a mapping."""
    return isinstance(value, Mapping)


def is_arn(value: str) -> bool:
    """Tells whether the provider takes a value as an ARN (verify/validate.go, ValidARN)."""
    return _ARN.fullmatch(value) is not None


def refused_fields(path: str, args: Mapping[str, object], fields: Sequence[str], rule: str, fix: str = "") -> Problems:
    """Finds those of some fields that are set although they cannot be."""
    yield from (Problem(field_path(path, field), rule, fix=fix) for field in fields if field in args)


def repeated(values: Sequence[tuple[str, pulumi.Input[str] | None]]) -> Problems:
    """Finds values that occur more than once, each with its path."""
    seen: set[str] = set()
    for path, value in values:
        if not is_known(value):
            continue
        if value in seen:
            yield Problem(path, f"must be unique, but {value!r} occurs more than once")
        seen.add(value)


def inferentia1_family(variant: VariantArgs) -> str | None:
    """Returns ``inf1`` if a variant runs on that family, or else None."""
    instance_type = variant.get("instance_type")
    if is_known(instance_type) and instance_type.startswith("ml.inf1."):
        return derived("inf1", instance_type)
    return None
