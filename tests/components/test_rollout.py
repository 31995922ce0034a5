"""Pure and mocks: when a rollout counts as done. The engine ring shows the same against a real rollback."""

from collections.abc import Callable
from typing import Any

import pytest

from components.rollout import difference
from components.sagemaker_endpoint import SageMakerEndpoint
from tests.components.conftest import Monitor
from tests.components.endpoints import args

Run = Callable[[Callable[[], object]], Monitor]


def described(**changes: Any) -> Any:
    return {
        "EndpointName": "boston",
        "EndpointConfigName": "new",
        "EndpointStatus": "InService",
        **changes,
    }


def test_an_endpoint_that_runs_what_was_asked_for_is_right() -> None:
    assert difference(described(), "new") is None


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
    said = difference(described(**changes, FailureReason="No capacity."), "new")
    assert said is not None
    assert f"is {described(**changes)['EndpointStatus']} on configuration" in said
    assert "not on new" in said
    assert "Reason: No capacity." in said
    assert "/aws/sagemaker/Endpoints/boston" in said


def test_the_endpoint_is_verified_after_create_and_after_update_and_cleaned_up_after_a_failure(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("endpoint", args()))
    endpoint = seen.of_type("aws:sagemaker/endpoint:Endpoint")
    assert endpoint.hooks == ["endpoint-verify", "endpoint-verify", "endpoint-clean-up"]
    assert set(seen.callbacks.hooks) == {"endpoint-verify", "endpoint-clean-up"}


def test_two_endpoints_of_a_program_have_hooks_of_their_own(run: Run) -> None:
    def program() -> None:
        SageMakerEndpoint("one", args())
        SageMakerEndpoint("two", args())

    assert len(run(program).callbacks.hooks) == 4
