"""Pure: how AWS is asked about endpoints, and what its answers mean."""

import asyncio
from asyncio import run
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError

from sagebridge import _aws
from sagebridge.guards.lookup import Listed, alarms, describe_endpoint, find_endpoint, is_deleting, unscaled_variants
from sagebridge.local import control
from tests.guards.answers import endpoint


class Scaling:
    """Stands for Application Auto Scaling, where one variant scales."""

    def describe_scalable_targets(self, *, ServiceNamespace: str, ResourceIds: list[str]) -> Any:  # noqa: N803
        assert ServiceNamespace == "sagemaker"
        return {"ScalableTargets": [{"ResourceId": name} for name in ResourceIds if name.endswith("/stays")]}


class Refusing:
    """Stands for an AWS that refuses every call."""

    def __init__(self, message: str = "User is not authorized") -> None:
        self._error = ClientError({"Error": {"Message": message, "Code": "x"}}, "x")

    def refuse(self, **_: object) -> Any:
        raise self._error

    describe_endpoint = list_endpoints = describe_scalable_targets = refuse


class Describing:
    """Stands for a SageMaker with one endpoint."""

    def __init__(self, status: str) -> None:
        self._status = status

    def describe_endpoint(self, **_: object) -> Any:
        return endpoint(EndpointStatus=self._status)


def test_the_variants_that_do_not_scale_any_more_are_found() -> None:
    scaling: Any = Scaling()
    assert run(unscaled_variants(scaling, "boston", ["stays"])) == set()
    assert run(unscaled_variants(scaling, "boston", ["stays", "gone"])) == {"gone"}


def test_a_look_that_fails_does_not_hide_why_an_update_failed() -> None:
    refusing: Any = Refusing()
    assert run(unscaled_variants(refusing, "boston", ["stays"])) == set()


def test_an_endpoint_that_is_being_deleted_counts_as_gone() -> None:
    serving: Any = Describing("InService")
    going: Any = Describing("Deleting")
    assert run(describe_endpoint(serving, "boston")) == endpoint()
    assert run(describe_endpoint(going, "boston")) is None
    described = [run(find_endpoint(client, "boston")) for client in (serving, going)]
    assert [endpoint and is_deleting(endpoint) for endpoint in described] == [False, True]


def test_only_the_error_that_says_so_means_that_there_is_none() -> None:
    absent: Any = Refusing("Could not find endpoint")
    refusing: Any = Refusing()
    assert run(describe_endpoint(absent, "boston")) is None
    assert run(find_endpoint(absent, "boston")) is None
    with pytest.raises(ClientError, match="not authorized"):
        run(describe_endpoint(refusing, "boston"))


class Listing:
    """Stands for a SageMaker that lists endpoints."""

    def __init__(self, **answer: Any) -> None:
        self._answer = answer
        self.calls = 0

    def list_endpoints(self, **_: object) -> Any:
        self.calls += 1
        return self._answer


async def may_have(client: Any, *names: str) -> list[bool]:
    listed = Listed()
    return await asyncio.gather(*(listed.may_have(client, name) for name in names))


def test_the_endpoints_of_a_fleet_are_listed_in_one_call() -> None:
    sagemaker = Listing(Endpoints=[{"EndpointName": "boston"}])
    assert run(may_have(sagemaker, "boston", "new", "newer")) == [True, False, False]
    assert sagemaker.calls == 1


def test_a_list_that_is_not_whole_or_not_allowed_rules_nothing_out() -> None:
    assert run(may_have(Listing(Endpoints=[], NextToken="more"), "boston")) == [True]
    assert run(may_have(Refusing(), "boston")) == [True]


class CloudWatch:
    """Stands for CloudWatch, which may answer with alarms in any state."""

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> Any:  # noqa: N803
        states = {"loud": "ALARM", "both": "ALARM", "quiet": "OK", "new": "INSUFFICIENT_DATA"}
        alarms = [
            {"AlarmName": name, "StateValue": states[name], "StateReason": f"{name} is."}
            for name in AlarmNames
            if name in states
        ]
        assert set(AlarmTypes) == {"MetricAlarm", "CompositeAlarm"}  # without it, AWS leaves composite alarms out
        return {"MetricAlarms": alarms[1:], "CompositeAlarms": alarms[:1]}


def test_alarms_are_seen_metric_or_composite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_aws, "cloudwatch_client", lambda _: CloudWatch())
    states = {"both": "ALARM", "loud": "ALARM", "new": "INSUFFICIENT_DATA", "quiet": "OK"}
    names = [*states, "not there yet"]
    assert run(alarms({}, names)) == {name: (state, f"{name} is.") for name, state in states.items()}
    assert run(alarms({}, [])) == {}


@pytest.mark.server
def test_a_throttled_aws_slows_a_look_up_down_and_does_not_fail_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default, botocore gives up a call that AWS has throttled five times."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))  # it waits longer each time
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running, _ = control.start(tmp_path)
    try:
        control.fault(tmp_path, "throttle", operation="DescribeEndpoint", times=6)
        place: Any = {"endpoints": [{"sagemaker": running.url}], "region": "us-east-1"}
        client = _aws.sagemaker_client({**place, "access_key": "local", "secret_key": "local"})

        assert run(describe_endpoint(client, "boston")) is None
        assert control.faults(tmp_path) == []
    finally:
        control.reset(tmp_path)
