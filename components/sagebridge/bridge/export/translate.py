"""Translates a stack's AWS resources into the blocks of a Terraform root module that imports them."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.bridge import names
from sagebridge.bridge.export import attributes
from sagebridge.bridge.export.attributes import Omission
from sagebridge.bridge.export.json_texts import with_json_texts
from sagebridge.bridge.export.providers import Provider, translate_providers
from sagebridge.bridge.export.references import Referent, refer
from sagebridge.bridge.export.variables import Variable, take_secrets
from sagebridge.bridge.literals import Literals
from sagebridge.bridge.secret import LOOKED_FOR, secret_texts, with_texts_hidden
from sagebridge.bridge.stack.mapping import Field, ProviderMapping, ResourceType
from sagebridge.bridge.stack.state import PROVIDER, STACK, Stack, StackResource, check_settled
from sagebridge.bridge.stack.values import DEFAULTS
from sagebridge.bridge.terraform.blocks import Block, Nested, Ref
from sagebridge.bridge.terraform.importing import (
    DEFAULTED,
    REMADE,
    CannotImportError,
    arguments_not_imported,
    import_id,
)

_NO_PROVIDER = Provider({})


@dataclass(frozen=True)
class Names:
    """The names that an earlier export of a stack gave: another one keeps them, whatever else the stack has by then."""

    addresses: Mapping[str, str] = field(default_factory=dict)
    """Addresses by URN."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Names of variables by where in the stack their values are; see `Export.origin`."""


@dataclass(frozen=True)
class NotCarried:
    """Something of the stack that is not in the module."""

    name: str
    """The resource's URN, or an attribute's address."""
    reason: str
    """Why, and what to do."""
    block: Block | None = None
    """The resource's block, where Terraform can make the resource and not import it."""


@dataclass(frozen=True)
class Import:
    """A resource that the module imports."""

    id: str
    """Its import ID."""
    urn: str
    """Its URN in Pulumi."""


@dataclass(frozen=True)
class Export:
    """A stack as Terraform's."""

    blocks: tuple[Block, ...]
    """The module's blocks."""
    imports: Mapping[str, Import]
    """What the module imports by address, in the order in which it was made."""
    variables: Mapping[str, Variable]
    """Secrets by the variable's name."""
    not_carried: tuple[NotCarried, ...]
    """What is left out."""

    def origin(self, variable: Variable) -> str:
        """Returns where in the stack a variable's value is, whatever the module calls it."""
        imported = self.imports.get(variable.address)
        return variable.origin({variable.address: imported.urn} if imported else {})


def by_reason(items: Iterable[NotCarried], quote: str = "") -> list[str]:
    """Returns a line for each reason, with all that is not carried for it, so that a reason of many is told once.

    Args:
        items: What is not carried.
        quote: What stands around each name.
    """
    names_by_reason: dict[str, list[str]] = {}
    for item in items:
        names_by_reason.setdefault(item.reason, []).append(f"{quote}{item.name}{quote}")
    return [f"{', '.join(names)}: {reason}" for reason, names in names_by_reason.items()]


def aws_types(stack: Stack) -> set[str]:
    """Returns the types of the stack's AWS resources, by Pulumi's tokens."""
    return {resource.type for resource in stack.resources if resource.type.startswith("aws:")}


def plugin_version(stack: Stack) -> str:
    """Returns the newest version of the aws plugin that the stack uses; empty where it does not say."""
    inputs = [resource.inputs.get("version") for resource in stack.resources if resource.type == f"{PROVIDER}aws"]
    versions = [version for version in inputs if isinstance(version, str)]
    return max(versions, key=lambda version: [int(number) for number in re.findall(r"\d+", version)], default="")


def translate(stack: Stack, mapping: ProviderMapping, earlier: Names | None = None) -> Export:
    """Returns a stack as Terraform's.

    Args:
        stack: The stack, secrets in clear.
        mapping: The mapping, with the types that `aws_types` names.
        earlier: The names of an earlier export.

    Raises:
        UserError: The stack is not settled, or a setting of a provider cannot be read.
    """
    check_settled(stack)
    return _Translation(_with_secrets_hidden(stack), mapping, earlier or Names()).export()


def _with_secrets_hidden(stack: Stack) -> Stack:
    """Returns a stack in which the text of a secret is a secret wherever it stands, such as in a policy's document."""
    texts = {text for resource in stack.resources for text in secret_texts([resource.inputs, resource.outputs])}
    if not texts:
        return stack
    literals = Literals(texts, LOOKED_FOR)
    return replace(
        stack,
        resources=tuple(
            replace(
                resource,
                inputs=with_texts_hidden(resource.inputs, literals),
                outputs=with_texts_hidden({**resource.outputs, "id": resource.id}, literals),
            )
            for resource in stack.resources
        ),
    )


