"""Terraform's state, typed: version 4, which Terraform has written since 0.12 and OpenTofu writes.

The format is Terraform's internal/states/statefile/version4.go.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.documents import MalformedError, Reader
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.terraform.hcl import quoted
from sagebridge.bridge.terraform.storage import FileStorage, StateStorage
from sagebridge.errors import UserError
from sagebridge.terraform_state.fetch import files_in
from sagebridge.terraform_state.text import state_document

KEY = re.compile(r"\[(\d+|\"([^\"\\]|\\.)*\")\]")
"""A key in an address."""
_CALL = re.compile(rf"module\.[^.\[]+({KEY.pattern})?")


@dataclass(frozen=True)
class Output:
    """An output of the root module."""

    value: Any
    """JSON's types; a `Secret` if the output is sensitive."""
    type: Any
    """The type as cty writes it in JSON."""


@dataclass(frozen=True)
class Resource:
    """One instance of a resource that Terraform manages."""

    module: str
    """The module instance's address, such as `module.a["x"].module.b`; empty for the root module."""
    type: str
    """Terraform's type, such as `aws_sagemaker_endpoint`."""
    name: str
    """The block's name."""
    key: str | int | None = None
    """The instance's key, of `count` or `for_each`."""
    provider: str = ""
    """The provider's configuration, such as `provider["registry.terraform.io/hashicorp/aws"].west`."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """JSON's types, with `Secret` where the state says that a value is sensitive."""
    dependencies: tuple[str, ...] = ()
    """Addresses of blocks, without keys."""
    tainted: bool = False
    """Whether Terraform will replace it."""
    deposed: bool = False
    """Whether it was replaced, and Terraform has yet to destroy it."""

    @property
    def address(self) -> str:
        """The instance's address."""
        key = "" if self.key is None else f"[{self.key if isinstance(self.key, int) else quoted(self.key)}]"
        return ".".join(filter(None, (self.module, self.type, self.name))) + key

    @property
    def block(self) -> str:
        """The address of the block that declares it: without keys, those of modules included."""
        return ".".join(filter(None, (KEY.sub("", self.module), self.type, self.name)))

    @property
    def call(self) -> str:
        """The address of the root module's call that it is made by, with its key; empty for the root module's own."""
        call = _CALL.match(self.module)
        return call[0] if call else ""


@dataclass(frozen=True)
class State:
    """A Terraform state."""

    serial: int
    """A number that rises with every change."""
    lineage: str
    """An ID that all versions of one state share."""
    outputs: Mapping[str, Output]
    """The root module's outputs by name."""
    resources: tuple[Resource, ...]
    """The resources that Terraform manages."""


def read_state(storage: StateStorage) -> State:
    """Returns the state in a place.

    Raises:
        UserError: There is no state, it is locked, or see `parse_state`.
    """
    text = storage.read()
    if text is None:
        files = files_in(storage.path.parent) if isinstance(storage, FileStorage) else ""
        raise UserError(
            f"there is no Terraform state {storage}: name the file or object that Terraform writes"
            + (f". {files}" if files else "")
        )
    return parse_state(text, str(storage))


def parse_state(text: str, location: str) -> State:
    """Returns the state that a text holds.

    Args:
        text: The state's text. No message shows a value of it.
        location: Where it is, for messages.

    Raises:
        UserError: See `state_document`; or a part of the state has another type than its format gives it.
    """
    try:
        return _state(Reader(state_document(text, location), "the state"))
    except MalformedError as error:
        raise UserError(f"{location} is not a Terraform state: {error}") from None


def _state(members: Reader) -> State:
    outputs = members.inner("outputs")
    return State(
        serial=members.get("serial", int, 0),
        lineage=members.get("lineage", str, ""),
        outputs={name: _output(outputs.inner(name)) for name in outputs.members},
        resources=tuple(resource for block in members.items("resources") for resource in _instances(block)),
    )


def _output(output: Reader) -> Output:
    if "value" not in output.members or "type" not in output.members:
        raise MalformedError(f"{output.path} has no value or no type")
    value = output.members["value"]
    return Output(Secret(value) if output.get("sensitive", bool, default=False) else value, output.members["type"])


def _instances(block: Reader) -> list[Resource]:
    if block.get("mode", str, None) != "managed":
        return []
    return [_resource(block, instance) for instance in block.items("instances")]


def _resource(block: Reader, instance: Reader) -> Resource:
    key = instance.members.get("index_key")
    if not isinstance(key, str | int | None) or isinstance(key, bool):
        raise MalformedError(f"{instance.path} has an index_key that is neither text nor number")
    attributes = instance.get("attributes", dict, {})  # before 0.12 they were flat; their version is not 4
    for path in instance.get("sensitive_attributes", list, []):
        attributes = _with_secret(attributes, _steps(path, instance.path))
    return Resource(
        module=block.get("module", str, ""),
        type=block.get("type", str, None),
        name=block.get("name", str, None),
        key=key,
        provider=block.get("provider", str, ""),
        attributes=attributes,
        dependencies=tuple(instance.texts("dependencies")),
        tainted=instance.members.get("status") == "tainted",
        deposed=bool(instance.members.get("deposed")),
    )


def _steps(path: object, instance: str) -> list[str | int]:
    """Returns a cty path's steps: `get_attr` with a name, `index` with a typed value."""
    steps: list[str | int] = []
    for step in path if isinstance(path, list) else [path]:
        value = step.get("value") if isinstance(step, dict) else None
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, str | int):
            raise MalformedError(f"{instance}.sensitive_attributes has a path that cannot be read")
        steps.append(value)
    return steps


def _with_secret(value: Any, path: list[str | int]) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a copy in which what stands at a path is a secret; where a path ends too early, all of that is."""
    if isinstance(value, Secret):
        return value
    if not path:
        return Secret(value)
    step, *rest = path
    if isinstance(value, dict) and step in value:
        return {**value, step: _with_secret(value[step], rest)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [_with_secret(item, rest) if number == step else item for number, item in enumerate(value)]
    return value if value is None else Secret(value)  # an element of a set has no number
