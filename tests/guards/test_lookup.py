"""Pure: how AWS is asked about endpoints, and what its answers mean."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge import _aws
from sagebridge.guards.lookup import alarm_states, describe_endpoint, find_endpoint, is_deleting, unscaled_variants
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

    describe_endpoint = describe_scalable_targets = describe_alarms = refuse


class Describing:
    """Stands for a SageMaker with one endpoint."""

    def __init__(self, status: str) -> None:
        self._status = status

    def describe_endpoint(self, **_: object) -> Any:
        return endpoint(EndpointStatus=self._status)


def test_the_variants_that_do_not_scale_any_more_are_found() -> None:
    scaling: Any = Scaling()
    assert unscaled_variants(scaling, "boston", ["stays"]) == set()
    assert unscaled_variants(scaling, "boston", ["stays", "gone"]) == {"gone"}


def test_a_look_that_fails_does_not_hide_why_an_update_failed() -> None:
    refusing: Any = Refusing()
    assert unscaled_variants(refusing, "boston", ["stays"]) == set()


class Alarms:
    """Stands for a CloudWatch with an alarm of each kind."""

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> Any:  # noqa: N803 - boto3's names
        assert AlarmNames == ["errors", "all"]
        assert AlarmTypes == ["MetricAlarm", "CompositeAlarm"]
        return {
            "MetricAlarms": [{"AlarmName": "errors", "StateValue": "OK"}],
            "CompositeAlarms": [{"AlarmName": "all", "StateValue": "ALARM"}],
        }


def test_the_states_of_alarms_are_known_where_they_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_aws, "cloudwatch_client", lambda _: Alarms())
    assert alarm_states({}, ["errors", "all"]) == {"errors": "OK", "all": "ALARM"}
    monkeypatch.setattr(_aws, "cloudwatch_client", lambda _: Refusing())
    assert alarm_states({}, ["errors", "all"]) == {}
    assert alarm_states({}, []) == {}


def test_an_endpoint_that_is_being_deleted_counts_as_gone() -> None:
    serving: Any = Describing("InService")
    going: Any = Describing("Deleting")
    assert describe_endpoint(serving, "boston") == endpoint()
    assert describe_endpoint(going, "boston") is None
    described = [find_endpoint(client, "boston") for client in (serving, going)]
    assert [endpoint and is_deleting(endpoint) for endpoint in described] == [False, True]


def test_only_the_error_that_says_so_means_that_there_is_none() -> None:
    absent: Any = Refusing("Could not find endpoint")
    refusing: Any = Refusing()
    assert describe_endpoint(absent, "boston") is None
    assert find_endpoint(absent, "boston") is None
    with pytest.raises(ClientError, match="not authorized"):
        describe_endpoint(refusing, "boston")