class _Translation:
    """The translation of a stack: what that of one resource needs to know of the others."""

    def __init__(self, stack: Stack, mapping: ProviderMapping, earlier: Names) -> None:
        self._mapping = mapping
        self._earlier = earlier
        self._by_urn = {resource.urn: resource for resource in stack.resources if not resource.delete}
        version = plugin_version(stack) or mapping.version
        reasons = [(resource, _reason(resource, mapping, version)) for resource in stack.resources]
        self._carried = [resource for resource, reason in reasons if reason is None]
        self._not_carried = [NotCarried(resource.urn, reason) for resource, reason in reasons if reason]
        self._types = {resource.urn: mapping.by_token[resource.type] for resource in self._carried}
        self._addresses = self._named()
        used = {resource.provider for resource in self._carried}
        self._providers = translate_providers(
            [resource for urn, resource in self._by_urn.items() if urn in used], mapping.provider
        )
        self._import_ids: dict[str, str] = {}
        self._not_importable: dict[str, str] = {}
        for resource in self._carried:
            try:
                self._import_ids[resource.urn] = self._import_id(resource)
            except CannotImportError as error:
                self._not_importable[resource.urn] = str(error)
        self._referents = {
            resource.urn: self._referent(resource) for resource in self._carried if resource.urn in self._import_ids
        }
        managing = {_manager(type_, field) for type_ in self._types.values() for field in type_.fields.all}
        self._managers = {
            (self._types[urn].terraform, text): referent.address
            for urn, referent in self._referents.items()
            if self._types[urn].terraform in managing
            for text in self._by_urn[urn].inputs.values()
            if isinstance(text, str)
        }
        """What manages a part of another resource, by its type and by that resource's ID."""
        self._behind: dict[str, frozenset[str]] = {}
        """What must be there before a resource that is not carried, by addresses."""
        for resource in self._by_urn.values():  # each comes after what it depends on
            if resource.urn not in self._referents and resource.type != STACK:
                urns = (*resource.dependencies, resource.parent)
                self._behind[resource.urn] = frozenset(address for urn in urns for address in self._addresses_of(urn))

    def export(self) -> Export:
        blocks: dict[str, Block] = {}
        imports: dict[str, Import] = {}
        for resource in self._carried:
            address = self._addresses[resource.urn]
            if reason := self._not_importable.get(resource.urn):
                self._not_carried.append(NotCarried(resource.urn, reason, self._remade(resource)))
            else:
                blocks[address] = self._block(resource)
                imports[address] = Import(self._import_ids[resource.urn], resource.urn)
        for urn, provider in self._providers.items():
            self._omit(urn, provider.omissions)
        distinct = {id(provider.settings): provider.block for provider in self._providers.values()}
        heads = list(distinct.values()) or [_NO_PROVIDER.block]
        urns = {address: item.urn for address, item in imports.items()}
        replaced, variables = take_secrets([*heads, *blocks.values()], urns, self._earlier.variables)
        return Export(
            blocks=(
                self._requirements(),
                *replaced[: len(heads)],
                *(Block(("variable", name), variable.block) for name, variable in variables.items()),
                *replaced[len(heads) :],
                *(Block(("import",), {"to": Ref(address), "id": item.id}) for address, item in imports.items()),
            ),
            imports=imports,
            variables=variables,
            not_carried=tuple(self._not_carried),
        )

    def _named(self) -> dict[str, str]:
        """Returns an address for each carried resource, by URN."""
        addresses: dict[str, str] = {}
        for terraform_type in {type_.terraform for type_ in self._types.values()}:
            resources = [item for item in self._carried if self._types[item.urn].terraform == terraform_type]
            kept = {
                urn: address.partition(".")[2]
                for urn, address in self._earlier.addresses.items()
                if address.startswith(f"{terraform_type}.")
            }
            paths = {resource.urn: [names.qualified(self._path(resource))] for resource in resources}
            unique = names.unique(paths, kept)
            addresses |= {urn: f"{terraform_type}.{name}" for urn, name in unique.items()}
        return addresses

    def _path(self, resource: StackResource) -> list[str]:
        """Returns a resource's name after the names of the components that it is in."""
        path: dict[str, str] = {}
        outer: StackResource | None = resource
        while outer is not None and outer.type != STACK and outer.urn not in path:  # in a broken state, they may circle
            path[outer.urn] = outer.name
            outer = self._by_urn.get(outer.parent or "")
        return [*path.values()][::-1]

    def _omit(self, name: str, omissions: Iterable[Omission]) -> None:
        self._not_carried += [NotCarried(f"{name}, {omission.path}", omission.reason) for omission in omissions]

    def _provider(self, resource: StackResource) -> Provider:
        return self._providers.get(resource.provider or "", _NO_PROVIDER)

    def _referent(self, resource: StackResource) -> Referent:
        values = attributes.to_terraform(resource.outputs, self._types[resource.urn].fields, [])
        named = {"id": resource.outputs.get("id", resource.id), **values}
        texts = {name: value for name, value in named.items() if isinstance(value, str)}
        return Referent(self._addresses[resource.urn], texts)

    def _remade(self, resource: StackResource) -> Block | None:
        """Returns the block of a resource that Terraform can only make, where it is safe to keep and has no secret."""
        if self._types[resource.urn].terraform not in REMADE:
            return None
        block = self._block(resource)
        return None if take_secrets([block])[1] else block

    def _import_id(self, resource: StackResource) -> str:
        type_ = self._types[resource.urn]
        outputs = {name: value for name, value in resource.outputs.items() if value is not None}
        values = attributes.to_terraform({**resource.inputs, **outputs}, type_.fields, [])
        region = resource.inputs.get("region")
        other_region = region if isinstance(region, str) and region != self._provider(resource).region else None
        return import_id(type_.terraform, {**values, "id": resource.outputs.get("id", resource.id)}, other_region)

    def _block(self, resource: StackResource) -> Block:
        type_, address, provider = self._types[resource.urn], self._addresses[resource.urn], self._provider(resource)
        omissions: list[Omission] = []
        autonamed = _autonamed(resource, type_)
        values = attributes.to_terraform(
            attributes.as_aws_answers(resource.inputs, resource.outputs),
            type_.fields,
            omissions,
            lambda field: field.settable and field not in autonamed,
        )
        values.pop("tags_all", None)
        fields = type_.fields.by_terraform
        managed = {name: by for name in values if (by := self._managed_by(resource, type_, fields[name]))}
        omissions += [Omission(name, f"the module has it as {by}") for name, by in managed.items()]
        values = {name: value for name, value in values.items() if name not in managed}
        not_imported = sorted(arguments_not_imported(type_.terraform) & values.keys())
        required = [name for name in not_imported if not type_.fields.by_terraform[name].optional]
        reason = "AWS does not keep it, so an import that brings it is a change; add it afterwards"
        omissions += [Omission(name, reason) for name in not_imported if values[name] and name not in required]
        values = {name: value for name, value in values.items() if name not in not_imported or name in required}
        if (tags := self._tags(resource, values.get("tags"))) is not None:
            values["tags"] = tags
        values = {name: with_json_texts(value, name) for name, value in values.items()}
        values, referred = self._refer(resource, type_, values)
        depends_on = sorted(self._dependencies(resource) - referred)
        lifecycle = self._lifecycle(resource, type_, omissions, required, create_first=bool(autonamed))
        if resource.retain_on_delete:
            reason = "Terraform has no such setting; forget it with a removed block instead"
            omissions.append(Omission("retainOnDelete", reason))
        if resource.timeouts:
            reason = "an import that brings timeouts is a change; add them afterwards"
            omissions.append(Omission("customTimeouts", reason))
        self._omit(address, omissions)
        body = {
            **provider.argument,
            **values,
            **({"depends_on": [Ref(dependency) for dependency in depends_on]} if depends_on else {}),
            **({"lifecycle": Nested((lifecycle,))} if lifecycle else {}),
        }
        comments = tuple(f"Not carried: {path}. {reason[:1].upper()}{reason[1:]}." for path, reason in omissions)
        return Block(("resource", *address.split(".")), body, comments)

    def _managed_by(self, resource: StackResource, type_: ResourceType, field: Field) -> str | None:
        """Returns the resource that manages an argument of another one, such as a bucket's versioning.

        What Pulumi imports has both. Terraform would take away what another resource of that type adds later.
        """
        return self._managers.get((_manager(type_, field), resource.id)) if field.optional and field.computed else None

    def _tags(self, resource: StackResource, declared: Any) -> Any:  # noqa: ANN401 - a mapping, a secret or nothing
        """Returns a resource's tags without those that its provider gives to all.

        A tag that is on the resource alone, because the provider that made it gave it to all, would be taken away.
        """
        told = resource.outputs.get("tagsAll")
        if not isinstance(told, Mapping) or not isinstance(declared, Mapping | None):
            return declared
        defaults = self._provider(resource).default_tags.items()
        tags = {**told, **(declared or {})}
        kept = {key: tag for key, tag in tags.items() if tag is not None and (key, tag) not in defaults}
        return kept if kept or declared else None

    def _refer(
        self, resource: StackResource, type_: ResourceType, values: Mapping[str, Any]
    ) -> tuple[dict[str, Any], set[str]]:
        """Returns values with references where they come from other resources, and those resources' addresses."""
        addresses: set[str] = set()
        replaced = dict(values)
        for name, urns in resource.property_dependencies.items():
            field = type_.fields.by_pulumi.get(name)
            if field is not None and field.terraform in replaced:
                referents = [self._referents[urn] for urn in urns if self._can_refer(urn, resource)]
                replaced[field.terraform], referred = refer(replaced[field.terraform], field.terraform, referents)
                addresses |= referred
        return replaced, addresses

    def _can_refer(self, urn: str, resource: StackResource) -> bool:
        return urn in self._referents and urn != resource.urn

    def _dependencies(self, resource: StackResource) -> set[str]:
        """Returns the addresses of what must be there before a resource, through what is not carried."""
        return {
            address
            for urn in (*resource.dependencies, resource.parent)
            for address in self._addresses_of(urn)
            if address != self._addresses[resource.urn]
        }

    def _addresses_of(self, urn: str | None) -> Collection[str]:
        """Returns the addresses that a dependency on a resource stands for: its own, or those that are behind it."""
        if urn in self._referents:
            return (self._addresses[urn],)
        return self._behind.get(urn or "", ())

    def _lifecycle(
        self,
        resource: StackResource,
        type_: ResourceType,
        omissions: list[Omission],
        not_imported: Iterable[str],
        *,
        create_first: bool,
    ) -> dict[str, Any]:
        """Returns a resource's `lifecycle`, which ignores changes of required arguments that no import brings."""
        paths = [*DEFAULTED.get(type_.terraform, ()), *not_imported]
        for path in resource.ignore_changes:
            translated = attributes.path_to_terraform(path, type_.fields)
            if translated is None:
                omissions.append(Omission(f"ignoreChanges {path}", "the provider's mapping has no such property"))
            else:
                paths.append(translated)
        ignored: Ref | list[Ref] = Ref("all") if "all" in paths else [Ref(path) for path in dict.fromkeys(paths)]
        return {
            **({"create_before_destroy": True} if create_first else {}),
            **({"prevent_destroy": True} if resource.protect else {}),
            **({"ignore_changes": ignored} if paths else {}),
        }

    def _requirements(self) -> Block:
        major = (re.findall(r"\d+", self._mapping.version) or ["7"])[0]
        upstream = re.findall(r"\d+", self._mapping.terraform_version)
        version = ".".join(upstream[:2]) if len(upstream) > 1 else f"{int(major) - 1}.0"
        required = {"aws": {"source": "hashicorp/aws", "version": f"~> {version}"}}
        return Block(("terraform",), {"required_version": ">= 1.5", "required_providers": Nested((required,))})


