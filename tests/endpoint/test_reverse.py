"""Property-based: what the component makes of arguments leads back to arguments of which it makes the same."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sagebridge.endpoint import reverse
from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.parts import MODEL_FIELDS
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import tables
from sagebridge.endpoint.spec import parse
from tests.endpoint.endpoints import args as endpoint_args
from tests.endpoint.test_completeness import Place, candidates, places
from tests.endpoint.test_endpoint_any import good, structure
from tests.properties import examples

ARN = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1"
NOT_IN_AWS = ("allow_replacement", "dashboard", "framework", "framework_version", "import_endpoint")
"""Fields that say how the component works, or what it finds out before: AWS does not show them."""
SCALING: dict[str, dict[str, Any]] = {
    "real-time": {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70, "scale_in_cooldown": 60},
    "serverless": {"min_capacity": 1, "max_capacity": 2, "provisioned_concurrency_utilization": 0.5},
    "async": {"min_capacity": 0, "max_capacity": 4, "backlog_per_instance": 5, "disable_scale_in": True},
}
PLACES = [place for place in places() if place.levels[-1][1] not in NOT_IN_AWS]
NIGHT = {"schedules": {"night": {"schedule": "rate(1 day)", "max_capacity": 2}}}


def names(args: SageMakerEndpointArgs) -> reverse.Existing:
    """Returns an endpoint of which only the names in AWS are known."""
    declared = parse(args)

    def variants(some: Any) -> list[dict[str, str]]:
        return [{"variant_name": variant.name, "model_name": f"m-{variant.model.variant}"} for variant in some]

    configuration = {
        "production_variants": variants(declared.production_variants),
        "shadow_production_variants": variants(declared.shadow_variants),
    }
    return reverse.Existing({}, configuration, "c", {})


def made(args: SageMakerEndpointArgs, existing: reverse.Existing) -> list[reverse.Child]:
    arns = {f"endpoint/e/variant/{variant}/scale-out-from-zero": ARN for variant in existing.model_names}
    return reverse.children("e", args, existing, arns)


def turned_back(children: list[reverse.Child]) -> SageMakerEndpointArgs:
    """Returns the arguments that declare what was made."""

    def of(role: str, variant: str = "", group: str = "") -> dict[str, reverse.Arguments]:
        some = [child for child in children if child.role == role and variant == child.variant]
        return {child.identity: child.arguments for child in some if group in ("", child.group)}

    (endpoint,), ((name, configuration),) = of("endpoint").values(), of("configuration").items()
    args = reverse.arguments(reverse.Existing(endpoint, configuration, name, of("model")))
    for variant in dict.fromkeys(child.variant for child in children if child.group == "scaling"):
        (target,), short = of("target", variant).values(), f"endpoint/e/variant/{variant}/"
        policies, actions = (
            {identity.removeprefix(short): found for identity, found in of(role, variant).items()}
            for role in ("policy", "action")
        )
        args = reverse.with_autoscaling(args, variant, reverse.autoscaling(args, target, policies, actions))
    alarms = {child.identity: child.arguments for child in children if child.role == "alarm"}
    watching = reverse.alarms(args, alarms)
    return args if watching is None else {**args, "alarms": watching}


def in_aws(children: list[reverse.Child]) -> Mapping[tuple[str, str], reverse.Arguments]:
    return {(child.role, child.identity): child.arguments for child in children}


def holds(args: SageMakerEndpointArgs) -> None:
    existing = names(args)
    children = made(args, existing)
    back = turned_back(children)
    assert validate("e", back) == []
    assert in_aws(made(back, existing)) == in_aws(children)
    assert turned_back(made(back, existing)) == back


@given(
    args=structure("SageMakerEndpointArgs", good), scales=st.booleans(), scheduled=st.booleans(), watched=st.booleans()
)
@settings(examples(150), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_there_and_back_again(args: Any, *, scales: bool, scheduled: bool, watched: bool) -> None:
    args |= {"endpoint_name": "e", **({"alarms": args.get("alarms", {})} if watched else {})}
    assume(not validate("e", args))
    args = without_unused_model(args)
    declared = parse(args)
    scaling = SCALING[declared.kind] | (NIGHT if scheduled else {})
    scaled: Any = reverse.with_autoscaling(args, declared.production_variants[0].name, scaling)  # type: ignore[arg-type]
    holds(scaled if scales and not validate("e", scaled) else args)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
def test_every_field_comes_back(place: Place) -> None:
    structure_, field = place.levels[-1]
    args: Any = [
        place.args(value) | ({} if field == "endpoint_name" else {"endpoint_name": "e"})
        for value in candidates(field, tables()[structure_][field])
    ]
    valid = [each for each in args if not validate("e", each)]
    assert valid
    for each in valid:
        holds(without_unused_model(each))


def without_unused_model(args: Any) -> Any:
    """Returns arguments without the endpoint's own model if every variant has one of its own."""
    declared = parse(args)
    if any(variant.model.variant is None for variant in declared.variants):
        return args
    return {field: value for field, value in args.items() if field not in MODEL_FIELDS}


def test_the_simplest_arguments_come_back_as_they_were() -> None:
    args = endpoint_args(endpoint_name="e", instance_type="ml.m5.large", initial_instance_count=2)
    assert turned_back(made(args, names(args))) == args
