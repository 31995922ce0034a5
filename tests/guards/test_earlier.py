"""Pure: what the state had of a component; the engine ring shows it with auto-named endpoints."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from sagebridge import _sdk
from sagebridge.guards.earlier import EarlierOutputs
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
BEFORE = {"endpointName": "boston-1"}


def earlier_of(run: Run, changed: dict[str, Any] | None = None) -> Any:
    """Returns what a component had, whose inputs change if `changed` has the outputs that the hook gets."""
    seen: list[Any] = []

    def program() -> None:
        component = pulumi.ComponentResource("a:b:C", "c")
        earlier = EarlierOutputs()

        async def ask() -> None:
            if changed is not None:
                urn = str(await component.urn.future())
                await earlier.keep(pulumi.ResourceHookArgs(urn, "", "c", "a:b:C", old_outputs=changed))
            seen.append(await earlier.of(component))

        asked: pulumi.Output[None] = pulumi.Output.from_input(ask())
        pulumi.export("asked", asked)

    run(program)
    return seen[0]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def outputs(_: pulumi.Resource) -> dict[str, str]:
        await asyncio.sleep(0)
        return BEFORE

    monkeypatch.setattr(_sdk, "runs_on_engine", lambda: True)
    monkeypatch.setattr(_sdk, "engine_outputs", outputs)


@pytest.mark.usefixtures("engine")
def test_the_engine_tells_what_a_component_had_and_a_hook_where_its_inputs_change(run: Run) -> None:
    assert earlier_of(run) == BEFORE
    assert earlier_of(run, {"endpointName": "boston-2"}) == {"endpointName": "boston-2"}


@pytest.mark.usefixtures("engine")
def test_what_holds_a_secret_is_a_value(run: Run) -> None:
    async def hidden() -> dict[str, Any]:
        return {"endpointName": pulumi.Output.secret("boston-3")}

    changed = asyncio.get_event_loop().run_until_complete(hidden())
    assert earlier_of(run, changed) == {"endpointName": "boston-3"}


def test_a_unit_test_has_no_state(run: Run) -> None:
    assert earlier_of(run) == {}


@pytest.mark.usefixtures("engine")
def test_the_engine_has_answered_once_before_the_endpoints_have_hooks(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question that comes first takes one of the engine's operations, which hooks may have all of."""
    asked: list[str] = []

    async def outputs(resource: pulumi.Resource) -> dict[str, str]:
        asked.append(resource.pulumi_resource_name)
        return {}

    monkeypatch.setattr(_sdk, "engine_outputs", outputs)
    after: list[Any] = []

    def program() -> None:
        earlier = EarlierOutputs()
        components = [pulumi.ComponentResource("a:b:C", name) for name in ("one", "two")]
        for component in components:
            ready = earlier.after_first_answer(component, [component])
            ready.apply(lambda resources: after.append((list(asked), resources)))

    run(program)
    assert len(asked) == 1
    assert [(before, len(resources)) for before, resources in after] == [(asked, 1), (asked, 1)]