def _reason(resource: StackResource, mapping: ProviderMapping, version: str) -> str | None:  # noqa: PLR0911 - a return for each reason
    """Returns why a resource is not carried; empty for what is not in AWS, `None` if it is carried.

    Args:
        resource: The resource.
        mapping: The mapping of the installed plugin.
        version: The plugin's version that the stack uses.
    """
    if not resource.custom or resource.view or resource.type.startswith(PROVIDER):
        return ""
    if resource.type.startswith("pulumi:"):
        return "" if resource.type == STACK else "it is Pulumi's own, and nothing in AWS"
    if not resource.type.startswith("aws:"):
        return f"it is not of the provider aws but of {resource.type.partition(':')[0]}"
    if resource.delete:
        return f"it ({resource.id}) is marked for deletion; `pulumi up` deletes it, as long as the stack has it"
    if resource.pending_replacement:
        return "it is deleted and has yet to be made anew; run `pulumi up`, and try again"
    if resource.external:
        return "Pulumi only reads it, so it is not the stack's to hand over"
    if resource.type not in mapping.by_token:
        return (
            f"the installed aws plugin{f' {mapping.version}' if mapping.version else ''} does not know its type; run"
            f" `pulumi plugin install resource aws {version} --reinstall` to get the whole plugin, and try again"
        )
    return None if resource.id else "it has no ID; run `pulumi up`, and try again"


def _manager(type_: ResourceType, field: Field) -> str:
    """Returns the type of resources that may manage a field in the place of its resource.

    Where the schema does not advise it, it has the names of both, such as `aws_sns_topic_policy`.
    """
    return field.replaced_by or f"{type_.terraform}_{field.terraform}"


def _autonamed(resource: StackResource, type_: ResourceType) -> list[Field]:
    """Returns the fields that Pulumi named and Terraform can name as well: a replacement then gets a name of its own.

    Terraform keeps the name that it imports, as the argument is not set. Where it must be set, the name is a literal,
    and what replaces the resource cannot be made before it is destroyed.
    """
    defaults = resource.inputs.get(DEFAULTS)
    named = set(defaults) if isinstance(defaults, list) and all(isinstance(name, str) for name in defaults) else set()
    return [field for field in type_.fields.all if field.autonamed and field.computed and field.pulumi in named]
