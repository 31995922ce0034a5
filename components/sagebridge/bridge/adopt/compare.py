"""Compares a resource of Terraform's with what the component would make, argument by argument."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sagebridge.bridge.secret import reveal, spread_to_leaves
from sagebridge.bridge.stack.mapping import Field, Fields

Values = dict[str, Any]


class Difference(NamedTuple):
    """An argument that Terraform has and the component would not make, or would make otherwise."""

    path: str
    """The argument's path by Terraform's names."""
    empty_block: bool = False
    """Whether Terraform has a block without arguments there, and the component would make none."""


_NOT_ARGUMENTS = {"id", "region", "tags_all", "name_prefix", "role_arn"}
"""Settable attributes that repeat others; the role of a scalable target is always AWS's own."""
_DEFAULTS = {"initial_variant_weight": 1}
"""What the provider sets where nothing is declared."""


def arguments(fields: Fields, attributes: Mapping[str, Any]) -> Values:
    """Returns a resource's arguments by Python's names, from Terraform's attributes; empty ones are left out.

    An empty block is kept where the provider does not make it by itself: AWS keeps it, so a plan without it is not
    empty. Zeros are what the provider keeps for "not set"; only of arguments that must be set they are values. Tags
    are all that the resource has, those of the provider's `default_tags` included: Pulumi's provider does not have
    these.
    """
    values = {}
    attributes = {**attributes, "tags": attributes["tags_all"]} if attributes.get("tags_all") else attributes
    for field in fields.all:
        if not field.settable or field.terraform in _NOT_ARGUMENTS:
            continue
        value = _argument(field, spread_to_leaves(attributes.get(field.terraform)))
        if reveal(value) == _DEFAULTS.get(field.terraform):
            continue
        empty_block = value == {} and field.fields is not None and not field.computed
        if reveal(value) or empty_block or (not field.optional and value is not None):
            values[_snake(field.pulumi)] = value
    return values


def _argument(field: Field, value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns an argument: blocks by Python's names, and a list's only element where Pulumi has no list."""
    if value is None:
        return None
    if field.fields is not None:
        blocks = [arguments(field.fields, block or {}) for block in (value if isinstance(value, list) else [value])]
        if field.single or not isinstance(value, list):
            return blocks[0] if blocks else None
        return blocks
    if field.repeated and field.single:
        return value[0] if value else None
    return value


def differences(fields: Fields, terraforms: Values, made: Mapping[str, Any], path: str = "") -> Iterator[Difference]:
    """Finds where arguments differ; what only the provider tells is passed over where nothing is declared.

    Args:
        fields: The fields of the resource, or of a block in it.
        terraforms: The arguments that Terraform has, without secrets.
        made: The arguments that the component would make.
        path: Where the block stands, with a dot at the end.
    """
    for field in fields.all:
        name = _snake(field.pulumi)
        if not field.settable or field.terraform in _NOT_ARGUMENTS:
            continue
        value, other = terraforms.get(name), made.get(name)
        if not other and (field.computed or not (value or (field.fields is not None and value == {}))):
            continue
        where = f"{path}{field.terraform}"
        if field.fields is not None:
            if value is None or other is None:
                yield Difference(where, empty_block=value in ({}, [{}]))
            else:
                yield from _block_differences(field, value, other, where)
        elif isinstance(value, Mapping) or isinstance(other, Mapping):
            values, others = value or {}, other or {}
            keys = sorted(values.keys() | others.keys())
            yield from (Difference(f"{where}.{key}") for key in keys if not _equal(values.get(key), others.get(key)))
        elif not _equal(value, other):
            yield Difference(where)


def _block_differences(field: Field, terraforms: Any, made: Any, path: str) -> Iterator[Difference]:  # noqa: ANN401 - blocks
    fields = field.fields or Fields(())
    blocks, others = ([value] if isinstance(value, Mapping) else value for value in (terraforms, made))
    if field.kind == "set":
        blocks, others = (sorted(several, key=repr) for several in (blocks, others))
    if len(blocks) != len(others):
        yield Difference(path)
    for number, (block, other) in enumerate(zip(blocks, others, strict=False)):
        yield from differences(fields, block, other, f"{path}[{number}]." if len(blocks) > 1 else f"{path}.")


def _equal(value: Any, other: Any) -> bool:  # noqa: ANN401 - JSON's types
    """Tells whether values mean the same to the provider: numbers as text, nothing and zero, lists in any order."""
    if not value and not other:
        return True
    if isinstance(value, list) and isinstance(other, list):
        return sorted(map(str, value)) == sorted(map(str, other))
    try:
        return value == other or float(value) == float(other)
    except (TypeError, ValueError):
        return bool(value == other)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
