"""A stack's AWS resources → the blocks of a Terraform root module that imports them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.export import attributes, providers, variables
from sagebridge.bridge.export.attributes import DEFAULTS, Left
from sagebridge.bridge.export.providers import Provider
from sagebridge.bridge.export.references import Referent, refer
from sagebridge.bridge.export.variables import Variable
from sagebridge.bridge.stack.mapping import Field, ProviderMapping, Type
from sagebridge.bridge.stack.state import PROVIDER, STACK, Resource, Stack, settled
from sagebridge.bridge.terraform import names
from sagebridge.bridge.terraform.hcl import Block, Nested, Ref
from sagebridge.bridge.terraform.importing import DEFAULTED, NOT_IMPORTABLE, import_id, not_found

_NONE = Provider({})


@dataclass(frozen=True)
class NotCarried:
    """Something of the stack that is not in the module.

    Attributes:
        name: the resource's URN, or an attribute's address.
        reason: why, and what to do.
        block: the resource's block, where Terraform can make the resource and not import it.
    """

    name: str
    reason: str
    block: Block | None = None


@dataclass(frozen=True)
class Import:
    """A resource that the module imports.

    Attributes:
        id: its import ID.
        urn: Pulumi's.
    """

    id: str
    urn: str


@dataclass(frozen=True)
class Export:
    """What becomes of a stack.

    Attributes:
        blocks: the module's.
        imports: what it imports, by address, in the order of its making.
        variables: secrets by the variable's name.
        not_carried: what is left out.
    """

    blocks: tuple[Block, ...]
    imports: Mapping[str, Import]
    variables: Mapping[str, Variable]
    not_carried: tuple[NotCarried, ...]

    def place(self, variable: Variable) -> str:
        """Return where in the stack a variable's value stands, whatever the module calls it."""
        found = self.imports.get(variable.address)
        return f"{found.urn if found else variable.address}, {variable.shown}"


def wanted(stack: Stack) -> set[str]:
    """Return the types of the stack's AWS resources, by Pulumi's tokens."""
    return {resource.type for resource in stack.resources if resource.type.startswith("aws:")}


def plugin_version(stack: Stack) -> str:
    """Return the version of the aws plugin that the stack uses, the newest of several; empty where it does not say."""
    versions = [one.inputs.get("version") for one in stack.resources if one.type == f"{PROVIDER}aws"]
    numbered = {tuple(map(int, re.findall(r"\d+", one))): one for one in versions if isinstance(one, str)}
    return numbered[max(numbered)] if numbered else ""


def translate(stack: Stack, mapping: ProviderMapping) -> Export:
    """Translate a stack.

    Args:
        stack: the stack, secrets in clear.
        mapping: with the types that `wanted` names.

    Raises:
        BridgeError: See `deployment.settled`.
    """
    return _Translation(settled(stack), mapping).result()


