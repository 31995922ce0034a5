"""Finds the call of `SageMakerEndpoint` that declares an endpoint as Terraform made it.

The call is held against what the component itself would make of it, so that nothing is left out unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sagebridge.bridge.adopt.compare import Difference, Values, arguments, differences
from sagebridge.bridge.adopt.discover import ACTION, ALARM, CONFIGURATION, ENDPOINT, MODEL, POLICY, TARGET, Endpoint
from sagebridge.bridge.secret import Secret, reveal
from sagebridge.bridge.stack.mapping import ProviderMapping, ResourceType
from sagebridge.bridge.terraform.importing import CannotImportError, import_id, is_importable
from sagebridge.bridge.terraform.state import Resource
from sagebridge.endpoint import reverse
from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.errors import UserError

_ROLES: Mapping[str, reverse.Role] = {
    MODEL: "model",
    CONFIGURATION: "configuration",
    ENDPOINT: "endpoint",
    TARGET: "target",
    POLICY: "policy",
    ACTION: "action",
    ALARM: "alarm",
}

_NOT_DECLARABLE = "SageMakerEndpoint cannot declare what Terraform has here"
_EMPTY_BLOCK = (
    "SageMakerEndpoint cannot declare an empty block; take it out of Terraform's configuration, run `terraform apply`, "
    "and try again"
)


@dataclass(frozen=True)
class Declared:
    """A resource that the program declares beside the component, as its child."""

    token: str
    """Pulumi's type."""
    name: str
    """Pulumi's name."""
    arguments: Values
    """The arguments by Python's names."""
    origin: Resource
    """Terraform's resource."""


@dataclass(frozen=True)
class Call:
    """A call of the component."""

    name: str
    """Name of the component."""
    arguments: SageMakerEndpointArgs
    """The arguments, with `Secret` where Terraform's state has a sensitive value."""
    beside: tuple[Declared, ...] = ()
    """The resources that the component has no argument for."""
    imports: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Import IDs by Pulumi's type and name."""
    made: tuple[tuple[str, str], ...] = ()
    """Type and name of what has no import, and is made anew with the values that it has."""
    generations: Mapping[str, str] = field(default_factory=dict)
    """The ID of the configuration's generation, by its name in Pulumi; used if a variant scales."""


def call(endpoint: Endpoint, mapping: ProviderMapping) -> Call:
    """Returns the call that declares an endpoint as Terraform made it.

    Raises:
        UserError: The component cannot declare it so; the message names each attribute.
    """
    terraform = _Terraform(endpoint, mapping)
    args = reverse.arguments(terraform.existing)
    args, not_scaling = _with_scaling(args, terraform)
    args, not_watching = _with_alarms(args, terraform)
    children = terraform.children(args)
    address = endpoint.endpoint.address
    if problems := [*_model_problems(terraform), *_differences(children, terraform)]:
        raise UserError("\n- ".join([f"{address} cannot be adopted as it is:", *problems]))
    if refused := terraform.problems(args):
        raise UserError("\n- ".join([f"{address} cannot be a SageMakerEndpoint:", *refused]))
    beside = tuple(_declared(resource, terraform) for resource in [*not_scaling, *not_watching])
    resources = {
        (terraform.type_of(resource).token, child.name): resource for child, resource in terraform.pairs(children)
    }
    resources |= {(declared.token, declared.name): declared.origin for declared in beside}
    return Call(
        endpoint.name,
        args,
        beside,
        {key: _import_id(resource) for key, resource in resources.items() if is_importable(resource.type)},
        tuple(key for key, resource in resources.items() if not is_importable(resource.type)),
        {reverse.Names(endpoint.name).generation: terraform.existing.generation},
    )


