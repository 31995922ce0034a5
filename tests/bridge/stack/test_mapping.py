"""The mapping that the aws plugin tells."""

import json

import pytest

from sagebridge.bridge.stack.mapping import parse_mapping


@pytest.mark.parametrize(
    ("told", "terraform"),
    [
        ("aws_s3_bucket", "aws_s3_bucket"),
        ("aws_s3_bucket_v2_compat", "aws_s3_bucket"),
        ("aws_s3_bucket_acl_legacy", "aws_s3_bucket_acl"),
    ],
)
def test_a_type_by_an_older_name_of_pulumis_has_terraforms_own(told: str, terraform: str) -> None:
    document = {
        "provider": {"schema": {}, "resources": {told: {}}},
        "resources": {told: {"tok": "aws:s3/some:Some"}},
    }
    (resource_type,) = parse_mapping(json.dumps(document), ["aws:s3/some:Some"]).types
    assert resource_type.terraform == terraform