class _Translation:
    """What the translation of one resource needs to know of the others."""

    def __init__(self, stack: Stack, mapping: ProviderMapping) -> None:
        self._mapping = mapping
        self._by_urn = {one.urn: one for one in stack.resources if not one.delete}
        reasons = [(one, _reason(one, mapping)) for one in stack.resources]
        self._carried = [one for one, reason in reasons if reason is None]
        self._not_carried = [NotCarried(one.urn, reason) for one, reason in reasons if reason]
        self._types = {one.urn: mapping.by_token[one.type] for one in self._carried}
        self._addresses = self._named()
        used = {one.provider for one in self._carried}
        own = [one for one in stack.resources if one.urn in used and not one.delete]
        self._providers = providers.read(own, mapping.provider)
        self._referents = {one.urn: self._referent(one) for one in self._carried}

    def result(self) -> Export:
        blocks: dict[str, Block] = {}
        imports: dict[str, Import] = {}
        for one in self._carried:
            address, block = self._addresses[one.urn], self._resource(one)
            identity = self._import_id(one)
            if why := NOT_IMPORTABLE.get(self._types[one.urn].terraform):
                shown = None if variables.take([block])[1] else block
                self._not_carried.append(NotCarried(one.urn, f"Terraform cannot import it; {why}", shown))
            elif identity is None:
                why = "what its import ID is made of is not in the state; `pulumi refresh`, and try again"
                self._not_carried.append(NotCarried(one.urn, why))
            else:
                blocks[address] = block
                imports[address] = Import(identity, one.urn)
        distinct = {id(one.settings): one for one in self._providers.values()}
        for urn, provider in self._providers.items():
            self._leave(urn, provider.left)
        heads = [provider.block for provider in distinct.values()] or [_NONE.block]
        placed, found = variables.take([*heads, *blocks.values()])
        return Export(
            blocks=(
                self._requirements(),
                *placed[: len(heads)],
                *(Block(("variable", name), variable.block) for name, variable in found.items()),
                *placed[len(heads) :],
                *(Block(("import",), {"to": Ref(address), "id": one.id}) for address, one in imports.items()),
            ),
            imports=imports,
            variables=found,
            not_carried=tuple(self._not_carried),
        )

    def _named(self) -> dict[str, str]:
        """Give each resource its address."""
        addresses: dict[str, str] = {}
        for kind in {one.terraform for one in self._types.values()}:
            paths = {one.urn: self._path(one) for one in self._carried if self._types[one.urn].terraform == kind}
            addresses |= {urn: f"{kind}.{name}" for urn, name in names.unique(paths).items()}
        return addresses

    def _path(self, one: Resource) -> list[str]:
        """Return a resource's name after those of the components that it stands in."""
        parent = self._by_urn.get(one.parent or "")
        return [*(self._path(parent) if parent and parent.type != STACK else []), one.name]

    def _leave(self, name: str, left: tuple[Left, ...] | list[Left]) -> None:
        self._not_carried += [NotCarried(f"{name}, {one.path}", one.reason) for one in left]

    def _provider(self, one: Resource) -> Provider:
        return self._providers.get(one.provider or "", _NONE)

    def _referent(self, one: Resource) -> Referent:
        told = attributes.to_terraform(one.outputs, self._types[one.urn].fields, [])
        texts = {name: value for name, value in told.items() if isinstance(value, str)}
        return Referent(self._addresses[one.urn], {"id": one.id, **texts})

    def _import_id(self, one: Resource) -> str | None:
        kind = self._types[one.urn]
        told = {**one.inputs, **{name: value for name, value in one.outputs.items() if value is not None}}
        region = one.inputs.get("region")
        other = region if isinstance(region, str) and region != self._provider(one).region else None
        return import_id(kind.terraform, one.id, attributes.to_terraform(told, kind.fields, []), other)

    def _resource(self, one: Resource) -> Block:
        kind, address, provider = self._types[one.urn], self._addresses[one.urn], self._provider(one)
        left: list[Left] = []
        autonamed = _autonamed(one, kind)
        values = attributes.to_terraform(
            attributes.as_read(one.inputs, one.outputs),
            kind.fields,
            left,
            lambda field: field.settable and field not in autonamed,
        )
        values.pop("tags_all", None)
        later = [name for name in sorted(not_found(kind.terraform)) if values.pop(name, False)]
        why = "AWS does not keep it, so an import that brings it is a change; add it afterwards"
        left += [Left(name, why) for name in later]
        if isinstance(values.get("tags"), Mapping):  # Terraform reads what the provider's default tags give as theirs
            default = provider.default_tags
            values["tags"] = {key: tag for key, tag in values["tags"].items() if (key, tag) not in default.items()}
        values, referred = self._refer(one, kind, values)
        depends_on = sorted(self._behind(one) - referred)
        lifecycle = self._lifecycle(one, kind, left, replaced_first=bool(autonamed))
        if one.retain_on_delete:
            left.append(Left("retainOnDelete", "Terraform has no such setting; forget it with a removed block instead"))
        if one.timeouts:
            left.append(Left("customTimeouts", "an import that brings timeouts is a change; add them afterwards"))
        self._leave(address, left)
        body = {
            **provider.ref,
            **values,
            **({"depends_on": [Ref(other) for other in depends_on]} if depends_on else {}),
            **({"lifecycle": Nested((lifecycle,))} if lifecycle else {}),
        }
        return Block(("resource", *address.split(".")), body)

    def _refer(self, one: Resource, kind: Type, values: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Put references where a property's value comes from another resource."""
        referred: set[str] = set()
        found = dict(values)
        for name, urns in one.property_dependencies.items():
            field = kind.fields.by_pulumi.get(name)
            if field is not None and field.terraform in found:
                referents = [self._referents[urn] for urn in urns if self._can_refer(urn, one)]
                found[field.terraform], used = refer(found[field.terraform], field.terraform, referents)
                referred |= used
        return found, referred

    def _can_refer(self, urn: str, one: Resource) -> bool:
        return urn in self._referents and urn != one.urn and self._types[urn].terraform not in NOT_IMPORTABLE

    def _behind(self, one: Resource) -> set[str]:
        """Return the addresses of the resources that must be there before one, through those that are not carried."""
        found: set[str] = set()
        seen: set[str] = {one.urn}
        ahead = [*one.dependencies, one.parent]
        while ahead:
            urn = ahead.pop()
            other = self._by_urn.get(urn or "")
            if other is None or other.urn in seen or other.type == STACK:
                continue
            seen.add(other.urn)
            if self._can_refer(other.urn, one):
                found.add(self._addresses[other.urn])
            else:
                ahead += [*other.dependencies, other.parent]
        return found

    def _lifecycle(self, one: Resource, kind: Type, left: list[Left], *, replaced_first: bool) -> dict[str, Any]:
        paths = dict.fromkeys(DEFAULTED.get(kind.terraform, ()))
        for path in one.ignore_changes:
            found = attributes.path_to_terraform(path, kind.fields)
            if found is None:
                left.append(Left(f"ignoreChanges {path}", "the provider's mapping has no such property"))
            else:
                paths[found] = None
        ignored: Ref | list[Ref] = Ref("all") if "all" in paths else [Ref(path) for path in paths]
        return {
            **({"create_before_destroy": True} if replaced_first else {}),
            **({"prevent_destroy": True} if one.protect else {}),
            **({"ignore_changes": ignored} if paths else {}),
        }

    def _requirements(self) -> Block:
        major = (re.findall(r"\d+", self._mapping.version) or ["7"])[0]
        upstream = re.findall(r"\d+", self._mapping.terraform_version)
        version = ".".join(upstream[:2]) if len(upstream) > 1 else f"{int(major) - 1}.0"
        required = {"aws": {"source": "hashicorp/aws", "version": f"~> {version}"}}
        return Block(("terraform",), {"required_version": ">= 1.5", "required_providers": Nested((required,))})


def _reason(one: Resource, mapping: ProviderMapping) -> str | None:  # noqa: PLR0911 - a return for each reason
    """Return why a resource is not carried; empty for what is not in AWS, none if it is carried."""
    if not one.custom or one.view or one.type.startswith(PROVIDER):
        return ""
    if one.type.startswith("pulumi:"):
        return "" if one.type == STACK else "it is Pulumi's own, and nothing in AWS"
    if not one.type.startswith("aws:"):
        return f"it is not of the provider aws but of {one.type.partition(':')[0]}"
    if one.delete:
        return f"it ({one.id}) is marked for deletion; `pulumi up` deletes it, as long as the stack has it"
    if one.pending_replacement:
        return "it is deleted and has yet to be made anew; `pulumi up`, and try again"
    if one.external:
        return "Pulumi only reads it, so it is not the stack's to hand over"
    if one.type not in mapping.by_token:
        return "the installed aws plugin does not know its type; install the version that the stack uses"
    return None if one.id else "it has no ID; `pulumi up`, and try again"


def _autonamed(one: Resource, kind: Type) -> list[Field]:
    """Return the fields that Pulumi named and Terraform can name as well: a replacement then gets a name of its own.

    Terraform keeps the name that it imports, as the argument is not set. Where it must be set, the name is a literal,
    and what replaces the resource cannot be made before it is destroyed.
    """
    defaults = one.inputs.get(DEFAULTS)
    named = set(defaults) if isinstance(defaults, list) and all(isinstance(name, str) for name in defaults) else set()
    return [one for one in kind.fields.all if one.autonamed and one.computed and one.pulumi in named]
