"""Says what the component would make of arguments that declare an endpoint as there is one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sagebridge.endpoint import names, resources, spec
from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.names import Names
from sagebridge.endpoint.reverse.existing import Arguments, Existing
from sagebridge.guards.lookup import GENERATION_TAG
from sagebridge.monitoring import alarms as monitoring
from sagebridge.scaling import autoscaling as scaling

Role = Literal["model", "configuration", "endpoint", "target", "policy", "action", "alarm"]
Group = Literal["endpoint", "scaling", "alarms"]
"""What a child belongs to: what every endpoint has, a variant's scaling, or the alarms that watch."""


@dataclass(frozen=True)
class Child:
    """A resource that the component would make."""

    role: Role
    group: Group
    variant: str
    """Name of the variant that it scales or watches, or else empty."""
    name: str
    """Its name in Pulumi."""
    identity: str
    """What AWS knows it by."""
    arguments: Arguments


def children(
    component: str, args: SageMakerEndpointArgs, existing: Existing, policy_arns: Mapping[str, str]
) -> list[Child]:
    """Returns what the component would make of arguments that declare an endpoint as there is one.

    Args:
        component: Name of the component.
        args: The arguments, without secrets.
        existing: What there is; it has the names that AWS or Pulumi made up.
        policy_arns: The ARNs of the policies that there are, by their identity.
    """
    declared, endpoint_name = spec.parse(args), str(args["endpoint_name"])
    runs, of_component = existing.model_names, Names(component)
    model_names = {variant.model.variant: runs[variant.name] for variant in declared.variants}
    tags = {**(declared.tags or {})}
    if declared.scaled and existing.generation_tag:
        tags[GENERATION_TAG] = existing.generation_tag
    configuration = {**resources.configuration(declared, model_names, {}), "tags": tags}
    endpoint = {
        "name": endpoint_name,
        "endpoint_config_name": existing.configuration_name,
        "deployment_config": None if declared.rollout is None else resources.deployment(declared.rollout),
        "tags": declared.tags,
    }
    made: Mapping[tuple[Role, str, str], object] = {
        **{
            ("model", of_component.model(model.variant), model_names[model.variant]): resources.model(declared, model)
            for model in declared.models
        },
        ("configuration", of_component.configuration, existing.configuration_name): configuration,
        ("endpoint", component, endpoint_name): endpoint,
    }
    return [
        *(
            Child(role, "endpoint", "", name, identity, _set(made_of))
            for (role, name, identity), made_of in made.items()
        ),
        *_scaling(of_component, declared, endpoint_name, policy_arns),
        *_alarms(of_component, declared, endpoint_name),
    ]


def _scaling(
    of_component: Names, declared: spec.Endpoint, endpoint_name: str, policy_arns: Mapping[str, str]
) -> Iterator[Child]:
    """Lists what scales the variants."""

    def child(role: Role, name: str, identity: str, arguments: object) -> Child:
        return Child(role, "scaling", variant.name, name, identity, _set(arguments))

    for variant, scaled in declared.scaled:
        resource_id = str(names.scalable_resource(endpoint_name, variant.name))
        target = scaling.scalable_target(declared, variant, scaled, endpoint_name)
        yield child("target", of_component.target(variant.name), resource_id, target)
        for what, policy in scaling.policies(declared.kind, scaled, endpoint_name, resource_id).items():
            name, identity = of_component.on_target(variant.name, what), f"{resource_id}/{what}"
            yield child("policy", name, identity, policy)
            if what == scaling.FROM_ZERO:
                alarm = scaling.from_zero_alarm(declared, variant, endpoint_name, policy_arns.get(identity, ""))
                yield child("alarm", name, str(names.alarm_in_aws(endpoint_name, variant.name, what)), alarm)
        for what, action in scaling.scheduled_actions(declared.kind, scaled, resource_id).items():
            yield child("action", of_component.on_target(variant.name, what), f"{resource_id}/{what}", action)


def _alarms(of_component: Names, declared: spec.Endpoint, endpoint_name: str) -> Iterator[Child]:
    """Lists what watches the variants."""
    if declared.alarms is None:
        return
    for variant in declared.production_variants:
        watching = monitoring.alarms(declared.kind, declared.alarms, endpoint_name, variant.name, declared.tags)
        for what, alarm in watching.items():
            name, identity = (
                of_component.alarm(variant.name, what),
                names.alarm_in_aws(endpoint_name, variant.name, what),
            )
            yield Child("alarm", "alarms", variant.name, name, str(identity), _set(alarm))


def _set(value: object) -> Arguments:
    """Returns arguments of pulumi-aws, be they of its classes or dictionaries, without those that are not set."""
    arguments = _unclassed(value)
    return arguments if isinstance(arguments, dict) else {}


def _unclassed(value: object) -> object:
    if type(value).__module__.startswith("pulumi_aws."):
        value = vars(value)
    if isinstance(value, Mapping):
        inner = {key: _unclassed(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", [], {})}
    return [_unclassed(item) for item in value] if isinstance(value, list | tuple) else value
