"""Replaces literals that come from another resource by references to it, as the state's dependencies tell them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.terraform.blocks import JsonText, Nested, Ref, Template

_IDENTIFYING = re.compile(r"(^|_)(id|arn|name|bucket|url)$")
_MIN_LENGTH = 8
"""The least length of a name that is looked for within a longer text: a shorter one may be there by chance."""


@dataclass(frozen=True)
class Referent:
    """A resource that others may refer to."""

    address: str
    """Terraform's address."""
    attributes: Mapping[str, str]
    """Its texts by attribute."""

    def identifiers(self, field: str) -> dict[str, str]:
        """Returns the attributes that identify it by their values; of equal values the most telling attribute.

        Args:
            field: The name of the attribute that is to refer to it.
        """
        attributes = [name for name, value in self.attributes.items() if value and _IDENTIFYING.search(name)]
        return {self.attributes[name]: name for name in sorted(attributes, key=lambda name: _rank(name, field))}


def _rank(attribute: str, field: str) -> tuple[bool, bool, bool, int, str]:
    """Sorts the least telling attribute first; one of the same name as where it is used tells most."""
    return (attribute == field, attribute == "name", attribute != "id", -len(attribute), attribute)


def refer(value: Any, field: str, referents: Iterable[Referent]) -> tuple[Any, set[str]]:  # noqa: ANN401 - any value
    """Puts references where a value's texts are, or contain, what identifies a resource.

    Args:
        value: An attribute's value.
        field: The attribute's name.
        referents: The resources that the state says the value comes from.

    Returns:
        The value, and the addresses that it refers to.
    """
    refs = {
        text: Ref(f"{referent.address}.{attribute}")
        for referent in referents
        for text, attribute in referent.identifiers(field).items()
    }
    addresses: set[str] = set()

    def walk(item: Any) -> Any:  # noqa: ANN401 - any value
        if isinstance(item, str):
            text = _with_refs(item, refs)
            if isinstance(text, Template):
                addresses.update(part.address.rpartition(".")[0] for part in text.parts if isinstance(part, Ref))
            return text
        if isinstance(item, JsonText):
            return JsonText(walk(item.text), walk(item.document))
        if isinstance(item, Nested):
            return Nested(tuple({name: walk(inner) for name, inner in block.items()} for block in item.blocks))
        if isinstance(item, Mapping):
            return {name: walk(inner) for name, inner in item.items()}
        return [walk(inner) for inner in item] if isinstance(item, list) else item

    return (walk(value) if refs else value), addresses


def _with_refs(text: str, refs: Mapping[str, Ref]) -> str | Template:
    if text in refs:
        return Template((refs[text],))
    parts: list[str | Ref] = [text]
    # The longest first: an ARN contains the name.
    for literal in sorted((text for text in refs if len(text) >= _MIN_LENGTH), key=lambda text: (-len(text), text)):
        parts = [piece for part in parts for piece in _split(part, literal, refs[literal])]
    return text if parts == [text] else Template(tuple(parts))


def _split(part: str | Ref, literal: str, ref: Ref) -> list[str | Ref]:
    """Splits a text at a literal that is a whole word in it once; of two, one may be no name but a word."""
    if isinstance(part, Ref):
        return [part]
    spans = [match.span() for match in re.finditer(rf"(?<![\w-]){re.escape(literal)}(?![\w-])", part)]
    if len(spans) != 1:
        return [part]
    ((begin, end),) = spans
    return [piece for piece in (part[:begin], ref, part[end:]) if piece]
