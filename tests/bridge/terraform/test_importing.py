"""Import IDs are what the importers ask for."""

from typing import Any

import pytest

from sagebridge.bridge.terraform.importing import arguments_not_imported, import_id

SCALED = {
    "id": "endpoint/e/variant/v",
    "service_namespace": "sagemaker",
    "resource_id": "endpoint/e/variant/v",
    "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
    "name": "p",
}


@pytest.mark.parametrize(
    ("terraform_type", "attributes", "identity"),
    [
        ("aws_sagemaker_model", {"id": "m", "name": "n"}, "m"),
        ("aws_sagemaker_model", {"id": "", "name": "n"}, None),
        ("aws_sagemaker_model", {"name": "n"}, None),
        (
            "aws_appautoscaling_policy",
            SCALED,
            "sagemaker/endpoint/e/variant/v/sagemaker:variant:DesiredInstanceCount/p",
        ),
        ("aws_appautoscaling_policy", SCALED | {"name": None}, None),
        ("aws_s3_object", {"id": "k", "bucket": "b", "key": "{id}/é"}, "b/{id}/é"),
    ],
)
def test_an_import_id_is_made_of_the_attributes(
    terraform_type: str, attributes: dict[str, Any], identity: str | None
) -> None:
    assert import_id(terraform_type, attributes) == identity


def test_a_resource_of_another_region_is_imported_from_there() -> None:
    assert import_id("aws_sagemaker_model", {"id": "m"}, "eu-west-1") == "m@eu-west-1"


def test_arguments_that_aws_does_not_tell_are_known() -> None:
    assert "force_destroy" in arguments_not_imported("aws_s3_bucket")
    assert "content" in arguments_not_imported("aws_s3_object") - arguments_not_imported("aws_s3_bucket")
