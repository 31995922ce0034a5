"""Terraform's state, typed: version 4, which Terraform has written since 0.12 and OpenTofu writes.

The format is Terraform's internal/states/statefile/version4.go.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.stack.state import Secret
from sagebridge.bridge.terraform.location import Location

VERSION = 4


@dataclass(frozen=True)
class Output:
    """An output of the root module.

    Attributes:
        value: JSON's types; a `Secret` if it is sensitive.
        type: cty's, as JSON has it.
    """

    value: Any
    type: Any


@dataclass(frozen=True)
class Resource:
    """One instance of a resource that Terraform manages.

    Attributes:
        module: the module instance's address, as ``module.a["x"].module.b``; empty for the root.
        type: as ``aws_sagemaker_endpoint``.
        name: the block's.
        key: the instance's, of ``count`` or ``for_each``, or none.
        provider: the provider's configuration, as ``provider["registry.terraform.io/hashicorp/aws"].west``.
        attributes: JSON's types, with `Secret` where the state says that a value is sensitive.
        dependencies: addresses of blocks, without keys.
        tainted: Terraform will replace it.
        deposed: a replaced one that Terraform has yet to destroy.
    """

    module: str
    type: str
    name: str
    key: str | int | None = None
    provider: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    tainted: bool = False
    deposed: bool = False

    @property
    def address(self) -> str:
        """The instance's address."""
        key = "" if self.key is None else f"[{json.dumps(self.key)}]"
        return ".".join(filter(None, (self.module, self.type, self.name))) + key

    @property
    def block(self) -> str:
        """The address of the block that declares it: no keys, those of modules neither."""
        return ".".join(filter(None, (re.sub(r"\[(\d+|\"([^\"\\]|\\.)*\")\]", "", self.module), self.type, self.name)))


@dataclass(frozen=True)
class State:
    """A Terraform state.

    Attributes:
        serial: rises with every change.
        lineage: the same for all versions of one state.
        outputs: the root module's, by name.
        resources: the managed ones.
    """

    serial: int
    lineage: str
    outputs: Mapping[str, Output]
    resources: tuple[Resource, ...]


def read(location: Location) -> State:
    """Read a state.

    Raises:
        BridgeError: There is none, it is locked, or see `parse`.
    """
    text = location.read()
    if text is None:
        raise BridgeError(f"there is no Terraform state {location}: name the file or object that Terraform writes")
    return parse(text, str(location))


def parse(text: str, where: str) -> State:
    """Parse a state.

    Raises:
        BridgeError: It is no whole JSON, encrypted by OpenTofu, of another version than 4, or not what the format has;
            names what, and nothing of its values.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BridgeError(
            f"the Terraform state {where} is not whole JSON: it is broken or cut off. Take a backup of it,"
            " or run `terraform state pull` in Terraform's folder"
        ) from None
    if isinstance(document, dict) and "encrypted_data" in document:
        raise BridgeError(
            f"the Terraform state {where} is encrypted by OpenTofu, and only OpenTofu has the keys: run"
            " `tofu state pull` into a private file, name that, and delete it afterwards"
        )
    try:
        return _state(document, where)
    except _MalformedError as error:
        raise BridgeError(f"{where} is no Terraform state: {error}") from None


class _MalformedError(Exception):
    """Where something is of another type than the format has."""


def _state(document: object, where: str) -> State:
    outer = _get({"state": document}, "state", dict, "")
    version = outer.get("version")
    if version != VERSION:
        raise BridgeError(
            f"the Terraform state {where} has version {version if isinstance(version, int) else 'none'}, and only"
            " version 4 can be read: run `terraform apply -refresh-only` with Terraform 0.12 or newer, which writes it"
        )
    outputs = _get(outer, "outputs", dict, "", {})
    return State(
        serial=_get(outer, "serial", int, "", 0),
        lineage=_get(outer, "lineage", str, "", ""),
        outputs={name: _output(value, f"outputs.{name}") for name, value in outputs.items()},
        resources=tuple(
            resource
            for number, block in enumerate(_get(outer, "resources", list, "", []))
            for resource in _instances(block, f"resources[{number}]")
        ),
    )


def _output(value: object, at: str) -> Output:
    found = _get({at: value}, at, dict, "")
    if "value" not in found or "type" not in found:
        raise _MalformedError(f"{at} has no value or no type")
    sensitive = _get(found, "sensitive", bool, at, default=False)
    return Output(Secret(found["value"]) if sensitive else found["value"], found["type"])


def _instances(block: object, at: str) -> list[Resource]:
    found = _get({at: block}, at, dict, "")
    if _get(found, "mode", str, at) != "managed":
        return []
    return [
        _resource(found, _get({f"{at}.instances[{number}]": value}, f"{at}.instances[{number}]", dict, ""), at)
        for number, value in enumerate(_get(found, "instances", list, at, []))
    ]


def _resource(block: dict[str, Any], instance: dict[str, Any], at: str) -> Resource:
    key = instance.get("index_key")
    if not isinstance(key, str | int | None) or isinstance(key, bool):
        raise _MalformedError(f"{at} has an index_key that is neither text nor number")
    attributes = _get(instance, "attributes", dict, at, {})  # before 0.12 they were flat; their version is not 4
    for path in _get(instance, "sensitive_attributes", list, at, []):
        attributes = _marked(attributes, _path(path, at))
    dependencies = _get(instance, "dependencies", list, at, [])
    if not all(isinstance(address, str) for address in dependencies):
        raise _MalformedError(f"{at}.dependencies is no list of texts")
    return Resource(
        module=_get(block, "module", str, at, ""),
        type=_get(block, "type", str, at),
        name=_get(block, "name", str, at),
        key=key,
        provider=_get(block, "provider", str, at, ""),
        attributes=attributes,
        dependencies=tuple(dependencies),
        tainted=instance.get("status") == "tainted",
        deposed=bool(instance.get("deposed")),
    )


def _path(path: object, at: str) -> list[str | int]:
    """Return a cty path's steps: ``get_attr`` with a name, ``index`` with a typed value."""
    steps = path if isinstance(path, list) else [path]
    found: list[str | int] = []
    for step in steps:
        value = step.get("value") if isinstance(step, dict) else None
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, float):
            value = int(value)
        if not isinstance(value, str | int):
            raise _MalformedError(f"{at}.sensitive_attributes has a path that cannot be read")
        found.append(value)
    return found


def _marked(value: Any, path: list[str | int]) -> Any:  # noqa: ANN401 - JSON's types
    """Return a copy with what stands at a path as a secret; where a path ends too early, all of that."""
    if isinstance(value, Secret):
        return value
    if not path:
        return Secret(value)
    step, *rest = path
    if isinstance(value, dict) and step in value:
        return {**value, step: _marked(value[step], rest)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [_marked(item, rest) if number == step else item for number, item in enumerate(value)]
    return value if value is None else Secret(value)  # an element of a set has no number


def _get(value: Mapping[str, Any], name: str, kind: type, at: str, default: Any = None) -> Any:  # noqa: ANN401 - of the kind
    """Return a member that has a type; ``None`` as default means that there must be one."""
    found = value.get(name)
    found = default if found is None else found
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        path = f"{at}.{name}" if at else name
        raise _MalformedError(f"{path} is {'missing' if found is None else f'no {kind.__name__}'}")
    return found
