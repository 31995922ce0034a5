"""Secret values within JSON's types, of either side's state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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


def spread_to_leaves(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value in which only texts, numbers and the like are secrets: no objects and no lists."""
    if isinstance(value, Secret) and isinstance(reveal(value), Mapping | list):
        value = spread(value)
    if isinstance(value, Mapping):
        return {name: spread_to_leaves(item) for name, item in value.items()}
    return [spread_to_leaves(item) for item in value] if isinstance(value, list) else value
