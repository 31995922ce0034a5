"""Translates the aws providers of a stack into Terraform's: their settings, and never credentials."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sagebridge.bridge import names
from sagebridge.bridge.export.attributes import Omission, to_terraform
from sagebridge.bridge.secret import Secret, reveal
from sagebridge.bridge.stack.mapping import Field, Fields
from sagebridge.bridge.stack.state import StackResource
from sagebridge.bridge.stack.values import typed
from sagebridge.bridge.terraform.blocks import Block, Nested, Ref

CREDENTIALS = {"access_key", "secret_key", "token", "web_identity_token"}
"""Settings that are left out at any depth, whether or not anything says that they are secret."""
_ENGINE_INPUTS = {"__internal", "version", "pluginDownloadURL", "parameterization"}
"""Inputs of a provider that are the engine's, and no settings."""


@dataclass(frozen=True)
class Provider:
    """A provider of Terraform's."""

    settings: Mapping[str, Any]
    """Its arguments."""
    alias: str | None = None
    """Its alias; `None` for the default provider."""
    omissions: tuple[Omission, ...] = ()
    """Settings that are not carried."""

    @property
    def region(self) -> str | None:
        """The region of its resources; `None` if it is not in the settings."""
        region = self.settings.get("region")
        return region if isinstance(region, str) else None

    @property
    def default_tags(self) -> Mapping[str, Any]:
        """Tags that it gives to every resource."""
        nested = self.settings.get("default_tags")
        tags = nested.blocks[0].get("tags") if isinstance(nested, Nested) and nested.blocks else None
        return tags if isinstance(tags, Mapping) else {}

    @property
    def block(self) -> Block:
        """Its block."""
        return Block(("provider", "aws"), {**({"alias": self.alias} if self.alias else {}), **self.settings})

    @property
    def argument(self) -> Mapping[str, Ref]:
        """The argument by which a resource names it; none for the default provider."""
        return {"provider": Ref(f"aws.{self.alias}")} if self.alias else {}


class _Translated(NamedTuple):
    resource: StackResource
    settings: dict[str, Any]
    omissions: list[Omission]


def translate_providers(resources: Iterable[StackResource], fields: Fields) -> dict[str, Provider]:
    """Returns Terraform's provider for each of Pulumi's, by URN.

    Providers with the same settings become one. A single one has no alias; of several, Pulumi's default provider has
    none.

    Args:
        resources: Pulumi's aws providers that carried resources have.
        fields: The provider's settings, as the mapping has them.
    """
    groups: list[list[_Translated]] = []
    for translated in (_translated(resource, fields) for resource in resources):
        same = next((group for group in groups if group[0].settings == translated.settings), None)
        groups.append([translated]) if same is None else same.append(translated)
    defaults = [group for group in groups if any(item.resource.name.startswith("default") for item in group)]
    unaliased = defaults[:1] or (groups if len(groups) == 1 else [])
    firsts = [group[0].resource for group in groups if group not in unaliased]
    aliases = names.unique({resource.urn: [resource.name] for resource in firsts})
    return {
        item.resource.urn: Provider(group[0].settings, aliases.get(group[0].resource.urn), tuple(item.omissions))
        for group in groups
        for item in group
    }


def _translated(resource: StackResource, fields: Fields) -> _Translated:
    omissions: list[Omission] = []
    inputs = {
        name: _decoded(value, fields.by_pulumi.get(name), f"the settings of {resource.urn}")
        for name, value in resource.inputs.items()
        if name not in _ENGINE_INPUTS
    }
    settings = _without_credentials(to_terraform(inputs, fields, omissions), "", omissions.append)
    return _Translated(resource, settings, omissions)


def _decoded(value: Any, field: Field | None, owner: str) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a setting's value: the engine keeps all that is no text as JSON in a text."""
    if isinstance(value, Secret):
        inner = _decoded(reveal(value), field, owner)
        return inner if isinstance(inner, Secret) else Secret(inner)
    if field is None or field.kind == "string" or not isinstance(value, str):
        return value
    try:
        return typed(json.loads(value), owner)
    except ValueError:
        return value


def _without_credentials(settings: Mapping[str, Any], prefix: str, omit: Callable[[Omission], None]) -> dict[str, Any]:
    kept = {}
    for name, value in settings.items():
        if name in CREDENTIALS:
            omit(Omission(prefix + name, "credentials are not carried; Terraform finds its own"))
        elif isinstance(value, Nested):
            blocks = (_without_credentials(block, f"{prefix}{name}.", omit) for block in value.blocks)
            kept[name] = Nested(tuple(blocks))
        else:
            kept[name] = value
    return kept
