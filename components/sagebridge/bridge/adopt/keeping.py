"""Keeps what else is in a module whose call goes: new blocks for the root module, to which Terraform moves it.

A call of a module that is not one's own has to go as a whole, because its blocks cannot be taken out of it one by one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge import names
from sagebridge.bridge.export.json_texts import with_json_texts
from sagebridge.bridge.export.references import Referent, refer
from sagebridge.bridge.export.variables import take_secrets
from sagebridge.bridge.secret import Secret, reveal
from sagebridge.bridge.stack.mapping import Field, Fields, ProviderMapping
from sagebridge.bridge.terraform.blocks import Block, Nested, Ref
from sagebridge.bridge.terraform.state import Resource, State

_NOT_ARGUMENTS = {"id", "tags_all"}
"""Settable attributes that repeat others."""
_ALIAS = re.compile(r'^provider\["[^"]*?([^/"]+)"\]\.(.+)$')


@dataclass(frozen=True)
class Keeping:
    """What stays with Terraform when the calls of modules go."""

    calls: tuple[str, ...]
    """Addresses of the calls, such as `module.served["live"]`."""
    blocks: Mapping[str, Block]
    """The blocks of what stays, by the address that it has in the module."""
    not_kept: Mapping[str, str]
    """Why no block can be written for a resource, by its address; Terraform can only forget it."""

    @property
    def moves(self) -> Mapping[str, str]:
        """The new addresses of what stays, by the address that it has in the module."""
        return {address: ".".join(block.labels[1:]) for address, block in self.blocks.items()}


def plan_keeping(state: State, adopted: Sequence[Resource], mapping: ProviderMapping) -> Keeping:
    """Returns what stays with Terraform when the calls go that have made what was adopted.

    Args:
        state: The state.
        adopted: The resources that Terraform is to forget.
        mapping: The mapping, with the types of `types_beside`.
    """
    calls = tuple(dict.fromkeys(resource.call for resource in adopted if resource.call))
    others = [resource for resource in _beside(state, adopted) if not resource.deposed]
    reasons = {other.address: reason for other in others if (reason := _reason(other, mapping))}
    not_kept = {other.block: reasons[other.address] for other in others if other.address in reasons}
    kept = [other for other in others if other.block not in not_kept]
    addresses = _new_addresses(state, kept)
    blocks = {
        resource.address: _block(resource, addresses[resource.address], mapping, _referents(resource, kept, addresses))
        for resource in kept
    }
    return Keeping(calls, blocks, {other.address: not_kept[other.block] for other in others if other.block in not_kept})


def types_beside(state: State, adopted: Sequence[Resource]) -> set[str]:
    """Returns Terraform's types of what else is in the modules of what was adopted."""
    return {resource.type for resource in _beside(state, adopted)}


def _beside(state: State, adopted: Sequence[Resource]) -> list[Resource]:
    calls = {resource.call for resource in adopted if resource.call}
    addresses = {resource.address for resource in adopted}
    return [item for item in state.resources if item.call in calls and item.address not in addresses]


def _reason(resource: Resource, mapping: ProviderMapping) -> str | None:
    """Returns why no block can be written for a resource, if none can."""
    if not resource.type.startswith("aws_"):
        return "it is not of the AWS provider"
    resource_type = mapping.by_terraform.get(resource.type)
    if resource_type is None:
        return "the installed aws plugin does not know its type"
    block = Block(("resource", resource.type, resource.name), _arguments(resource_type.fields, resource.attributes))
    return "a value of it is sensitive" if take_secrets([block])[1] else None


def _new_addresses(state: State, kept: Iterable[Resource]) -> dict[str, str]:
    """Returns an address in the root module for each resource, by the address that it has."""
    kept = list(kept)
    new_addresses: dict[str, str] = {}
    for terraform_type in dict.fromkeys(resource.type for resource in kept):
        taken = {
            resource.address: resource.name
            for resource in state.resources
            if resource.type == terraform_type and not resource.module
        }
        moved = [resource for resource in kept if resource.type == terraform_type]
        paths = {resource.address: [_name(resource, moved)] for resource in moved}
        unique = names.unique(paths, taken)
        new_addresses |= {address: f"{terraform_type}.{unique[address]}" for address in paths}
    return new_addresses


def _name(resource: Resource, moved: Sequence[Resource]) -> str:
    """Returns a name that says from which module a resource is; it has a key only if its block has several."""
    several = sum((other.module, other.name) == (resource.module, resource.name) for other in moved) > 1
    steps = re.findall(r'module\.([^.\[]+)|\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\]', resource.module)
    module = [text for step in steps for text in step if text]
    return "_".join([*module, resource.name, *([str(resource.key)] if several else [])])


def _block(resource: Resource, address: str, mapping: ProviderMapping, referents: Sequence[Referent]) -> Block:
    arguments = {
        name: refer(with_json_texts(value, name), name, referents)[0]
        for name, value in _arguments(mapping.by_terraform[resource.type].fields, resource.attributes).items()
    }
    alias = _ALIAS.match(resource.provider)
    provider = {"provider": Ref(f"{alias[1]}.{alias[2]}")} if alias else {}
    return Block(("resource", *address.split(".")), {**provider, **arguments})


def _referents(resource: Resource, kept: Sequence[Resource], addresses: Mapping[str, str]) -> list[Referent]:
    """Returns what a resource takes values from, where that stays, too."""
    return [
        Referent(
            addresses[other.address],
            {name: value for name, value in other.attributes.items() if isinstance(value, str)},
        )
        for other in kept
        if other.block in resource.dependencies and other.module == resource.module
    ]


def _arguments(fields: Fields, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments with which a plan changes nothing: what is set, and what the provider would not keep.

    Where nothing is declared, the provider keeps what it makes by itself. Of that, single values are declared, because
    a name is among them. A name has no prefix beside it: Terraform takes only one of the two.
    """
    arguments = {
        field.terraform: value
        for field in fields.all
        if field.settable and field.terraform not in _NOT_ARGUMENTS
        if (value := _argument(field, attributes.get(field.terraform))) is not None
    }
    timeouts = attributes.get("timeouts")
    if isinstance(timeouts, Mapping) and (set_timeouts := {name: text for name, text in timeouts.items() if text}):
        arguments["timeouts"] = Nested((set_timeouts,))
    if "threshold_metric_id" in attributes and not attributes["threshold_metric_id"]:
        arguments["threshold"] = attributes.get("threshold")  # of an alarm; it may be 0
    named = {f"{name}_prefix" for name in arguments}
    return {name: value for name, value in arguments.items() if name not in named}


def _argument(field: Field, value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns an argument's value; `None` leaves it out."""
    plain = reveal(value)
    kept_by_provider = field.computed and (field.deprecated or isinstance(plain, list | dict))
    if plain is None or kept_by_provider or (field.optional and plain in ("", [], {})):
        return None
    if field.optional and plain == 0 and not isinstance(plain, bool):
        return None  # what the provider keeps for "not set"
    if field.sensitive or isinstance(value, Secret):
        return Secret(plain)
    if field.fields is not None and isinstance(value, list):
        return Nested(tuple(_arguments(field.fields, block or {}) for block in value))
    return value
