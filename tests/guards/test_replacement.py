"""Pure and mocks: changes that would be an outage are refused before any resource is touched."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from sagebridge import SageMakerEndpoint, _sdk
from sagebridge.endpoint.spec import parse
from sagebridge.guards import replacement
from sagebridge.guards.replacement import Recorded, refused
from sagebridge.guards.replacement import recorded as recorded_of
from tests.endpoint.endpoints import COMPONENT, args
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
SCALING = {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 100}
BEFORE = {"endpointName": "boston"}


def recorded(args: Any, region: Any = None) -> Recorded:
    return recorded_of(parse(args), region)


def change(old: dict[str, Any], new: dict[str, Any], *, allowed: bool = False) -> list[str]:
    found = refused(recorded(args(**old)), recorded(args(**new)), BEFORE, allowed=allowed)
    return [problem.property for problem in found]


def named(*names: str) -> dict[str, Any]:
    return {"production_variants": [{"variant_name": name} for name in names]}


@pytest.mark.parametrize(
    ("old", "new", "properties"),
    [
        ({}, {}, []),
        ({}, {"instance_type": "ml.m5.large"}, []),
        ({}, {"endpoint_name": "boston"}, []),
        ({"endpoint_name": "boston"}, {}, []),  # Pulumi keeps the name
        ({}, {"endpoint_name": "housing"}, ["endpoint_name"]),
        (
            {},
            {"deployment_config": {"auto_rollback_alarms": ["a"]}},
            ["deployment_config.auto_rollback_alarms"],
        ),
        (
            {"deployment_config": {"auto_rollback_alarms": ["a"]}},
            {"deployment_config": {}},
            ["deployment_config.auto_rollback_alarms"],
        ),
        (
            {"deployment_config": {"auto_rollback_alarms": ["a"]}},
            {"deployment_config": {"auto_rollback_alarms": ["a", "b"]}},
            [],
        ),
        ({}, {"serverless_config": {}}, ["serverless_config"]),
        ({"serverless_config": {}}, {}, []),
        (named("a"), named("b"), []),
        (named("a"), {**named("b"), "deployment_config": {}}, ["production_variants"]),
        (named("a"), {**named("a"), "deployment_config": {}}, []),
        ({"autoscaling": SCALING}, {"instance_type": "ml.m5.large"}, ["autoscaling"]),
        ({"autoscaling": SCALING}, {"instance_type": "ml.m5.large", "autoscaling": SCALING}, []),
        ({"autoscaling": SCALING}, {}, []),
        ({"autoscaling": SCALING}, named("other"), ["production_variants"]),
    ],
)
def test_what_a_change_would_do(old: dict[str, Any], new: dict[str, Any], properties: list[str]) -> None:
    assert change(old, new) == properties


def test_alarms_of_an_import_come_with_the_update_after_it() -> None:
    alarms = {"deployment_config": {"auto_rollback_alarms": ["a"]}}
    assert change({**alarms, "import_endpoint": "boston"}, alarms) == ["deployment_config.auto_rollback_alarms"]


def test_a_region_stays_even_if_a_replacement_is_allowed() -> None:
    """The provider would not replace: it would make the next configuration where the endpoint is not."""
    for allowed in (False, True):
        moved = refused(recorded(args(), "us-east-1"), recorded(args(), "eu-west-1"), BEFORE, allowed=allowed)
        assert [str(problem).split(".", maxsplit=1)[0] for problem in moved] == [
            "region cannot change from 'us-east-1' to 'eu-west-1'"
        ]
    unknown: Any = pulumi.UNKNOWN
    for before, after in ((None, "us-east-1"), ("us-east-1", None), ("us-east-1", unknown)):
        assert refused(recorded(args(), before), recorded(args(), after), BEFORE, allowed=False) == []


def test_a_replacement_may_be_allowed() -> None:
    assert change({}, {"endpoint_name": "housing"}, allowed=True) == []
    assert change({}, {"serverless_config": {}}, allowed=True) == ["serverless_config"]  # that does not replace it
    assert change({}, {"serverless_config": {}, "endpoint_name": "housing"}, allowed=True) == []


def test_the_state_of_earlier_versions_records_nothing_and_stops_nothing() -> None:
    assert refused({}, recorded(args(serverless_config={})), BEFORE, allowed=False) == []


def test_what_a_preview_does_not_know_stops_nothing() -> None:
    unknown: Any = {**recorded(args()), "endpointName": pulumi.UNKNOWN, "variants": {"AllTraffic": pulumi.UNKNOWN}}
    assert refused(recorded(args(autoscaling=SCALING)), unknown, BEFORE, allowed=False) == []


@pytest.mark.parametrize("allowed", [False, True])
def test_the_components_hook_refuses_by_name(run: Run, allowed: bool) -> None:  # noqa: FBT001 - a case
    seen = run(lambda: SageMakerEndpoint("endpoint", args(endpoint_name="housing", allow_replacement=allowed)))
    component = seen.of_type(COMPONENT)
    name = "sagebridge-replacement" + ("-allowed" if allowed else "")
    assert component.hooks == [name]
    given = {"urn": "u", "id": "", "name": "endpoint", "type": COMPONENT, "old_outputs": BEFORE}
    hook = pulumi.ResourceHookArgs(**given, old_inputs={}, new_inputs=component.inputs)  # type: ignore[arg-type]
    hooks: Any = _sdk.once(replacement.hooks, allowed).before_update
    (check,) = hooks
    loop = asyncio.get_event_loop()
    if allowed:
        loop.run_until_complete(check(hook))
    else:
        with pytest.raises(pulumi.RunError, match="endpoint_name cannot change from 'boston' to 'housing'"):
            loop.run_until_complete(check(hook))


def test_a_change_of_secrets_is_refused_without_showing_them(run: Run) -> None:
    """The engine hands to a hook, as an output, each property that holds a secret."""
    run(lambda: SageMakerEndpoint("endpoint", args()))
    hooks: Any = _sdk.once(replacement.hooks, False).before_update  # noqa: FBT003 - `once` takes no keywords
    (check,) = hooks

    async def refuse() -> None:
        old: Any = {"variants": pulumi.Output.secret({"AllTraffic": "ml.m5.large"}), "scaled": ["AllTraffic"]}
        new: Any = {
            "endpointName": pulumi.Output.secret("hunter2"),
            "rollback": False,
            "variants": pulumi.Output.secret({"AllTraffic": "ml.m5.xlarge", "Other": pulumi.UNKNOWN}),
        }
        outputs: Any = {"endpointName": pulumi.Output.secret("hunter1")}
        hook = pulumi.ResourceHookArgs("u", "", "endpoint", COMPONENT, new, old, None, outputs)
        await check(hook)

    with pytest.raises(pulumi.RunError, match=r"endpoint_name cannot change from \[secret\] to \[secret\]"):
        asyncio.get_event_loop().run_until_complete(refuse())