class _Terraform:
    """What Terraform has of an endpoint."""

    def __init__(self, endpoint: Endpoint, mapping: ProviderMapping) -> None:
        self.endpoint = endpoint
        self._mapping = mapping
        self._resources = {_identity(resource): resource for resource in endpoint.all}

    @cached_property
    def existing(self) -> reverse.Existing:
        """The endpoint and what it is made from, in pulumi-aws's arguments."""
        endpoint, configuration = self.endpoint.endpoint, self.endpoint.configuration
        return reverse.Existing(
            endpoint=self.arguments(endpoint),
            configuration=self.arguments(configuration),
            configuration_name=str(reveal(configuration.attributes["name"])),
            models={str(reveal(model.attributes["name"])): self.arguments(model) for model in self.endpoint.models},
            reveal=reveal,
        )

    def type_of(self, resource: Resource) -> ResourceType:
        """Returns the type of a resource as the provider's mapping has it."""
        resource_type = self._mapping.by_terraform.get(resource.type)
        if resource_type is None:
            raise UserError(
                f"the aws provider's mapping has no {resource.type}: install the plugin that the stack uses"
            )
        return resource_type

    def arguments(self, resource: Resource) -> Values:
        """Returns a resource's arguments, by Python's names."""
        return arguments(self.type_of(resource).fields, resource.attributes)

    def children(self, args: SageMakerEndpointArgs) -> list[reverse.Child]:
        """Returns what the component would make of arguments."""
        arns = {
            _identity(policy)[1]: str(reveal(policy.attributes.get("arn")))
            for policy in self.endpoint.scaling
            if policy.type == POLICY
        }
        return reverse.children(self.endpoint.name, reveal(args), self.existing, arns)

    def problems(self, args: SageMakerEndpointArgs) -> list[str]:
        """Returns why the component would refuse arguments."""
        wrong = reverse.problems(self.endpoint.name, args, lambda value: isinstance(value, Secret))
        return [str(problem) for problem in wrong]

    def pairs(self, children: Sequence[reverse.Child]) -> Iterator[tuple[reverse.Child, Resource]]:
        """Lists what the component would make with what Terraform has of it."""
        for child in children:
            if resource := self._resources.get((child.role, child.identity)):
                yield child, resource

    def differences(self, child: reverse.Child, resource: Resource) -> Iterator[Difference]:
        """Finds where a resource is not what the component would make."""
        return differences(self.type_of(resource).fields, reveal(self.arguments(resource)), child.arguments)

    def has(self, children: Sequence[reverse.Child]) -> bool:
        """Tells whether Terraform has exactly what the component would make."""
        pairs = [*self.pairs(children)]
        same = not any(next(self.differences(child, resource), None) for child, resource in pairs)
        return len(pairs) == len(children) and same


def _model_problems(terraform: _Terraform) -> list[str]:
    """Returns which models the component cannot declare, as it has one model that variants share."""
    addresses = {str(reveal(model.attributes["name"])): model.address for model in terraform.endpoint.models}
    return [
        f"{addresses[name]}: several variants run it, as several run another model; SageMakerEndpoint has one model "
        "that variants share"
        for name in terraform.existing.shared_models[1:]
    ]


def _differences(children: Sequence[reverse.Child], terraform: _Terraform) -> list[str]:
    """Returns where Terraform has what the component would not make; scaling and alarms are compared before."""
    problems = [
        f"{resource.address}: {difference.path}: {_EMPTY_BLOCK if difference.empty_block else _NOT_DECLARABLE}"
        for child, resource in terraform.pairs(children)
        if child.group == "endpoint"
        for difference in terraform.differences(child, resource)
    ]
    return [*dict.fromkeys(problems)]


def _with_scaling(args: SageMakerEndpointArgs, terraform: _Terraform) -> tuple[SageMakerEndpointArgs, list[Resource]]:
    """Returns the arguments with the scaling that the component can declare, and the resources of the other."""
    beside = []
    for variant in dict.fromkeys(map(_variant, terraform.endpoint.scaling)):
        scaling = [resource for resource in terraform.endpoint.scaling if _variant(resource) == variant]
        scaled = _scaled(args, variant, scaling, terraform)
        if scaled is None:
            beside += scaling
        else:
            args = scaled
    return args, beside


