"""Endpoints whose every status lasts seconds, as on AWS, where it lasts minutes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import control
from tests.conftest import PREDICTION, Aws
from tests.stacks import Declared

pytestmark = pytest.mark.engine


@pytest.fixture
def times(aws: Aws) -> Iterator[Callable[..., object]]:
    """Sets how long each status lasts, by the names of `local.times.Times`."""
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    before = control.set_times(folder)
    yield lambda **seconds: control.set_times(folder, **seconds)
    control.set_times(folder, **before)


def status(aws: Aws, endpoint: str) -> str:
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"]


def serves(aws: Aws, endpoint: str) -> bool:
    return aws.predict(endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def test_an_endpoint_is_replaced_by_another_of_its_name_which_waits_until_the_first_is_gone(
    aws: Aws, declared: Declared, times: Callable[..., object]
) -> None:
    name = declared.endpoint
    declared.up()
    first = aws.sagemaker.describe_endpoint(EndpointName=name)["CreationTime"]
    times(deleting=3)
    declared.args["allow_replacement"] = True
    replaced = declared.replace("Endpoint")
    assert f"Endpoint {name} is being deleted. This update waits until it is gone" in replaced.stdout
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["CreationTime"] > first
    assert serves(aws, name)
    assert set(declared.preview()) == {"same"}


def test_an_endpoint_comes_back_soon_after_its_stack_was_destroyed(
    aws: Aws, declared: Declared, times: Callable[..., object]
) -> None:
    name = declared.endpoint
    declared.up()
    times(deleting=3)
    declared.destroy()
    assert status(aws, name) == "Deleting"
    assert f"Endpoint {name} is being deleted. `pulumi up` will wait until it is gone" in declared.shown()
    assert status(aws, name) == "Deleting"  # the preview did not wait
    assert f"Endpoint {name} is being deleted. This update waits until it is gone" in declared.up().stdout
    assert serves(aws, name)
