"""Secret values → variables of the module, without a default."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.stack.state import Secret, reveal
from sagebridge.bridge.terraform import names
from sagebridge.bridge.terraform.hcl import Block, Nested, Ref, Template


@dataclass(frozen=True)
class Variable:
    """A secret value of the stack.

    Attributes:
        address: the block that has it, such as ``aws_sagemaker_model.live``.
        path: the attribute's in it.
        value: in clear.
    """

    address: str
    path: tuple[str, ...]
    value: Any = field(repr=False)

    @property
    def shown(self) -> str:
        """The path as people write it, such as ``primary_container[0].image``."""
        return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in self.path).removeprefix(".")

    @property
    def block(self) -> Mapping[str, Any]:
        """The arguments of its block."""
        return {
            "description": f"{self.shown} of {self.address}, a secret of the Pulumi stack",
            "type": Ref(_type(self.value)),
            "sensitive": True,
        }


def take(blocks: Iterable[Block]) -> tuple[list[Block], dict[str, Variable]]:
    """Put a variable where a secret stands.

    Returns:
        The blocks, and the variables by name: that of the block and what tells it from the block's other secrets.
    """
    given = list(blocks)
    found = [Variable(_address(block), path, value) for block in given for path, value in _secrets(block.body, ())]
    named = names.unique(
        {number: (*one.address.split("."), *one.path[:-1], f"{one.address.rpartition('.')[2]}_{one.path[-1]}")
         for number, one in enumerate(found)}
    )  # fmt: skip
    refs = {(one.address, one.path): Template((Ref(f"var.{named[n]}"),)) for n, one in enumerate(found)}
    placed = [Block(block.labels, _placed(block.body, (), _address(block), refs)) for block in given]
    return placed, {named[number]: one for number, one in enumerate(found)}


def _address(block: Block) -> str:
    alias = block.body.get("alias")
    labels = block.labels[1:] if block.labels[0] == "resource" else block.labels
    return ".".join([*labels, alias] if isinstance(alias, str) else labels)


def _inner(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any value
    if isinstance(value, Nested):
        yield from ((str(number), block) for number, block in enumerate(value.blocks))
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(number), item) for number, item in enumerate(value))


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - any value
    if isinstance(value, Secret):
        yield path, reveal(value)
    for name, item in _inner(value):
        yield from _secrets(item, (*path, name))


def _placed(value: Any, path: tuple[str, ...], address: str, refs: Mapping[tuple[str, tuple[str, ...]], Any]) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Secret):
        return refs[address, path]
    inner = {name: _placed(item, (*path, name), address, refs) for name, item in _inner(value)}
    if isinstance(value, Nested):
        return Nested(tuple(inner.values()))
    if isinstance(value, Mapping):
        return inner
    return list(inner.values()) if isinstance(value, list) else value


def _type(value: Any) -> str:  # noqa: ANN401 - JSON's types
    """Return the type constraint of a value; a map's or list's elements are texts in the AWS provider, or anything."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    items = value.values() if isinstance(value, Mapping) else value
    element = "string" if all(isinstance(item, str) for item in items) else "any"
    return f"{'map' if isinstance(value, Mapping) else 'list'}({element})"
