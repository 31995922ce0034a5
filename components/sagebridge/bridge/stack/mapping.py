"""How names and nesting of Pulumi's aws provider and Terraform's map to each other, as the provider itself tells it.

The provider tells it as `info.MarshallableProvider` (pulumi-terraform-bridge, pkg/tfbridge/info/info.go): Terraform's
schema, and what Pulumi's provider has changed in it. The names that it does not tell follow the bridge's rule.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sagebridge.bridge.documents import parse_json
from sagebridge.bridge.stack.plurals import plural
from sagebridge.errors import UserError

KINDS = ("", "bool", "int", "float", "string", "list", "map", "set", "any")
"""Terraform's types by the numbers of the bridge's `shim.ValueType`."""

_RENAMED = re.compile("(_legacy|_v2_compat)$")
"""What the mapping adds to Terraform's name where a type has an older name in Pulumi too, such as aws.s3.BucketV2. The
first is pulumi-terraform-bridge's `RenamedEntitySuffix`, the second is pulumi-aws's (provider/compatibility.go)."""
_REPLACED_BY = re.compile(r"\b(aws_\w+) resource instead")
"""What the schema says of an argument that has become a resource, such as a bucket's `versioning`."""


@dataclass(frozen=True)
class Field:
    """An attribute or a block of a resource."""

    terraform: str
    """Terraform's name."""
    pulumi: str
    """Pulumi's name."""
    kind: str
    """One of `KINDS`."""
    single: bool = False
    """Whether it is a list or set of at most one element, in whose place Pulumi has the element."""
    settable: bool = True
    """Whether a program may set it. The other ones are only told by the provider."""
    optional: bool = True
    """Whether it may be left out."""
    computed: bool = False
    """Whether the provider gives it a value where it is left out."""
    replaced_by: str = ""
    """The type of resources that the schema advises to use in its place, by Terraform's name."""
    sensitive: bool = False
    """Whether the schema of either tool says that it is a secret."""
    autonamed: bool = False
    """Whether Pulumi makes up a name where none is set."""
    fields: "Fields | None" = None
    """The fields of a block, or of a nested object."""
    element: "Field | None" = None
    """The element of a list, set or map that holds no blocks, where the schema tells it."""

    @property
    def repeated(self) -> bool:
        """Whether it is a list or a set in Terraform."""
        return self.kind in ("list", "set")


@dataclass(frozen=True)
class Fields:
    """The fields of a resource, a block or the provider."""

    all: tuple[Field, ...]
    """The fields in the schema's order."""

    @cached_property
    def by_pulumi(self) -> Mapping[str, Field]:
        """The fields by Pulumi's names."""
        return {field.pulumi: field for field in self.all}

    @cached_property
    def by_terraform(self) -> Mapping[str, Field]:
        """The fields by Terraform's names."""
        return {field.terraform: field for field in self.all}


@dataclass(frozen=True)
class ResourceType:
    """A type of resources."""

    token: str
    """Pulumi's token, such as `aws:sagemaker/model:Model`."""
    terraform: str
    """Terraform's name, such as `aws_sagemaker_model`."""
    fields: Fields


@dataclass(frozen=True)
class ProviderMapping:
    """The aws provider's mapping, with the types that were asked for."""

    version: str
    """The version of Pulumi's provider."""
    terraform_version: str
    """The version of Terraform's provider; empty if the plugin does not tell it."""
    provider: Fields
    """The provider's own settings."""
    types: tuple[ResourceType, ...] = ()

    @cached_property
    def by_token(self) -> Mapping[str, ResourceType]:
        """The types by Pulumi's tokens."""
        return {type_.token: type_ for type_ in self.types}

    @cached_property
    def by_terraform(self) -> Mapping[str, ResourceType]:
        """The types by Terraform's names."""
        return {type_.terraform: type_ for type_ in self.types}


def parse_mapping(text: str, types: Iterable[str]) -> ProviderMapping:
    """Returns the mapping that a plugin tells in JSON.

    Args:
        text: What the plugin tells; it is large, some 1,500 types in the official one.
        types: The types that are kept, by Pulumi's tokens or Terraform's names.

    Raises:
        UserError: The text is not such a mapping.
    """
    document = parse_json(text, "the aws provider's mapping")
    try:
        names = set(types)
        schemas = document["provider"]["resources"]
        return ProviderMapping(
            version=str(document.get("version") or ""),
            terraform_version=str(document.get("tfProviderVersion") or ""),
            provider=_fields(document["provider"]["schema"], document.get("config") or {}),
            types=tuple(
                ResourceType(info["tok"], _RENAMED.sub("", name), _fields(schemas[name], info.get("fields") or {}))
                for name, info in document["resources"].items()
                if name in schemas and (name in names or info["tok"] in names)
            ),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(
            "the aws provider's mapping has another form than pulumi-terraform-bridge 3.128 writes"
            f" ({type(error).__name__}: {error}); install the plugin that the stack uses"
        ) from error


def _fields(schemas: Mapping[str, Any], infos: Mapping[str, Any]) -> Fields:
    return Fields(tuple(_field(name, schemas, infos) for name in schemas))


def _field(name: str, schemas: Mapping[str, Any], infos: Mapping[str, Any]) -> Field:
    schema, info = schemas[name], infos.get(name) or {}
    kind = KINDS[schema["type"]]
    single = _is_single(kind, schema, info)
    element = schema.get("element") or {}
    # Pulumi's changes to a block stand in its element, those to a nested object in itself.
    inner = (info.get("element") or {}).get("fields") or info.get("fields") or {}
    nested = element.get("resource")
    return Field(
        terraform=name,
        pulumi=info.get("name") or _pulumi_name(name, schemas, infos, listed=kind in ("list", "set") and not single),
        kind=kind,
        single=single,
        settable=bool(schema.get("required") or schema.get("optional")),
        optional=bool(schema.get("optional")),
        computed=bool(schema.get("computed")),
        replaced_by=next(iter(_REPLACED_BY.findall(schema.get("deprecated") or "")), ""),
        sensitive=bool(schema.get("sensitive") or info.get("secret")),
        autonamed=bool((info.get("default") or {}).get("autonamed")),
        fields=_fields(nested, inner) if nested is not None else None,
        element=_field("", {"": element["schema"]}, {"": info.get("element") or {}}) if element.get("schema") else None,
    )


def _is_single(kind: str, schema: Mapping[str, Any], info: Mapping[str, Any]) -> bool:
    if kind not in ("list", "set"):
        return False
    override = info.get("maxItemsOne")
    return bool(schema.get("maxItems") == 1 if override is None else override)


def _pulumi_name(name: str, schemas: Mapping[str, Any], infos: Mapping[str, Any], *, listed: bool) -> str:
    """Returns the name that the bridge makes of Terraform's: in camel case, and in the plural for a list."""
    if listed:
        candidate = plural(name) if name else ""
        taken = candidate in schemas and (infos.get(candidate) or {}).get("name") in (None, "", candidate)
        name = name if taken else candidate
    underscores = name[: len(name) - len(name.lstrip("_"))]
    first, *rest = name.lstrip("_").split("_")
    return underscores + first + "".join(word[:1].upper() + word[1:] for word in rest)
