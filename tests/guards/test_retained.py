"""Pure: what a configuration starts with when autoscaling has set it; the engine ring shows it through an update."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.guards.lookup import GENERATION_TAG
from sagebridge.guards.retained import ADOPTED, Scaled, starting


class SageMaker:
    """An endpoint of one variant, made with two instances for the generation ``mine``."""

    def __init__(self, live: int) -> None:
        count = {"DesiredInstanceCount": live}
        self.endpoint: Any = {
            "EndpointStatus": "InService",
            "EndpointConfigName": "config",
            "ProductionVariants": [{"VariantName": "v", **count}],
        }
        self.config: Any = {
            "EndpointConfigArn": "arn",
            "ProductionVariants": [{"VariantName": "v", "InitialInstanceCount": 2}],
        }

    def describe_endpoint(self, **_: str) -> Any:
        return _there(self.endpoint)

    def describe_endpoint_config(self, **_: str) -> Any:
        return _there(self.config)

    def list_tags(self, **_: str) -> Any:
        return {"Tags": [{"Key": "team", "Value": "ml"}, {"Key": GENERATION_TAG, "Value": "mine"}]}


def _there(found: Any) -> Any:
    if found is None:
        raise ClientError({"Error": {"Message": "Could not find it", "Code": "ValidationException"}}, "x")
    return found


def start(sagemaker: Any, made_for: str | None = "next") -> int:
    return asyncio.run(starting(sagemaker, "boston", made_for, {"v": Scaled(first=1, least=0, most=5)}))["v"]


@given(live=st.integers(0, 9))
def test_a_new_configuration_starts_with_what_is_live_within_the_bounds(live: int) -> None:
    assert start(SageMaker(live)) == start(SageMaker(live), None) == max(1, min(live, 5))


@given(live=st.integers(0, 9))
def test_a_configuration_that_nothing_else_changes_stays_as_it_was_made(live: int) -> None:
    assert start(SageMaker(live), "mine") == start(SageMaker(live), f"{ADOPTED}config") == 2
    assert start(SageMaker(live), f"{ADOPTED}another") == max(1, min(live, 5))


def test_a_new_endpoint_and_a_new_variant_start_as_declared() -> None:
    sagemaker = SageMaker(4)
    sagemaker.endpoint["ProductionVariants"][0]["VariantName"] = "other"
    assert start(sagemaker) == 1
    sagemaker.endpoint = None
    assert start(sagemaker) == 1


def test_an_endpoint_that_takes_the_place_of_one_that_is_being_deleted_starts_as_declared() -> None:
    sagemaker = SageMaker(4)
    sagemaker.endpoint["EndpointStatus"] = "Deleting"
    assert start(sagemaker) == 1


@pytest.mark.parametrize("made_for", ["mine", "next", None])
def test_a_configuration_that_was_deleted_under_its_endpoint_does_not_matter(made_for: str | None) -> None:
    sagemaker = SageMaker(4)
    sagemaker.config = None
    assert start(sagemaker, made_for) == 4


def test_provisioned_concurrency_is_kept_too() -> None:
    sagemaker = SageMaker(1)
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 9, "ProvisionedConcurrency": 4}
    sagemaker.endpoint["ProductionVariants"] = [{"VariantName": "v", "CurrentServerlessConfig": serverless}]
    assert start(sagemaker) == 4
