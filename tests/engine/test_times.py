"""Endpoints whose every status lasts seconds, as on AWS, where it lasts minutes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sagebridge.endpoint.args import AutoscalingArgs, DeploymentConfigArgs
from sagebridge.local import control
from tests.conftest import HELD_SECONDS, PREDICTION, Aws
from tests.engine.lives import roll_back_next
from tests.stacks import Declared

pytestmark = pytest.mark.engine


@pytest.fixture
def times(aws: Aws) -> Iterator[Callable[..., object]]:
    """Sets how long each status lasts, by the names of `sagebridge.local.times.Times`."""
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    before = control.set_times(folder)
    yield lambda **seconds: control.set_times(folder, **seconds)
    control.set_times(folder, **before)


def status(aws: Aws, endpoint: str) -> str:
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"]


def serves(aws: Aws, endpoint: str) -> bool:
    return aws.predict(endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def let_go_when_it_waits(times: Callable[..., object]) -> Callable[[str], None]:
    """Lets an endpoint be deleted as soon as an update says that it waits for that."""

    def look(output: str) -> None:
        if "is being deleted. This update waits until it is gone" in output:
            times(deleting=0)

    return look


def test_an_endpoint_is_replaced_by_another_of_its_name_which_waits_until_the_first_is_gone(
    aws: Aws, declared: Declared, times: Callable[..., object]
) -> None:
    name = declared.endpoint
    declared.up()
    first = aws.sagemaker.describe_endpoint(EndpointName=name)["CreationTime"]
    times(deleting=HELD_SECONDS)
    declared.args["allow_replacement"] = True
    replaced = declared.replace("Endpoint", let_go_when_it_waits(times))
    assert f"Endpoint {name} is being deleted. This update waits until it is gone" in replaced.stdout
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["CreationTime"] > first
    assert serves(aws, name)
    assert set(declared.preview()) == {"same"}


def test_an_endpoint_comes_back_soon_after_its_stack_was_destroyed(
    aws: Aws, declared: Declared, times: Callable[..., object]
) -> None:
    name = declared.endpoint
    declared.up()
    times(deleting=HELD_SECONDS)
    declared.destroy()
    assert status(aws, name) == "Deleting"
    assert f"Endpoint {name} is being deleted. `pulumi up` will wait until it is gone" in declared.shown()
    assert status(aws, name) == "Deleting"  # the preview did not wait
    came_back = declared.up(let_go_when_it_waits(times))
    assert f"Endpoint {name} is being deleted. This update waits until it is gone" in came_back.stdout
    assert serves(aws, name)


CANARY: DeploymentConfigArgs = {
    "blue_green_update_policy": {"type": "CANARY", "canary_size": {"value": 50}, "wait_interval_in_seconds": 120}
}
SCALING: AutoscalingArgs = {"min_capacity": 2, "max_capacity": 4, "invocations_per_instance": 100}


def as_on_aws(times: Callable[..., object]) -> None:
    """Lets every status last a second, RollingBack until the provider has seen it, for which two minutes pass."""
    times(creating=1, updating=1, rolling_back=4, deleting=1, pace=120)


def lives(aws: Aws, declared: Declared) -> None:
    """Takes an endpoint through its life: up, a change, a canary that AWS rolls back, replaced, destroyed, up again."""
    name = declared.endpoint

    def created() -> object:
        return aws.sagemaker.describe_endpoint(EndpointName=name)["CreationTime"]

    declared.args |= {
        "initial_instance_count": 2,
        "autoscaling": SCALING,
        "alarms": {},
        "deployment_config": CANARY,
    }
    declared.up()
    assert set(declared.preview()) == {"same"}
    first, serving = created(), declared.outputs()["endpointConfigName"]

    roll_back_next(aws, name)
    declared.args["environment"] = {"GENERATION": "2"}
    assert re.search("AWS (rolls|rolled) the update back", declared.up_fails())
    aws.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] == serving
    declared.refresh()
    declared.up()
    assert set(declared.preview()) == {"same"}
    assert created() == first
    found = aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    assert found == declared.outputs()["endpointConfigName"] != serving

    declared.args["allow_replacement"] = True
    declared.replace("Endpoint")
    assert created() != first
    assert serves(aws, name)
    assert set(declared.preview()) == {"same"}

    declared.destroy()
    declared.up()
    assert serves(aws, name)
    assert set(declared.preview()) == {"same"}
    scaled = aws.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    assert [target["MinCapacity"] for target in scaled["ScalableTargets"] if name in target["ResourceId"]] == [2]


@pytest.mark.long
def test_a_life_whose_every_status_lasts(aws: Aws, declared: Declared, times: Callable[..., object]) -> None:
    as_on_aws(times)
    lives(aws, declared)


@pytest.mark.long
def test_a_life_whose_every_call_takes_long(aws: Aws, declared: Declared) -> None:
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    control.set_times(folder, pace=60)
    control.fault(folder, "latency", seconds=0.2)
    try:
        lives(aws, declared)
    finally:
        control.clear_faults(folder)
        control.set_times(folder, pace=1)


def test_an_update_that_aws_is_still_rolling_back_fails_and_the_next_one_waits_for_that(
    aws: Aws, declared: Declared
) -> None:
    """The provider fails as soon as it sees that, before the hook that verifies."""
    name = declared.endpoint
    declared.up()
    serving = declared.outputs()["endpointConfigName"]
    control.fault(Path(aws.environment["LOCAL_AWS_DIR"]), "capacity", endpoint=name, times=1)
    declared.args["instance_type"] = "ml.m5.large"
    with aws.holding("rolling_back"):
        failed = declared.up_fails()
        rolled_back = (
            f"Endpoint {name} is RollingBack on configuration {serving}: AWS rolls the update back. Reason: Unable"
        )
        assert rolled_back in failed
        assert f"Logs: /aws/sagemaker/Endpoints/{name}." in failed
        assert f"Endpoint {name} is RollingBack, and AWS takes no other update meanwhile" in declared.shown()
        assert serves(aws, name)

        def let_go_when_it_waits(output: str) -> None:
            if "waiting for AWS: rolling back: Unable to provision" in output:
                control.set_times(aws.folder, rolling_back=0)

        declared.up(let_go_when_it_waits)  # without a refresh, although the state took the update for done
    assert serves(aws, name)
    assert status(aws, name) == "InService"
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] != serving
    assert set(declared.preview()) == {"same"}
