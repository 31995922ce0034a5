"""Replaces secret values by variables of the module, which have no default."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.bridge import names
from sagebridge.bridge.secret import Secret, reveal
from sagebridge.bridge.terraform.blocks import Block, Nested, Ref, Template

Steps = tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """A secret value of the stack."""

    address: str
    """The address of the block that has it, such as `aws_sagemaker_model.live`."""
    path: Steps
    """The attribute's path in the block."""
    value: Any = field(repr=False)
    """The value in clear."""

    @property
    def attribute(self) -> str:
        """The path as people write it, such as `primary_container[0].image`."""
        return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in self.path).removeprefix(".")

    def origin(self, urns: Mapping[str, str]) -> str:
        """Returns where in the stack the value is, whatever the module calls it.

        Args:
            urns: URNs by address.
        """
        return f"{urns.get(self.address, self.address)}, {self.attribute}"

    @property
    def block(self) -> Mapping[str, Any]:
        """The arguments of its block."""
        return {
            "description": f"{self.attribute} of {self.address}, a secret of the Pulumi stack",
            "type": Ref(_type(self.value)),
            "sensitive": True,
        }


def take_secrets(
    blocks: Iterable[Block], urns: Mapping[str, str] | None = None, earlier: Mapping[str, str] | None = None
) -> tuple[list[Block], dict[str, Variable]]:
    """Puts a variable where a secret is.

    Args:
        blocks: The blocks.
        urns: URNs by address, from which a variable's origin is made.
        earlier: The names of an earlier export by the variable's origin, which stay.

    Returns:
        The blocks, and the variables by name: the name of the block, and what tells the secret from the block's others.
    """
    blocks = list(blocks)
    variables = [Variable(_address(block), path, value) for block in blocks for path, value in _secrets(block.body, ())]
    origins = [variable.origin(urns or {}) for variable in variables]
    named = names.unique(dict(zip(origins, map(_parts, variables), strict=True)), earlier)
    refs = {
        (variable.address, variable.path): Template((Ref(f"var.{named[origin]}"),))
        for origin, variable in zip(origins, variables, strict=True)
    }
    replaced = [replace(block, body=_replaced(block.body, (), _address(block), refs)) for block in blocks]
    return replaced, {named[origin]: variable for origin, variable in zip(origins, variables, strict=True)}


def _parts(variable: Variable) -> list[str]:
    """Returns the parts of a variable's name; the last one has the name of the block and of the attribute."""
    *outer, attribute = variable.path
    return [*variable.address.split("."), *outer, f"{variable.address.rpartition('.')[2]}_{attribute}"]


def _address(block: Block) -> str:
    alias = block.body.get("alias")
    labels = block.labels[1:] if block.labels[0] == "resource" else block.labels
    return ".".join([*labels, alias] if isinstance(alias, str) else labels)


def _items(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any value
    if isinstance(value, Nested):
        yield from ((str(number), block) for number, block in enumerate(value.blocks))
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(number), item) for number, item in enumerate(value))


def _secrets(value: Any, path: Steps) -> Iterator[tuple[Steps, Any]]:  # noqa: ANN401 - any value
    if isinstance(value, Secret):
        yield path, reveal(value)
    for step, item in _items(value):
        yield from _secrets(item, (*path, step))


def _replaced(value: Any, path: Steps, address: str, refs: Mapping[tuple[str, Steps], Any]) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Secret):
        return refs[address, path]
    items = {step: _replaced(item, (*path, step), address, refs) for step, item in _items(value)}
    if isinstance(value, Nested):
        return Nested(tuple(items.values()))
    if isinstance(value, Mapping):
        return items
    return list(items.values()) if isinstance(value, list) else value


def _type(value: Any) -> str:  # noqa: ANN401 - JSON's types
    """Returns a value's type constraint; elements of a map or list are texts in the AWS provider, or anything."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    items = value.values() if isinstance(value, Mapping) else value
    element = "string" if all(isinstance(item, str) for item in items) else "any"
    return f"{'map' if isinstance(value, Mapping) else 'list'}({element})"
