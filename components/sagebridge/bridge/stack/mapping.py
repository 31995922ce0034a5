"""How names and nesting of Pulumi's aws provider and Terraform's map to each other, as the provider itself tells it.

What is read is `info.MarshallableProvider` (pulumi-terraform-bridge, pkg/tfbridge/info/info.go): Terraform's schema,
and what Pulumi's provider has changed in it. The names that it does not give follow the bridge's rule.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.files import parse_json

KINDS = ("", "bool", "int", "float", "string", "list", "map", "set", "any")
"""Terraform's types by the numbers of the bridge's `shim.ValueType`."""


@dataclass(frozen=True)
class Field:
    """An attribute or a block of a resource.

    Attributes:
        terraform: Terraform's name.
        pulumi: Pulumi's name.
        kind: one of `KINDS`.
        one: a list or set that Pulumi has as its one element.
        settable: a program may set it; the others are only told.
        optional: it may be left out.
        computed: the provider gives it a value where it is left out.
        sensitive: Terraform or Pulumi hides its value.
        autonamed: Pulumi makes up a name where none is set.
        fields: those of a block, or of a nested object.
        element: that of a list, set or map of something else than blocks, where the schema tells.
    """

    terraform: str
    pulumi: str
    kind: str
    one: bool = False
    settable: bool = True
    optional: bool = True
    computed: bool = False
    sensitive: bool = False
    autonamed: bool = False
    fields: "Fields | None" = None
    element: "Field | None" = None

    @property
    def repeated(self) -> bool:
        """Terraform has a list of it, or a set."""
        return self.kind in ("list", "set")


@dataclass(frozen=True)
class Fields:
    """The fields of a resource, a block or the provider, found by either name.

    Attributes:
        all: in the schema's order.
    """

    all: tuple[Field, ...]

    @cached_property
    def by_pulumi(self) -> Mapping[str, Field]:
        """Fields by Pulumi's names."""
        return {item.pulumi: item for item in self.all}

    @cached_property
    def by_terraform(self) -> Mapping[str, Field]:
        """Fields by Terraform's names."""
        return {item.terraform: item for item in self.all}


@dataclass(frozen=True)
class Type:
    """A type of resources.

    Attributes:
        token: Pulumi's, such as ``aws:sagemaker/model:Model``.
        terraform: Terraform's, such as ``aws_sagemaker_model``.
        fields: its own.
    """

    token: str
    terraform: str
    fields: Fields


@dataclass(frozen=True)
class ProviderMapping:
    """The aws provider's mapping, as far as it was asked for.

    Attributes:
        version: Pulumi's provider's.
        terraform_version: that of Terraform's provider, if the plugin tells it; else empty.
        provider: the provider's own settings.
        types: those that were asked for and are there.
    """

    version: str
    terraform_version: str
    provider: Fields
    types: tuple[Type, ...] = field(default=())

    @cached_property
    def by_token(self) -> Mapping[str, Type]:
        """Types by Pulumi's tokens."""
        return {item.token: item for item in self.types}

    @cached_property
    def by_terraform(self) -> Mapping[str, Type]:
        """Types by Terraform's names."""
        return {item.terraform: item for item in self.types}


