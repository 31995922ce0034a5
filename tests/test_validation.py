"""Pure: botocore's own limits are the rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge._aws import shapes
from sagebridge.validation import Problem, problem


@given(name=st.from_regex(r"\A[a-zA-Z0-9](-*[a-zA-Z0-9]){0,20}\Z"))
def test_botocore_patterns_are_the_rule(name: str) -> None:
    assert (problem("endpoint_name", name, "EndpointName") is None) == (len(name) <= 63)


def test_every_instance_type_of_botocore_is_allowed() -> None:
    for name in shapes()["ProductionVariantInstanceType"]["enum"]:
        assert problem("instance_type", name, "ProductionVariantInstanceType") is None


@pytest.mark.parametrize(
    ("value", "allowed"), [("größe 1/2:a@b", True), ("a*b", False), ("tab\t", False), ("é_=+-.", True)]
)
def test_patterns_with_classes_of_unicode(value: str, allowed: bool) -> None:  # noqa: FBT001 - a case's outcome
    assert (problem("tags", value, "TagValue") is None) == allowed


def test_a_shape_without_a_most() -> None:
    found = problem("arn", "arn", "EndpointArn")
    assert found is not None
    assert "20 to 2048 characters long" in str(found)


def test_what_is_not_there_is_not_shown_as_a_value() -> None:
    assert str(Problem("image", "is required")) == "image is required."
    assert str(Problem("instance_type", "must be a type", "x")) == "instance_type must be a type, not 'x'."
    assert str(Problem("image", "is required", fix="Set it.")) == "image is required. Set it."
