"""Pure: what is said of an update that AWS is at work on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagebridge.guards.rollout import alarm_names, for_aws, is_on_its_way, stage
from tests.guards.answers import endpoint

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def baking(kind: str, count: int, seconds: int = 300) -> str:
    """Returns AWS's message of a wait."""
    wait = "TerminationWaitInSeconds" if kind == "full" else "WaitIntervalInSeconds"
    return f"Baking for {seconds} seconds ({wait}) with traffic enabled on {kind} capacity of {count} instance(s)."


def variant(status: str, message: str = "", *, minutes: float = 0, name: str = "AllTraffic", count: int = 10) -> Any:
    """Returns the summary of a variant in a deployment under way."""
    begun = {"Status": status, "StatusMessage": message, "StartTime": NOW - timedelta(minutes=minutes)}
    return {
        "VariantName": name,
        "DesiredInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "VariantStatus": [begun],
    }


def updating(*variants: Any) -> Any:
    pending = {"EndpointConfigName": "next", "ProductionVariants": list(variants)}
    return endpoint(EndpointStatus="Updating", PendingDeploymentSummary=pending)


@pytest.mark.parametrize(
    ("under_way", "expected"),
    [
        (variant("Creating", "Launching 10 instance(s)."), "launching 10 ml.m5.large"),
        (variant("Creating", count=0), "launching the new instances"),
        (variant("Baking", baking("canary", 1), minutes=3.9), "canary 10 % (1 of 10 instances), baking 3 of 5 min"),
        (variant("Baking", baking("canary", 1), minutes=9), "canary 10 % (1 of 10 instances), baking 5 of 5 min"),
        (variant("Baking", baking("canary", 1), minutes=-1), "canary 10 % (1 of 10 instances), baking 0 of 5 min"),
        (variant("Baking", baking("linear", 5)), "linear 50 % (5 of 10 instances), baking 0 of 5 min"),
        (variant("Baking", baking("batch", 2, 90)), "batch 20 % (2 of 10 instances), baking 0 of 1.5 min"),
        (variant("Baking", baking("full", 10, 900)), "all traffic on the new instances, baking 0 of 15 min"),
        (variant("Baking", baking("full", 10, 0)), "all traffic on the new instances"),
        (variant("Baking", baking("canary", 0), count=0), "canary, baking 0 of 5 min"),
        (variant("Baking", "Words of another year."), "Baking: Words of another year."),
        (variant("ActivatingTraffic"), "moving traffic to the new instances"),
        (variant("Deleting", "Terminating."), "removing the old instances: Terminating."),
        ({"VariantName": "AllTraffic"}, "deploying"),
    ],
)
def test_each_stage_is_said_as_aws_has_it(under_way: Any, expected: str) -> None:
    assert stage(updating(under_way), {}, NOW) == expected


def test_variants_at_different_stages_are_told_apart() -> None:
    blue, green = variant("Creating", name="blue", count=1), variant("ActivatingTraffic", name="green", count=1)
    assert stage(updating(blue, {**blue, "VariantName": "red"}), {}, NOW) == "launching 1 ml.m5.large"
    expected = "blue: launching 1 ml.m5.large; green: moving traffic to the new instances"
    assert stage(updating(blue, green), {}, NOW) == expected


def test_what_deploys_no_configuration_is_said_too() -> None:
    assert stage(endpoint(EndpointStatus="Updating"), {}, NOW) == "changing weights or capacity"
    assert stage(endpoint(EndpointStatus="SystemUpdating"), {}, NOW) == "under maintenance by AWS"
    assert stage(endpoint(EndpointStatus="RollingBack"), {}, NOW) == "rolling back"
    rolled = endpoint(EndpointStatus="RollingBack", FailureReason="No capacity.")
    assert stage(rolled, {}, NOW) == "rolling back: No capacity."
    assert stage(updating(), {}, NOW) == "deploying"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"a": "OK", "b": "OK"}, "alarms OK"),
        ({"b": "ALARM", "a": "OK"}, "alarm b ALARM"),
        ({"b": "INSUFFICIENT_DATA", "a": "ALARM"}, "alarm a ALARM, alarm b INSUFFICIENT_DATA"),
    ],
)
def test_the_alarms_that_roll_back_are_said(states: dict[str, str], expected: str) -> None:
    assert stage(updating(variant("ActivatingTraffic")), states, NOW).endswith(f", {expected}")


def test_the_deployment_of_the_stack_itself_is_known_by_its_configuration() -> None:
    assert is_on_its_way(updating(), "next")
    assert not is_on_its_way(updating(), "other")
    assert not is_on_its_way(endpoint(), "new")


def test_the_providers_deployment_is_told_to_aws_in_its_own_words() -> None:
    deployment = {
        "__defaults": [],
        "blueGreenUpdatePolicy": {
            "__defaults": [],
            "terminationWaitInSeconds": 60.0,
            "maximumExecutionTimeoutInSeconds": None,
            "trafficRoutingConfiguration": {
                "type": "CANARY",
                "waitIntervalInSeconds": 300.0,
                "canarySize": {"type": "CAPACITY_PERCENT", "value": 10.0},
            },
        },
        "autoRollbackConfiguration": {"alarms": [{"__defaults": [], "alarmName": "errors"}]},
    }
    assert for_aws(deployment) == {
        "BlueGreenUpdatePolicy": {
            "TerminationWaitInSeconds": 60,
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 300,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
            },
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }
    assert alarm_names(deployment) == ["errors"]
    assert alarm_names({"blueGreenUpdatePolicy": {}}) == alarm_names(None) == []