def read(text: str, wanted: Iterable[str]) -> ProviderMapping:
    """Read the mapping's JSON.

    Args:
        text: what the plugin tells; it is large, some 1,500 types in the official one.
        wanted: the types that are kept, by Pulumi's tokens or Terraform's names.

    Raises:
        BridgeError: It is no such mapping.
    """
    document = parse_json(text, "the aws provider's mapping")
    try:
        names = set(wanted)
        schemas = document["provider"]["resources"]
        return ProviderMapping(
            version=str(document.get("version") or ""),
            terraform_version=str(document.get("tfProviderVersion") or ""),
            provider=_fields(document["provider"]["schema"], document.get("config") or {}),
            types=tuple(
                Type(info["tok"], name, _fields(schemas[name], info.get("fields") or {}))
                for name, info in document["resources"].items()
                if name in schemas and (name in names or info["tok"] in names)
            ),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BridgeError(
            "the aws provider's mapping has another form than pulumi-terraform-bridge 3.128 writes"
            f" ({type(error).__name__}: {error}); install the plugin that the stack uses"
        ) from error


def _fields(schemas: Mapping[str, Any], infos: Mapping[str, Any]) -> Fields:
    return Fields(tuple(_field(name, schemas, infos) for name in schemas))


def _field(name: str, schemas: Mapping[str, Any], infos: Mapping[str, Any]) -> Field:
    schema, info = schemas[name], infos.get(name) or {}
    kind = KINDS[schema["type"]]
    one = _is_one(kind, schema, info)
    element = schema.get("element") or {}
    # Pulumi's changes to a block stand in its element, those to a nested object in itself.
    inner = (info.get("element") or {}).get("fields") or info.get("fields") or {}
    nested = element.get("resource")
    return Field(
        terraform=name,
        pulumi=info.get("name") or _pulumi_name(name, schemas, infos, listed=kind in ("list", "set") and not one),
        kind=kind,
        one=one,
        settable=bool(schema.get("required") or schema.get("optional")),
        optional=bool(schema.get("optional")),
        computed=bool(schema.get("computed")),
        sensitive=bool(schema.get("sensitive") or info.get("secret")),
        autonamed=bool((info.get("default") or {}).get("autonamed")),
        fields=_fields(nested, inner) if nested is not None else None,
        element=_field("", {"": element["schema"]}, {"": info.get("element") or {}}) if element.get("schema") else None,
    )


def _is_one(kind: str, schema: Mapping[str, Any], info: Mapping[str, Any]) -> bool:
    if kind not in ("list", "set"):
        return False
    given = info.get("maxItemsOne")
    return bool(schema.get("maxItems") == 1 if given is None else given)


def _pulumi_name(name: str, schemas: Mapping[str, Any], infos: Mapping[str, Any], *, listed: bool) -> str:
    if listed:
        candidate = plural(name) if name else ""
        taken = candidate in schemas and (infos.get(candidate) or {}).get("name") in (None, "", candidate)
        name = name if taken else candidate
    begin = name[: len(name) - len(name.lstrip("_"))]
    first, *rest = name.lstrip("_").split("_")
    return begin + first + "".join(word[:1].upper() + word[1:] for word in rest)


# Pulumi's names of lists are English plurals, made by the rules of github.com/pulumi/inflector v0.2.1 (BSD), which
# pulumi-terraform-bridge uses (pkg/tfbridge/internal/naming). A name must become here what it became there, so better
# English is wrong: `inflection` 0.5.1 leaves `criteria` and `metadata` alone, and pulumi_aws has `matchCriterias` and
# `licenseMetadatas`. Irregular words match a whole name only, as `_` counts as a letter.
_UNINFLECTED = re.compile(
    r"(?i)(amoyese|bison|borghese|bream|breeches|britches|buffalo|cantus|carp|chassis|clippers|cod|coitus|contretemps"
    r"|corps|debris|diabetes|djinn|eland|elk|equipment|flounder|gallows|graffiti|headquarters|herpes|hijinks"
    r"|information|innings|jackanapes|mackerel|.*?media|mews|moose|mumps|news|nexus|pincers|pliers|proceedings"
    r"|rabies|rice|rhinoceros|salmon|scissors|sea[- ]bass|series|shears|siemens|species|swine|testes|trousers|trout"
    r"|tuna|whiting|wildebeest|.*[nrlm]ese|.*deer|.*fish|.*measles|.*ois|.*pox|.*sheep|people)"
)
_IRREGULAR = dict(
    pair.split("/")
    for pair in (  # noqa: SIM905 - as a list it is a page
        "atlas/atlases beef/beefs cafe/cafes child/children cookie/cookies corpus/corpuses foot/feet genus/genera "
        "goose/geese hero/heroes hoof/hoofs loaf/loaves man/men money/monies move/moves niche/niches octopus/octopuses "
        "opus/opuses ox/oxen person/people potato/potatoes sex/sexes testis/testes tooth/teeth turf/turfs"
    ).split()
)
_RULES = [
    (re.compile(f"(?i){pattern}"), replacement)
    for pattern, replacement in (
        (r"(s)tatus$", r"\1tatuses"),
        (r"(quiz)$", r"\1zes"),
        (r"^(ox)$", r"\1en"),
        (r"([m|l])ouse$", r"\1ice"),
        (r"(matr|vert|ind)(ix|ex)$", r"\1ices"),
        (r"(x|ch|ss|sh)$", r"\1es"),
        (r"([^aeiouy]|qu)y$", r"\1ies"),
        (r"(hive)$", r"\1s"),
        (r"(?:([^f])fe|([lre])f)$", r"\1\2ves"),
        (r"sis$", "ses"),
        (r"([ti])um$", r"\1a"),
        (r"(p)erson$", r"\1eople"),
        (r"(m)an$", r"\1en"),
        (r"(c)hild$", r"\1hildren"),
        (r"(buffal|tomat)o$", r"\1oes"),
        (r"(alumn|bacill|cact|foc|fung|nucle|radi|stimul|syllab|termin|vir)us$", r"\1i"),
        (r"us$", "uses"),
        (r"(alias)$", r"\1es"),
        (r"(ax|cris|test)is$", r"\1es"),
        (r"s$", "s"),
        (r"$", "s"),
    )
]


@cache
def plural(name: str) -> str:
    """Return a name's plural, as the bridge makes it."""
    if _UNINFLECTED.fullmatch(name):
        return name
    if name.lower() in _IRREGULAR:
        return name[0] + _IRREGULAR[name.lower()][1:]
    pattern, replacement = next((pattern, new) for pattern, new in _RULES if pattern.search(name))
    return pattern.sub(replacement, name, count=1)
