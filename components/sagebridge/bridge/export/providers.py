"""The aws providers of a stack → Terraform's: settings, never credentials."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.export.attributes import Left, to_terraform
from sagebridge.bridge.stack.mapping import Field, Fields
from sagebridge.bridge.stack.state import Resource, Secret, reveal, typed
from sagebridge.bridge.terraform import names
from sagebridge.bridge.terraform.hcl import Block, Nested, Ref

CREDENTIALS = {"access_key", "secret_key", "token", "web_identity_token"}
"""Settings that are left out at any depth, whether or not anything says that they are secret."""
_ENGINES_OWN = {"__internal", "version", "pluginDownloadURL", "parameterization"}


@dataclass(frozen=True)
class Provider:
    """A provider of Terraform's.

    Attributes:
        settings: its arguments.
        alias: its alias; none for the default one.
        left: settings that are not carried.
    """

    settings: Mapping[str, Any]
    alias: str | None = None
    left: tuple[Left, ...] = field(default=())

    @property
    def region(self) -> str | None:
        """The region of its resources; none if it is not in the settings."""
        region = self.settings.get("region")
        return region if isinstance(region, str) else None

    @property
    def default_tags(self) -> Mapping[str, Any]:
        """Tags that it gives to every resource."""
        given = self.settings.get("default_tags")
        tags = given.blocks[0].get("tags") if isinstance(given, Nested) and given.blocks else None
        return tags if isinstance(tags, Mapping) else {}

    @property
    def block(self) -> Block:
        """Its block."""
        return Block(("provider", "aws"), {**({"alias": self.alias} if self.alias else {}), **self.settings})

    @property
    def ref(self) -> Mapping[str, Ref]:
        """The argument by which a resource names it; none for the default one."""
        return {"provider": Ref(f"aws.{self.alias}")} if self.alias else {}


def read(resources: Iterable[Resource], fields: Fields) -> dict[str, Provider]:
    """Return Terraform's provider for each of Pulumi's, by URN.

    Those with the same settings become one. One alone has no alias; of several, Pulumi's default one has none.

    Args:
        resources: Pulumi's aws providers that carried resources have.
        fields: the provider's settings, as the mapping has them.
    """
    read = [(one, *_settings(one, fields)) for one in resources]
    groups: list[list[tuple[Resource, dict[str, Any], list[Left]]]] = []
    for found in read:
        same = next((group for group in groups if group[0][1] == found[1]), None)
        groups.append([found]) if same is None else same.append(found)
    default = [group for group in groups if any(one.name.startswith("default") for one, _, _ in group)]
    plain = default[:1] or (groups if len(groups) == 1 else [])
    aliases = names.unique({group[0][0].urn: [group[0][0].name] for group in groups if group not in plain})
    return {
        one.urn: Provider(group[0][1], aliases.get(group[0][0].urn), tuple(left))
        for group in groups
        for one, _, left in group
    }


def _settings(provider: Resource, fields: Fields) -> tuple[dict[str, Any], list[Left]]:
    left: list[Left] = []
    inputs = {
        name: _decoded(value, fields.by_pulumi.get(name), f"the settings of {provider.urn}")
        for name, value in provider.inputs.items()
        if name not in _ENGINES_OWN
    }
    settings = to_terraform(inputs, fields, left)
    return _without_credentials(settings, "", left.append), left


def _decoded(value: Any, field: Field | None, where: str) -> Any:  # noqa: ANN401 - JSON's types
    """Return a setting's value: the engine keeps all that is no text as JSON in a text."""
    if isinstance(value, Secret):
        inner = _decoded(reveal(value), field, where)
        return inner if isinstance(inner, Secret) else Secret(inner)
    if field is None or field.kind == "string" or not isinstance(value, str):
        return value
    try:
        return typed(json.loads(value), where)
    except ValueError:
        return value


def _without_credentials(settings: Mapping[str, Any], at: str, leave: Callable[[Left], None]) -> dict[str, Any]:
    kept = {}
    for name, value in settings.items():
        if name in CREDENTIALS:
            leave(Left(at + name, "credentials are not carried; Terraform finds its own"))
        elif isinstance(value, Nested):
            kept[name] = Nested(tuple(_without_credentials(one, f"{at}{name}.", leave) for one in value.blocks))
        else:
            kept[name] = value
    return kept
