"""Pure: what is said of an endpoint that is not as the stack declares it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sagebridge.endpoint.spec import Variant, parse
from sagebridge.guards.checks import (
    autoscaling_off,
    failed_update,
    is_rollback,
    is_unsent,
    lost_changes,
    rollout_problem,
    rolls_out,
    starts_with,
    update_problem,
    variant_name_problem,
    will_wait,
)
from tests.endpoint.endpoints import args
from tests.guards.answers import ARN, endpoint


def variant(declared: dict[str, Any]) -> Variant:
    (only,) = parse(args(**declared)).production_variants
    return only


def test_an_endpoint_that_runs_what_was_asked_for_is_right() -> None:
    assert rollout_problem(endpoint(), "new", ["AllTraffic"]) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"EndpointConfigName": "old"},
        {"EndpointStatus": "RollingBack"},
        {"EndpointStatus": "UpdateRollbackFailed"},
        {"EndpointConfigName": "old", "EndpointStatus": "RollingBack"},
    ],
)
def test_anything_else_is_said_with_awss_reason_and_the_log_group(changes: dict[str, str]) -> None:
    problem = rollout_problem(endpoint(**changes, FailureReason="No capacity."), "new", ["AllTraffic"])
    assert problem is not None
    assert f"is {endpoint(**changes)['EndpointStatus']} on configuration" in problem
    assert "not on new" in problem
    assert "Reason: No capacity." in problem
    assert "/aws/sagemaker/Endpoints/boston" in problem


def test_every_variant_must_run() -> None:
    problem = rollout_problem(endpoint(), "new", ["AllTraffic", "next"])
    assert problem is not None
    assert "runs the variants AllTraffic, not AllTraffic, next" in problem


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        ({"EndpointConfigName": "old"}, "new", None),
        ({"EndpointConfigName": "old"}, None, None),
        ({"EndpointConfigName": "old", "EndpointStatus": "Failed"}, "new", None),
        (
            {"EndpointConfigName": "old", "EndpointStatus": "OutOfService"},
            "new",
            "OutOfService, and AWS takes no update",
        ),
        ({"EndpointConfigName": "old", "EndpointStatus": "UpdateRollbackFailed"}, "new", "aws sagemaker wait"),
        ({}, "new", "runs new already: an update that was interrupted has reached it"),
    ],
)
def test_an_update_that_aws_would_refuse_is_refused_before(
    changes: dict[str, str], wanted: str | None, expected: str | None
) -> None:
    problem = update_problem(endpoint(**changes), "boston", {"arn": ARN, "endpointConfigName": "old"}, wanted)
    assert expected in problem if problem and expected else problem is expected


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_an_update_waits_for_what_ends_by_itself(status: str) -> None:
    busy = endpoint(EndpointConfigName="old", EndpointStatus=status)
    assert update_problem(busy, "boston", {"arn": ARN, "endpointConfigName": "old"}, "new") is None
    assert f"is {status}" in will_wait(busy)
    assert "`pulumi up` waits until that is over." in will_wait(busy)


@pytest.mark.parametrize(
    ("running", "in_state", "wanted", "expected"),
    [
        ("old", "old", "new", False),  # the provider sends it
        ("old", "new", "new", True),
        ("new", "new", "new", False),
        ("new", "old", "new", False),
        ("old", "new", "newer", False),
    ],
)
def test_what_the_state_takes_for_done_is_told_from_what_runs(
    running: str,
    in_state: str,
    wanted: str,
    expected: bool,  # noqa: FBT001 - a case
) -> None:
    assert is_unsent(endpoint(EndpointConfigName=running), {"endpointConfigName": in_state}, wanted) is expected


@pytest.mark.parametrize(
    ("old", "new", "in_state", "expected"),
    [
        ({"tags": {"a": "1"}}, {"tags": {"a": "2"}}, "one", False),
        ({}, {"endpointConfigName": "two"}, "one", True),
        ({}, {"deploymentConfig": {"a": 1}}, "one", True),
        ({}, {}, "two", True),  # AWS rolled the last update back
    ],
)
def test_an_update_that_changes_what_runs_is_told_from_one_of_tags(
    old: dict[str, Any],
    new: dict[str, Any],
    in_state: str,
    expected: bool,  # noqa: FBT001 - a case
) -> None:
    before = {"endpointConfigName": "one"}
    assert rolls_out({**before, **old}, {**before, **new}, {"endpointConfigName": in_state}) is expected


THEN, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"EndpointConfigName": "old"}, ["InService on configuration old, as before", "AWS did not take the update"]),
        (
            {"EndpointConfigName": "old", "LastModifiedTime": LATER, "FailureReason": "No capacity."},
            ["AWS rolls the update back. Reason: No capacity.", "/aws/sagemaker/Endpoints/boston"],
        ),
        (
            {"EndpointConfigName": "old", "EndpointStatus": "RollingBack", "LastModifiedTime": LATER},
            ["is RollingBack", "waits until the rollback is over"],
        ),
        (
            {"EndpointConfigName": "old", "EndpointStatus": "Updating", "LastModifiedTime": LATER},
            ["is Updating: AWS goes on with the update", "waits until that is over"],
        ),
        ({"LastModifiedTime": LATER}, ["is InService on new, as asked for", "to finish the update"]),
    ],
)
def test_a_failed_update_says_how_it_left_the_endpoint_and_what_to_do(
    changes: dict[str, Any], parts: list[str]
) -> None:
    live = endpoint(**{"LastModifiedTime": THEN, **changes})
    text = failed_update(live, "new", is_rollback=is_rollback(live, "new", THEN))
    for part in [*parts, "`pulumi up` again"]:
        assert part in text
    assert "--refresh" not in text


@pytest.mark.parametrize(
    ("live", "first", "declared", "lines"),
    [
        ({"DesiredInstanceCount": 2}, {"InitialInstanceCount": 2}, {"initial_instance_count": 3}, 0),
        ({"DesiredInstanceCount": 3}, {"InitialInstanceCount": 2}, {"initial_instance_count": 3}, 0),
        ({"DesiredInstanceCount": 3}, {"InitialInstanceCount": 2}, {}, 1),
        (
            {"DesiredInstanceCount": 3, "DesiredWeight": 0.5},
            {"InitialInstanceCount": 2, "InitialVariantWeight": 1.0},
            {},
            2,
        ),
        (
            {"DesiredServerlessConfig": {"ProvisionedConcurrency": 4}},
            {"ServerlessConfig": {"ProvisionedConcurrency": 1}},
            {"serverless_config": {"provisioned_concurrency": 2}},
            1,
        ),
        (
            {"CurrentServerlessConfig": {"ProvisionedConcurrency": 4}},
            {"ServerlessConfig": {"ProvisionedConcurrency": 1}},
            {"serverless_config": {"provisioned_concurrency": 2}},
            1,
        ),
        ({"DesiredInstanceCount": 3}, {"InitialInstanceCount": 2}, {"serverless_config": {}}, 0),
    ],
)
def test_only_what_was_set_from_outside_and_will_be_lost_is_told(
    live: dict[str, Any], first: dict[str, Any], declared: Any, lines: int
) -> None:
    running: Any = {"ProductionVariants": [{"VariantName": "v", **first}]}
    starts: dict[str, Any] = {"v": starts_with(variant(declared))}
    assert len(lost_changes(endpoint(ProductionVariants=[{"VariantName": "v", **live}]), running, starts)) == lines


def test_what_autoscaling_had_set_before_is_told_although_the_configuration_was_made_with_it() -> None:
    live = endpoint(ProductionVariants=[{"VariantName": "v", "DesiredInstanceCount": 3}])
    running: Any = {"ProductionVariants": [{"VariantName": "v", "InitialInstanceCount": 3}]}
    plain: Any = {}
    declared: dict[str, Any] = {"v": starts_with(variant(plain))}
    assert lost_changes(live, running, declared) == []
    assert len(lost_changes(live, running, declared, retained=True)) == 1
    kept: dict[str, Any] = {"v": starts_with(variant(plain), capacity=3)}
    assert lost_changes(live, running, kept, retained=True) == []


def test_the_variants_of_an_update_with_guardrails_keep_their_names() -> None:
    assert variant_name_problem(endpoint(), ["AllTraffic"]) is None
    problem = variant_name_problem(endpoint(), ["blue", "AllTraffic"])
    assert problem is not None
    assert "has the variants AllTraffic, and this update would have AllTraffic, blue" in problem
    assert "Remove deployment_config for this update" in problem


def test_a_variant_that_lost_its_autoscaling_is_named() -> None:
    assert "Autoscaling of blue, green was taken off" in autoscaling_off({"green", "blue"})
