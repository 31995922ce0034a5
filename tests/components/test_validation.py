"""Pure: what AWS would refuse is refused before any call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.sagemaker_endpoint import SageMakerEndpointArgs, ServerlessConfigArgs, validate
from components.validation import problem, shapes
from tests.components.conftest import ARCHIVE, IMAGE, ROLE


def args(**changes: Any) -> SageMakerEndpointArgs:
    return {"execution_role_arn": ROLE, "image": IMAGE, "model_data_url": ARCHIVE, **changes}  # type: ignore[typeddict-item]


def properties(found: SageMakerEndpointArgs, name: str = "endpoint") -> list[str]:
    return [problem.property for problem in validate(name, found)]


def test_the_simple_case_has_no_problem() -> None:
    assert validate("endpoint", args()) == []


@pytest.mark.parametrize(
    ("changes", "property_", "allowed"),
    [
        ({"execution_role_arn": "sagemaker"}, "execution_role_arn", "characters long"),
        ({"execution_role_arn": "arn:aws:iam::123456789012:user/me"}, "execution_role_arn", ":role/"),
        ({"image": "has a space"}, "image", "of the form"),
        ({"model_data_url": "s3://bucket/model.zip"}, "model_data_url", "ends in .tar.gz"),
        ({"model_data_url": "https://bucket/model.tar.gz"}, "model_data_url", "an S3 URL"),
        ({"model_data_url": "model.tar.gz"}, "model_data_url", "(https|s3)://"),
        ({"instance_type": "ml.m5.huge"}, "instance_type", "such as ml.m5."),
        ({"instance_type": "m5.xlarge"}, "instance_type", "botocore lists"),
        ({"initial_instance_count": 0}, "initial_instance_count", "1 or more"),
        ({"initial_instance_count": True}, "initial_instance_count", "a whole number"),
        ({"endpoint_name": "under_score"}, "endpoint_name", "of the form"),
        ({"endpoint_name": "e" * 64}, "endpoint_name", "63 characters"),
        ({"serverless_config": {"memory_size_in_mb": 512}}, "serverless_config.memory_size_in_mb", "1024 to 6144"),
        ({"serverless_config": {"memory_size_in_mb": 1500}}, "serverless_config.memory_size_in_mb", "multiple of 1024"),
        ({"serverless_config": {"max_concurrency": 201}}, "serverless_config.max_concurrency", "1 to 200"),
        ({"serverless_config": {}, "instance_type": "ml.m5.large"}, "instance_type", "left out"),
        ({"serverless_config": {}, "initial_instance_count": 1}, "initial_instance_count", "left out"),
        ({"tags": {str(number): "x" for number in range(51)}}, "tags", "at most 50"),
    ],
)
def test_each_problem_names_property_value_and_what_is_allowed(
    changes: dict[str, Any], property_: str, allowed: str
) -> None:
    (found,) = validate("endpoint", args(**changes))
    assert found.property == property_
    assert allowed in found.allowed


def test_all_problems_are_found_at_once() -> None:
    found = properties(args(image="a b", endpoint_name="-", instance_type="x", initial_instance_count=-1))
    assert found == ["image", "endpoint_name", "instance_type", "initial_instance_count"]


@given(length=st.integers(1, 100))
def test_names_leave_room_for_auto_naming(length: int) -> None:
    refused = "name" in properties(args(), "n" * length)
    longest_autoname = len("n" * length + "-config" + "-1234567")
    assert refused == (longest_autoname > 63)


@given(memory=st.integers(0, 8192))
def test_serverless_memory_goes_in_steps_of_1024(memory: int) -> None:
    allowed = memory in {1024, 2048, 3072, 4096, 5120, 6144}
    assert (properties(args(serverless_config={"memory_size_in_mb": memory})) == []) == allowed


@given(name=st.from_regex(r"\A[a-zA-Z0-9](-*[a-zA-Z0-9]){0,20}\Z"))
def test_botocore_patterns_are_the_rule(name: str) -> None:
    assert (problem("endpoint_name", name, "EndpointName") is None) == (len(name) <= 63)


def test_every_instance_type_of_botocore_is_allowed() -> None:
    for name in shapes()["ProductionVariantInstanceType"]["enum"]:
        assert problem("instance_type", name, "ProductionVariantInstanceType") is None


@pytest.mark.parametrize("kind", [SageMakerEndpointArgs, ServerlessConfigArgs])
def test_every_field_takes_an_input(kind: type) -> None:
    for name, hint in kind.__annotations__.items():
        assert "Output" in str(hint) or name == "serverless_config", name
