"""Keeps secret values out of messages: a value that comes from a secret is shown as ``[secret]``.

A concealed value is checked and calculated with like the value itself, and what is calculated from it is concealed too.
However it is formatted, it gives ``[secret]``, so a rule need not know which of its values are secrets. Concealed
values are for checks and messages only; AWS gets the value itself.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

SECRET = "[secret]"  # noqa: S105 - what is shown instead of a secret, as Pulumi shows it
SHORTEST = 3
"""A secret text of fewer characters is not looked for in other texts, as in Pulumi's own logs: it may be anything."""

T = TypeVar("T")


class Concealed:
    """A value that comes from a secret."""

    def __repr__(self) -> str:
        return SECRET

    def __str__(self) -> str:
        return SECRET

    def __format__(self, _specification: str) -> str:
        return SECRET


class ConcealedString(Concealed, str):
    """A string that comes from a secret."""

    __slots__ = ()


class ConcealedInteger(Concealed, int):
    """A whole number that comes from a secret."""

    __slots__ = ()


class ConcealedNumber(Concealed, float):
    """A number that comes from a secret."""

    __slots__ = ()


class ConcealedList(Concealed, list[Any]):
    """A list that comes from a secret."""

    __slots__ = ()


class ConcealedMapping(Concealed, dict[Any, Any]):
    """A mapping that comes from a secret."""

    __slots__ = ()


class ConcealedObject(Concealed):
    """A value of any other kind that comes from a secret."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, ConcealedObject) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)


def concealed(value: object) -> Any:  # noqa: ANN401 - the type of the value, as far as it can be subclassed
    """Returns a value, with everything in it, as one that comes from a secret."""
    if value is None or isinstance(value, Concealed):
        return value
    hidden: Concealed = ConcealedObject(value)
    if isinstance(value, Mapping):
        hidden = ConcealedMapping({concealed(key): concealed(inner) for key, inner in value.items()})
    elif isinstance(value, list | tuple):
        hidden = ConcealedList(map(concealed, value))
    elif isinstance(value, str):
        hidden = ConcealedString(value)
    elif isinstance(value, float):
        hidden = ConcealedNumber(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        hidden = ConcealedInteger(value)
    return hidden


def derived(value: T, *sources: object) -> T:
    """Returns a value that is derived from others: concealed if one of them is."""
    conceal = any(isinstance(source, Concealed) for source in sources)
    result: T = concealed(value) if conceal else value
    return result


def is_bool(value: object) -> bool:
    """Tells whether a value is true or false, which Python has no subclasses for."""
    return isinstance(value.value if isinstance(value, ConcealedObject) else value, bool)


def texts(value: object) -> Iterator[str]:
    """Finds the texts in a secret value that are long enough to be looked for in other texts."""
    if isinstance(value, str):
        if len(value) >= SHORTEST:
            yield str.__str__(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (*texts(key), *texts(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def redacted(text: str, secrets: Collection[str]) -> str:
    """Returns a text that others wrote, such as AWS, with ``[secret]`` instead of each secret in it."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, SECRET)
    return text


def _conceal_results(of: type[Concealed], kind: type[int] | type[float]) -> None:
    """Lets what is calculated from concealed numbers, and from others of the same kind, be concealed too."""

    def concealing(operation: Callable[..., object]) -> Callable[..., object]:
        return lambda *numbers: result if (result := operation(*numbers)) is NotImplemented else concealed(result)

    binary = [f"__{side}{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod") for side in ("", "r")]
    for name in ("__neg__", *binary):
        setattr(of, name, concealing(getattr(kind, name)))


_conceal_results(ConcealedInteger, int)
_conceal_results(ConcealedNumber, float)
