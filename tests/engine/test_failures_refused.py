"""Updates that AWS does not take, or whose provider fails while AWS goes on: one `up` is enough afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagebridge import _aws
from sagebridge.endpoint.args import AutoscalingArgs
from sagebridge.guards import progress
from sagebridge.local import control
from tests.conftest import Aws
from tests.engine.lives import everything, roll_back_next, under_way
from tests.local.account import until
from tests.stacks import Declared

pytestmark = pytest.mark.engine

SCALING: AutoscalingArgs = {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 100}


@pytest.fixture(autouse=True)
def quick(declared: Declared, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets the guards ask AWS often, and a refused call be sent 3 times, not 25 or 10, which takes a minute."""
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.2)
    patience = {**_aws.PATIENT, "retries": {"mode": "adaptive", "total_max_attempts": 3}}
    monkeypatch.setattr(_aws, "PATIENT", patience)  # of the guards, which run in this process
    _aws._shared_client.cache_clear()  # noqa: SLF001 - a client of an earlier test has the usual patience
    declared.config(**{"aws:maxRetries": "3"})  # of the provider
    yield
    _aws._shared_client.cache_clear()  # noqa: SLF001 - the next test's has it again


def described(aws: Aws, declared: Declared) -> Any:
    return aws.sagemaker.describe_endpoint(EndpointName=declared.endpoint)


def in_state(declared: Declared) -> str:
    """Returns the configuration that the stack's state says the endpoint runs."""
    (endpoint,) = [resource for resource in declared.resources() if resource["type"].endswith("/endpoint:Endpoint")]
    return str(endpoint["outputs"]["endpointConfigName"])


def scales(aws: Aws, declared: Declared) -> bool:
    answer = aws.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    return any(declared.endpoint in target["ResourceId"] for target in answer["ScalableTargets"])


def is_as_declared(aws: Aws, declared: Declared) -> bool:
    """Checks that the endpoint runs what the state says, and that nothing is left to do."""
    running = described(aws, declared)["EndpointConfigName"]
    return running == in_state(declared) and set(declared.preview()) == {"same"}


@pytest.mark.parametrize("kind", ["throttle", "error"])
def test_after_an_update_that_aws_refused_one_up_is_enough(
    aws: Aws, declared: Declared, folder: Path, kind: str
) -> None:
    declared.args["autoscaling"] = SCALING
    declared.up()
    before, count = described(aws, declared)["EndpointConfigName"], len(everything(aws))
    control.fault(folder, kind, operation="UpdateEndpoint", endpoint=declared.endpoint)
    declared.args["instance_type"] = "ml.m5.large"
    refused = declared.up_fails()
    assert f"is InService on configuration {before}, as before: AWS did not take the update" in refused
    assert "run `pulumi up` again, which sends the update once more" in refused
    control.clear_faults(folder)
    assert "of an update that failed. This update brings it to" in declared.shown()
    declared.up()
    assert described(aws, declared)["EndpointConfigName"] != before
    assert scales(aws, declared)
    assert is_as_declared(aws, declared)
    assert len(everything(aws)) == count


def test_an_update_that_aws_refuses_twice_is_not_taken_for_done(aws: Aws, declared: Declared, folder: Path) -> None:
    declared.up()
    before = described(aws, declared)["EndpointConfigName"]
    control.fault(folder, "throttle", operation="UpdateEndpoint", endpoint=declared.endpoint)
    declared.args["instance_type"] = "ml.m5.large"
    declared.up_fails()
    refused = declared.up_fails()
    assert f"is InService on configuration {before}, not on" in refused
    assert "AWS did not take the update. Reason: An error occurred (ThrottlingException)" in refused
    assert in_state(declared) == before
    control.clear_faults(folder)
    declared.up()
    assert is_as_declared(aws, declared)


@pytest.mark.parametrize("end", ["InService", "rolled back"])
def test_an_update_that_the_provider_stops_following_is_waited_for_by_the_next(
    aws: Aws, declared: Declared, folder: Path, end: str
) -> None:
    declared.up()
    before = described(aws, declared)["EndpointConfigName"]
    declared.args["instance_type"] = "ml.m5.large"
    told: list[str] = []

    def let_go_when_it_waits(output: str) -> None:
        if "waiting for AWS: launching 1 ml.m5.large" in output:
            told.append(output)
            control.set_times(folder, updating=0)

    with aws.holding("updating"):
        with under_way(declared.up_fails) as failed:
            until(lambda: described(aws, declared)["EndpointStatus"] == "Updating")
            control.fault(folder, "error", operation="DescribeEndpoint")
        assert f"Cannot read how the update has left endpoint {declared.endpoint}" in str(failed.result())
        control.clear_faults(folder)
        if end == "rolled back":
            roll_back_next(aws, declared.endpoint)
        declared.up(let_go_when_it_waits)
    assert told
    assert described(aws, declared)["EndpointConfigName"] != before
    assert is_as_declared(aws, declared)
