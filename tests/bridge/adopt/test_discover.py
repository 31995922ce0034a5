"""The resources that belong to an endpoint: all of them, or refused by name."""

import dataclasses

import pytest

from sagebridge.bridge.adopt.command import refuse_other_region
from sagebridge.bridge.adopt.discover import find_endpoints
from sagebridge.bridge.terraform.state import Resource
from sagebridge.errors import UserError
from tests.bridge.adopt.resources import configuration, endpoint, model, state


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ([], "no aws_sagemaker_endpoint"),
        ([endpoint()], "uses the aws_sagemaker_endpoint_configuration c"),
        ([endpoint(), configuration()], "uses the aws_sagemaker_model m"),
        ([endpoint(), dataclasses.replace(endpoint(name="f"), name="f"), configuration(), model()], "is used by"),
        (
            [endpoint(), configuration(), dataclasses.replace(configuration(name="d"), name="d"), model()],
            "aws_sagemaker_model.m is used by",
        ),
        ([endpoint(), dataclasses.replace(configuration(), tainted=True), model()], "is tainted"),
    ],
)
def test_an_endpoint_that_is_not_whole_or_not_alone_is_refused(resources: list[Resource], message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_endpoints(state(*resources))


def test_an_address_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UserError, match=r"at aws_x\.y \(it has: aws_sagemaker_endpoint\.e\)"):
        find_endpoints(state(endpoint(), configuration(), model()), ["aws_x.y"])


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        ({"region": "eu-west-1"}, True),
        ({"arn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e"}, True),  # a state of the AWS provider 5
        ({"arn": "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/e"}, True),
        ({"arn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"}, False),
        ({}, False),
    ],
)
def test_an_endpoint_of_another_region_than_the_stacks_is_refused_at_once(
    attributes: dict[str, str], *, refused: bool
) -> None:
    resources = [
        dataclasses.replace(item, attributes={**item.attributes, **attributes})
        for item in (endpoint(), configuration(), model())
    ]
    endpoints = find_endpoints(state(*resources))
    config = {"aws:region": {"value": "us-east-1"}}
    if refused:
        with pytest.raises(UserError, match=r"adopt it into a stack whose aws:region is (eu-west-1|cn-north-1)"):
            refuse_other_region(endpoints, config)
    else:
        refuse_other_region(endpoints, config)
