"""What Terraform has is compared block by block, blocks without arguments included."""

from collections.abc import Iterator
from typing import Any

import pytest

from sagebridge.bridge.adopt.compare import Difference, arguments, differences
from sagebridge.bridge.adopt.discover import TYPES
from sagebridge.bridge.stack.mapping import Field, Fields
from tests.bridge import states

MAPPING = states.provider_mapping()


def blocks(fields: Fields, outer: tuple[Field, ...] = ()) -> Iterator[tuple[Field, ...]]:
    """Yields the way to each block that a program may set or leave out, and that needs no argument."""
    for field in fields.all:
        if field.fields is not None and field.settable:
            if field.optional and all(argument.optional or not argument.settable for argument in field.fields.all):
                yield (*outer, field)
            yield from blocks(field.fields, (*outer, field))


WAYS = [
    pytest.param(terraform_type, way, id=".".join([terraform_type, *(field.terraform for field in way)]))
    for terraform_type in TYPES
    for way in blocks(MAPPING.by_terraform[terraform_type].fields)
]


def in_state(field: Field, inner: dict[str, Any]) -> dict[str, Any]:
    """Returns a block as a state has it: every argument is there, and what is not set is empty."""
    empty: dict[str, Any] = {"string": "", "bool": False, "list": [], "set": [], "map": {}}
    assert field.fields is not None
    return {item.terraform: empty.get(item.kind) for item in field.fields.all} | inner


def attributes(way: tuple[Field, ...], *, with_last: bool) -> dict[str, Any]:
    """Returns a resource's attributes, in which the last block of a way is there without arguments, or is not there."""
    *outer, last = way
    inner: dict[str, Any] = {last.terraform: [in_state(last, {})] if with_last else []}
    for field in reversed(outer):
        inner = {field.terraform: [in_state(field, inner)]}
    return inner


@pytest.mark.parametrize(("terraform_type", "way"), WAYS)
def test_a_block_without_arguments_is_a_difference_if_the_provider_does_not_make_it(
    terraform_type: str, way: tuple[Field, ...]
) -> None:
    fields = MAPPING.by_terraform[terraform_type].fields
    terraforms, made = (arguments(fields, attributes(way, with_last=with_last)) for with_last in (True, False))
    found = [*differences(fields, terraforms, made)]
    if any(field.computed for field in way):
        assert found == []
    else:
        assert found == [Difference(".".join(field.terraform for field in way), empty_block=True)]
    assert [*differences(fields, terraforms, terraforms)] == []
