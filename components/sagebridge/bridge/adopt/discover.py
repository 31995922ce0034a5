"""Finds the resources of a Terraform state that belong to an endpoint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.utils import ArnParser

from sagebridge.bridge.secret import reveal
from sagebridge.bridge.terraform.state import Resource, State
from sagebridge.errors import UserError

MODEL, CONFIGURATION, ENDPOINT = (
    "aws_sagemaker_model",
    "aws_sagemaker_endpoint_configuration",
    "aws_sagemaker_endpoint",
)
TARGET, POLICY, ACTION = (
    "aws_appautoscaling_target",
    "aws_appautoscaling_policy",
    "aws_appautoscaling_scheduled_action",
)
ALARM = "aws_cloudwatch_metric_alarm"
TYPES = (MODEL, CONFIGURATION, ENDPOINT, TARGET, POLICY, ACTION, ALARM)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint with what belongs to it."""

    endpoint: Resource
    """The endpoint itself."""
    configuration: Resource
    """The configuration that it runs."""
    models: tuple[Resource, ...]
    """The models of the configuration's variants."""
    scaling: tuple[Resource, ...] = ()
    """The scalable targets of its variants, their policies and scheduled actions, in this order."""
    alarms: tuple[Resource, ...] = ()
    """The alarms whose metrics have the endpoint as a dimension."""

    @property
    def name(self) -> str:
        """The endpoint's name in AWS."""
        return str(reveal(self.endpoint.attributes["name"]))

    @property
    def all(self) -> tuple[Resource, ...]:
        """All resources, each after what it needs."""
        return (*self.models, self.configuration, self.endpoint, *self.scaling, *self.alarms)


def find_endpoints(state: State, addresses: Sequence[str] = ()) -> list[Endpoint]:
    """Returns the endpoints of a state.

    Args:
        state: The state.
        addresses: The endpoints' addresses; all endpoints if none is named.

    Raises:
        UserError: There is no endpoint at an address, or what it is made of is missing, tainted or another endpoint's
            as well.
    """
    endpoints = {resource.address: resource for resource in state.resources if resource.type == ENDPOINT}
    if missing := [address for address in addresses if address not in endpoints]:
        raise UserError(
            f"the Terraform state has no endpoint at {', '.join(missing)} (it has: {', '.join(endpoints) or 'none'})"
        )
    if not endpoints:
        raise UserError("the Terraform state has no aws_sagemaker_endpoint: name the state of the module that has it")
    return [_endpoint(state, endpoints[address]) for address in dict.fromkeys(addresses or endpoints)]


def _endpoint(state: State, endpoint: Resource) -> Endpoint:
    name = _attribute(endpoint, "name")
    configuration = _used(state, CONFIGURATION, _attribute(endpoint, "endpoint_config_name"), endpoint)
    models = dict.fromkeys(_used(state, MODEL, model, configuration).address for model in _model_names(configuration))
    neighbours = [resource for resource in state.resources if _same_place(resource, endpoint)]
    complete = Endpoint(
        endpoint,
        configuration,
        tuple(resource for address in models for resource in state.resources if resource.address == address),
        tuple(
            resource
            for scaling_type in (TARGET, POLICY, ACTION)
            for resource in neighbours
            if resource.type == scaling_type and _scales(resource, name)
        ),
        tuple(
            resource
            for resource in neighbours
            if resource.type == ALARM and name in _watched_endpoints(reveal(resource.attributes))
        ),
    )
    for user, used in _shared(state, complete):
        raise UserError(
            f"{used.address} is used by {endpoint.address} and by {user.address}: give each its own in Terraform first,"
            " as Pulumi deletes it with its endpoint"
        )
    for resource in complete.all:
        if resource.tainted or resource.deposed:
            condition = "tainted" if resource.tainted else "deposed"
            raise UserError(f"{resource.address} is {condition}: run `terraform apply` first, until a plan is empty")
    return complete


def _used(state: State, terraform_type: str, name: str, user: Resource) -> Resource:
    """Returns the resource of a type and name that another resource uses."""
    for resource in state.resources:
        named = resource.type == terraform_type and reveal(resource.attributes.get("name")) == name
        if named and _same_place(resource, user):
            return resource
    raise UserError(
        f"{user.address} uses the {terraform_type} {name}, which is not in this Terraform state: import it there, or"
        " adopt the endpoint from the state that has all three"
    )


def _same_place(resource: Resource, other: Resource) -> bool:
    """Tells whether two resources are in the same region and account, as far as a state says."""
    return _place(resource) == _place(other)


def _place(resource: Resource) -> tuple[str, str, str]:
    return resource.provider, region_of(resource), _arn_parts(resource).get("account", "")


def region_of(resource: Resource) -> str:
    """Returns the region of a resource; a state of the AWS provider 5 has it in the ARN only."""
    return str(reveal(resource.attributes.get("region")) or _arn_parts(resource).get("region", ""))


def _arn_parts(resource: Resource) -> dict[str, str]:
    arn = reveal(resource.attributes.get("arn"))
    return ArnParser().parse_arn(arn) if ArnParser.is_arn(arn) else {}


def _scales(resource: Resource, endpoint: str) -> bool:
    return str(reveal(resource.attributes.get("resource_id"))).startswith(f"endpoint/{endpoint}/variant/")


def _shared(state: State, endpoint: Endpoint) -> Iterator[tuple[Resource, Resource]]:
    """Yields each resource that uses the endpoint's configuration or one of its models as well, with what it uses.

    That would have two owners, and the first one would delete it.
    """
    configuration = endpoint.configuration
    for resource in state.resources:
        if not _same_place(resource, endpoint.endpoint):
            continue
        if resource.type == ENDPOINT and resource.address != endpoint.endpoint.address:
            runs = reveal(resource.attributes.get("endpoint_config_name"))
            if runs == _attribute(configuration, "name"):
                yield resource, configuration
        if resource.type == CONFIGURATION and resource.address != configuration.address:
            names = _model_names(resource)
            yield from ((resource, model) for model in endpoint.models if _attribute(model, "name") in names)


def _model_names(configuration: Resource) -> list[str]:
    attributes = reveal(configuration.attributes)
    variants = [*_blocks(attributes, "production_variants"), *_blocks(attributes, "shadow_production_variants")]
    return [str(variant.get("model_name")) for variant in variants]


def _watched_endpoints(alarm: dict[str, Any]) -> set[str]:
    """Returns the endpoints whose metrics an alarm watches."""
    metrics = [metric for query in _blocks(alarm, "metric_query") for metric in _blocks(query, "metric")]
    dimensions = [metric.get("dimensions") for metric in (alarm, *metrics)]
    names = [values.get("EndpointName") for values in dimensions if isinstance(values, dict)]
    return {name for name in names if isinstance(name, str)}


def _blocks(attributes: dict[str, Any], name: str) -> list[dict[str, Any]]:
    blocks = attributes.get(name)
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []


def _attribute(resource: Resource, name: str) -> str:
    value = reveal(resource.attributes.get(name))
    if not isinstance(value, str) or not value:
        raise UserError(f"{resource.address} has no {name} in the Terraform state: run `terraform apply` first")
    return value
