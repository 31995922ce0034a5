"""Literals that come from another resource → references to it, as the state's dependencies tell them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.terraform.hcl import Nested, Ref, Template

_IDENTIFYING = re.compile(r"(^|_)(id|arn|name|bucket|url)$")
_WORD = 8
"""The least length of a name that is looked for within a longer text: a shorter one may stand there by chance."""


@dataclass(frozen=True)
class Referent:
    """A resource that others may refer to.

    Attributes:
        address: Terraform's.
        attributes: its texts by attribute.
    """

    address: str
    attributes: Mapping[str, str]

    def named(self, field: str) -> dict[str, str]:
        """Return the attributes that identify it, by their values; of equal ones the most telling."""
        told = {name: value for name, value in self.attributes.items() if value and _IDENTIFYING.search(name)}
        return {value: name for name, value in sorted(told.items(), key=lambda item: _rank(item[0], field))}


def _rank(attribute: str, field: str) -> tuple[bool, bool, bool, int, str]:
    """Sort what tells least first; an attribute of the same name as where it is used tells most."""
    return (attribute == field, attribute == "name", attribute != "id", -len(attribute), attribute)


def refer(value: Any, field: str, referents: Iterable[Referent]) -> tuple[Any, set[str]]:  # noqa: ANN401 - any value
    """Put references where a value's texts are, or hold, what identifies a resource.

    Args:
        value: a configuration's value.
        field: the name of the attribute that it is given to.
        referents: those that the state says it comes from.

    Returns:
        The value, and the addresses that it refers to.
    """
    found = {text: Ref(f"{one.address}.{name}") for one in referents for text, name in one.named(field).items()}
    used: set[str] = set()

    def walk(item: Any) -> Any:  # noqa: ANN401 - any value
        if isinstance(item, str):
            put = _put(item, found)
            if isinstance(put, Template):
                used.update(part.address.rpartition(".")[0] for part in put.parts if isinstance(part, Ref))
            return put
        if isinstance(item, Nested):
            return Nested(tuple({name: walk(inner) for name, inner in block.items()} for block in item.blocks))
        if isinstance(item, Mapping):
            return {name: walk(inner) for name, inner in item.items()}
        return [walk(inner) for inner in item] if isinstance(item, list) else item

    return (walk(value) if found else value), used


def _put(text: str, found: Mapping[str, Ref]) -> str | Template:
    if text in found:
        return Template((found[text],))
    parts: list[str | Ref] = [text]
    # The longest first: an ARN holds the name.
    for literal in sorted((literal for literal in found if len(literal) >= _WORD), key=lambda item: (-len(item), item)):
        parts = [piece for part in parts for piece in _split(part, literal, found[literal])]
    return text if parts == [text] else Template(tuple(parts))


def _split(part: str | Ref, literal: str, ref: Ref) -> list[str | Ref]:
    """Split a text where a literal stands on its own, once; twice, one of them may be no name but a word."""
    if isinstance(part, Ref):
        return [part]
    at = [match.span() for match in re.finditer(rf"(?<![\w-]){re.escape(literal)}(?![\w-])", part)]
    if len(at) != 1:
        return [part]
    ((begin, end),) = at
    return [piece for piece in (part[:begin], ref, part[end:]) if piece]
