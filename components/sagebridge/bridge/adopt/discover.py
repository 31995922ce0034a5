"""Which resources of a Terraform state belong to an endpoint. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.stack.state import reveal
from sagebridge.bridge.terraform.state import Resource, State

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
    """An endpoint with what belongs to it.

    Attributes:
        endpoint: itself.
        configuration: the one that it runs.
        models: those of the configuration's variants.
        scaling: scalable targets of its variants, their policies and scheduled actions, in this order.
        alarms: those whose metrics have the endpoint as a dimension.
    """

    endpoint: Resource
    configuration: Resource
    models: tuple[Resource, ...]
    scaling: tuple[Resource, ...] = ()
    alarms: tuple[Resource, ...] = ()

    @property
    def name(self) -> str:
        """The endpoint's name in AWS."""
        return str(reveal(self.endpoint.attributes["name"]))

    @property
    def all(self) -> tuple[Resource, ...]:
        """All resources, each after what it needs."""
        return (*self.models, self.configuration, self.endpoint, *self.scaling, *self.alarms)


def find(state: State, addresses: Sequence[str] = ()) -> list[Endpoint]:
    """Return the endpoints at some addresses, or all if none is named.

    Raises:
        BridgeError: There is no endpoint there, or what it is made from is not (or not only its own) in the state.
    """
    every = {resource.address: resource for resource in state.resources if resource.type == ENDPOINT}
    has = ", ".join(every) or "none"
    if missing := [address for address in addresses if address not in every]:
        raise BridgeError(f"the Terraform state has no endpoint at {', '.join(missing)} (it has: {has})")
    if not every:
        raise BridgeError("the Terraform state has no aws_sagemaker_endpoint: name the state of the module that has it")
    return [_endpoint(state, every[address]) for address in dict.fromkeys(addresses or every)]


def _endpoint(state: State, endpoint: Resource) -> Endpoint:
    runs = _attribute(endpoint, "endpoint_config_name")
    configuration = _named(state, CONFIGURATION, runs, endpoint)
    models = tuple(dict.fromkeys(_named(state, MODEL, name, configuration).address for name in _models(configuration)))
    found = Endpoint(
        endpoint,
        configuration,
        tuple(resource for address in models for resource in state.resources if resource.address == address),
        tuple(
            resource
            for kind in (TARGET, POLICY, ACTION)
            for resource in state.resources
            if resource.type == kind
            and _same_place(resource, endpoint)
            and str(reveal(resource.attributes.get("resource_id"))).startswith(
                f"endpoint/{_attribute(endpoint, 'name')}/variant/"
            )
        ),
        tuple(
            resource
            for resource in state.resources
            if resource.type == ALARM
            and _same_place(resource, endpoint)
            and _attribute(endpoint, "name") in _watched(reveal(resource.attributes))
        ),
    )
    _refuse_shared(state, found)
    for resource in found.all:
        if resource.tainted or resource.deposed:
            what = "tainted" if resource.tainted else "deposed"
            raise BridgeError(f"{resource.address} is {what}: run `terraform apply` first, until a plan is empty")
    return found


def _named(state: State, kind: str, name: str, user: Resource) -> Resource:
    found = [
        resource
        for resource in state.resources
        if resource.type == kind and reveal(resource.attributes.get("name")) == name and _same_place(resource, user)
    ]
    if not found:
        raise BridgeError(
            f"{user.address} uses the {kind} {name}, which is not in this Terraform state: import it there, or adopt"
            " the endpoint from the state that has all three"
        )
    return found[0]


def _same_place(one: Resource, other: Resource) -> bool:
    """Tell whether two are in the same region and account, as far as a state knows."""
    keys = [":".join(str(reveal(each.attributes.get("arn", ""))).split(":")[3:5:1]) for each in (one, other)]
    regions = [reveal(each.attributes.get("region")) for each in (one, other)]
    return one.provider == other.provider and regions[0] == regions[1] and keys[0] == keys[1]


def _refuse_shared(state: State, found: Endpoint) -> None:
    """A model or configuration that another endpoint uses would have two owners, and the first would delete it."""
    for user, used in chain(
        (
            (other, found.configuration)
            for other in state.resources
            if other.type == ENDPOINT
            and other.address != found.endpoint.address
            and _same_place(other, found.endpoint)
            and reveal(other.attributes.get("endpoint_config_name")) == _attribute(found.configuration, "name")
        ),
        (
            (other, model)
            for other in state.resources
            if other.type == CONFIGURATION
            and other.address != found.configuration.address
            and _same_place(other, found.endpoint)
            for model in found.models
            if _attribute(model, "name") in _models(other)
        ),
    ):
        raise BridgeError(
            f"{used.address} is used by {found.endpoint.address} and by {user.address}: give each its own in Terraform"
            " first, as Pulumi deletes it with its endpoint"
        )


def _models(configuration: Resource) -> list[str]:
    attributes = reveal(configuration.attributes)
    variants = [*_blocks(attributes, "production_variants"), *_blocks(attributes, "shadow_production_variants")]
    return [str(variant.get("model_name")) for variant in variants]


def _watched(alarm: dict[str, Any]) -> set[str]:
    """Return the endpoints whose metrics an alarm looks at."""
    metrics = [metric for query in _blocks(alarm, "metric_query") for metric in _blocks(query, "metric")]
    return {
        name
        for each in (alarm, *metrics)
        if isinstance(dimensions := each.get("dimensions"), dict)
        and isinstance(name := dimensions.get("EndpointName"), str)
    }


def _blocks(attributes: dict[str, Any], name: str) -> list[dict[str, Any]]:
    blocks = attributes.get(name)
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []


def _attribute(resource: Resource, name: str) -> str:
    value = reveal(resource.attributes.get(name))
    if not isinstance(value, str) or not value:
        raise BridgeError(f"{resource.address} has no {name} in the Terraform state: run `terraform apply` first")
    return value
