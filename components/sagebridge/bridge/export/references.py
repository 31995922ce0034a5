"""Replaces literals that come from another resource by references to it, as the state's dependencies tell them."""

import re
from bisect import bisect, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sagebridge.bridge.literals import Literals
from sagebridge.bridge.terraform.blocks import JsonText, Nested, Ref, Template

_IDENTIFYING = re.compile(r"(^|_)(id|arn|name|bucket|url)$")
_WORD = re.compile(r"[\w-]")
_MIN_LENGTH = 8
"""The least length of a name that is looked for within a longer text: a shorter one may be there by chance."""

Span: TypeAlias = tuple[int, int]
"""Where something begins and ends in a text."""


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
    literals = Literals(refs, _MIN_LENGTH)
    addresses: set[str] = set()

    def walk(item: Any) -> Any:  # noqa: ANN401 - any value
        if isinstance(item, str):
            text = _with_refs(item, refs, literals)
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


def _with_refs(text: str, refs: Mapping[str, Ref], literals: Literals) -> str | Template:
    if text in refs:
        return Template((refs[text],))
    starts: dict[str, list[int]] = {}
    for start, literal in literals.within(text):
        starts.setdefault(literal, []).append(start)
    spans: list[Span] = []
    for literal in sorted(starts, key=lambda literal: (-len(literal), literal)):  # an ARN contains the name
        for span in _alone(text, len(literal), starts[literal], spans):
            insort(spans, span)
    ends = [0, *(end for _, end in spans)]
    begins = [*(begin for begin, _ in spans), len(text)]
    pieces: list[str | Ref] = [text[ends[0] : begins[0]]]
    for number, (begin, end) in enumerate(spans, start=1):
        pieces += [refs[text[begin:end]], text[ends[number] : begins[number]]]
    return Template(tuple(piece for piece in pieces if piece)) if spans else text


def _alone(text: str, length: int, starts: Iterable[int], spans: Sequence[Span]) -> list[Span]:
    """Returns where a literal stands as a whole word and once between two references.

    Of two in one place, one may be no name but a word.

    Args:
        text: The text.
        length: The literal's length.
        starts: Where the literal begins in the text.
        spans: Where the text has references already, in order.
    """
    by_place: dict[int, list[Span]] = {}
    for start in starts:
        end = start + length
        number = bisect(spans, (start, end))
        first = spans[number - 1][1] if number else 0
        last = spans[number][0] if number < len(spans) else len(text)
        if start < first or end > last:
            continue
        begins_word = start == first or not _WORD.match(text[start - 1])
        ends_word = end == last or not _WORD.match(text[end])
        if begins_word and ends_word:
            by_place.setdefault(number, []).append((start, end))
    return [places[0] for places in by_place.values() if len(places) == 1]
