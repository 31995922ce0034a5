"""Mocks: outputs are checked once they are known, and hold nothing else back in a preview."""

import asyncio
from typing import Any

import pulumi
import pytest

from sagebridge.endpoint import outputs as late
from tests.mocks import Monitor

UNKNOWN = object()


def output(value: object) -> pulumi.Output[Any]:
    known = asyncio.Future[bool]()
    known.set_result(value is not UNKNOWN)
    future = asyncio.Future[Any]()
    future.set_result(None if value is UNKNOWN else value)
    deps = asyncio.Future[set[pulumi.Resource]]()
    deps.set_result(set())
    return pulumi.Output(deps, future, known)


def now(value: pulumi.Output[Any]) -> Any:
    """Returns a value, None if it is not known."""
    return asyncio.get_event_loop().run_until_complete(value.future())


@pytest.fixture(params=[False, True])
def preview(monitor: Monitor, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> bool:
    assert monitor
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: request.param)
    return bool(request.param)


def checked(a: Any, *listed: Any) -> Any:
    """Holds back ``a`` and what is deeper down."""
    return late.checked({"a": a, "in": {"list": list(listed)}}, refuse)


def refuse(args: Any) -> None:
    """Refuses a sum of more than 10, of what is known."""
    if sum(value for value in [args["a"], *args["in"]["list"]] if isinstance(value, int)) > 10:
        raise pulumi.RunError("too much")


@pytest.mark.usefixtures("preview")
def test_what_is_right_passes_at_any_depth() -> None:
    held = checked(output(1), 2, output(3))
    assert now(held["a"]) == 1
    assert held["in"]["list"][0] == 2
    assert now(held["in"]["list"][1]) == 3


@pytest.mark.usefixtures("preview")
def test_one_that_is_wrong_with_what_is_plain_is_refused() -> None:
    held = checked(output(9), 2)
    with pytest.raises(pulumi.RunError, match="too much"):
        now(held["a"])


def test_outputs_that_are_wrong_together_are_refused_in_the_update(preview: bool) -> None:  # noqa: FBT001 - a fixture
    held = checked(output(9), output(2))
    if preview:
        assert now(held["a"]) == 9
    else:
        with pytest.raises(pulumi.RunError, match="too much"):
            now(held["a"])


def test_one_that_is_not_known_yet_makes_no_other_unknown_in_a_preview(preview: bool) -> None:  # noqa: FBT001
    held = checked(output(9), output(UNKNOWN))
    assert now(held["a"]) == (9 if preview else None)


def test_plain_arguments_stay_what_they_are() -> None:
    args = {"a": 1, "in": {"list": [2]}}
    assert late.checked(args, refuse) is args


@pytest.mark.usefixtures("preview")
def test_a_secret_makes_no_other_value_one() -> None:
    secret = pulumi.Output.secret(1)
    held = checked(secret, output(2))
    loop = asyncio.get_event_loop()
    assert loop.run_until_complete(held["a"].is_secret())
    assert not loop.run_until_complete(held["in"]["list"][0].is_secret())