def _scaled(
    args: SageMakerEndpointArgs, variant: str, scaling: Sequence[Resource], terraform: _Terraform
) -> SageMakerEndpointArgs | None:
    """Returns the arguments with the scaling of a variant, or None if the component cannot declare it."""

    def named(terraform_type: str) -> dict[str, Values]:
        resources = [terraform.arguments(resource) for resource in scaling if resource.type == terraform_type]
        return {str(reveal(resource["name"])): resource for resource in resources}

    targets = [terraform.arguments(resource) for resource in scaling if resource.type == TARGET]
    if len(targets) != 1:
        return None
    autoscaling = reverse.autoscaling(args, targets[0], named(POLICY), named(ACTION), reveal)
    scaled = reverse.with_autoscaling(args, variant, autoscaling)
    if set(terraform.problems(scaled)) - set(terraform.problems(args)):
        return None
    children = [child for child in terraform.children(scaled) if (child.group, child.variant) == ("scaling", variant)]
    whole = {_identity(resource) for resource in scaling} <= {(child.role, child.identity) for child in children}
    return scaled if whole and terraform.has(children) else None


def _with_alarms(args: SageMakerEndpointArgs, terraform: _Terraform) -> tuple[SageMakerEndpointArgs, list[Resource]]:
    """Returns the arguments with the alarms, if they are those that the component can declare, and the other alarms."""
    alarms = {_identity(alarm)[1]: alarm for alarm in terraform.endpoint.alarms}
    alarm_arguments = reverse.alarms(
        reveal(args), {name: terraform.arguments(alarm) for name, alarm in alarms.items()}, reveal
    )
    if alarm_arguments is not None:
        watched: SageMakerEndpointArgs = {**args, "alarms": alarm_arguments}
        refused = set(terraform.problems(watched)) - set(terraform.problems(args))
        if not refused and terraform.has([child for child in terraform.children(watched) if child.group == "alarms"]):
            args = watched
    made = {child.identity for child in terraform.children(args) if child.role == "alarm"}
    return args, [alarm for name, alarm in alarms.items() if name not in made]


def _declared(resource: Resource, terraform: _Terraform) -> Declared:
    """Returns the declaration of a resource beside the component."""
    attributes = reveal(resource.attributes)
    endpoint = terraform.endpoint.name
    name = {
        TARGET: f"{endpoint}-{_variant(resource)}-target",
        POLICY: f"{endpoint}-{_variant(resource)}-{attributes.get('name')}",
        ACTION: f"{endpoint}-{_variant(resource)}-{attributes.get('name')}",
        ALARM: str(attributes.get("alarm_name")),
    }[resource.type]
    arguments = terraform.arguments(resource)
    if resource.type == ALARM and not attributes.get("threshold_metric_id"):
        arguments["threshold"] = attributes.get("threshold")  # it may be 0
    return Declared(terraform.type_of(resource).token, name, arguments, resource)


def _identity(resource: Resource) -> tuple[reverse.Role, str]:
    """Returns what a resource is, and what AWS knows it by, as `reverse.Child` has it."""
    attributes: Mapping[str, Any] = reveal(resource.attributes)
    if resource.type in (POLICY, ACTION):
        return _ROLES[resource.type], f"{attributes['resource_id']}/{attributes['name']}"
    name = {TARGET: "resource_id", ALARM: "alarm_name"}.get(resource.type, "name")
    return _ROLES[resource.type], str(attributes[name])


def _variant(resource: Resource) -> str:
    """Returns the variant that a resource scales."""
    return str(reveal(resource.attributes.get("resource_id", ""))).rpartition("/")[2]


def _import_id(resource: Resource) -> str:
    """Returns the ID that the provider imports a resource by."""
    try:
        return import_id(resource.type, reveal(resource.attributes))
    except CannotImportError as error:
        raise UserError(f"{resource.address} cannot be adopted: {error}") from error
