"""Secret values within JSON's types, of either side's state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.literals import Literals

LOOKED_FOR = 6
"""The least length of a secret text that is looked for within longer texts: a shorter one may be there by chance."""


@dataclass(frozen=True)
class Secret:
    """A secret value; its `repr` does not show it."""

    value: Any = field(repr=False)
    """The value in clear."""


def reveal(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value in clear: no `Secret` is left in it."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {name: reveal(item) for name, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def spread(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns the value of a secret object or list with each of its items as a secret."""
    if isinstance(value, Secret):
        return spread(value.value)
    if isinstance(value, Mapping):
        return {name: Secret(item) for name, item in value.items()}
    return [Secret(item) for item in value] if isinstance(value, list) else value


def marked_like(value: Any, other: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value in which what is secret in another one, at the same place, is secret too.

    Of two marks the finer one counts: the engine marks a whole output where a part of the input is a secret.
    """
    if isinstance(value, Secret):
        is_coarser = not isinstance(other, Secret) and _has_secret(other)
        return marked_like(reveal(value), other) if is_coarser else value
    if isinstance(other, Secret):
        return value if _has_secret(value) else Secret(value)
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return {name: marked_like(item, other.get(name)) for name, item in value.items()}
    if isinstance(value, list) and isinstance(other, list):
        if len(value) == len(other):
            return [marked_like(item, theirs) for item, theirs in zip(value, other, strict=True)]
        return Secret(value) if any(_has_secret(item) for item in other) else value
    return value


def secret_texts(value: Any) -> set[str]:  # noqa: ANN401 - JSON's types
    """Returns the texts within the secrets of a value."""
    if isinstance(value, Secret):
        return _texts(reveal(value))
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {text for item in items for text in secret_texts(item)}


def with_texts_hidden(value: Any, literals: Literals) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value in which each text that is one of the literals, or contains a long one, is a secret."""
    if isinstance(value, str):
        return Secret(value) if literals.match(value) else value
    if isinstance(value, Mapping):
        return {name: with_texts_hidden(item, literals) for name, item in value.items()}
    return [with_texts_hidden(item, literals) for item in value] if isinstance(value, list) else value


def _has_secret(value: Any) -> bool:  # noqa: ANN401 - JSON's types
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return isinstance(value, Secret) or any(map(_has_secret, items))


def _texts(value: Any) -> set[str]:  # noqa: ANN401 - JSON's types
    if isinstance(value, str):
        return {value} if value else set()
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {text for item in items for text in _texts(item)}


def spread_to_leaves(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value in which only texts, numbers and the like are secrets: no objects and no lists."""
    if isinstance(value, Secret) and isinstance(reveal(value), Mapping | list):
        value = spread(value)
    if isinstance(value, Mapping):
        return {name: spread_to_leaves(item) for name, item in value.items()}
    return [spread_to_leaves(item) for item in value] if isinstance(value, list) else value
