"""The provider's mapping, as the official plugin and the one that is built here tell it."""

import copy
import json

import pytest

from sagebridge.bridge.stack.mapping import parse_mapping
from tests.bridge import states

MAPPING = json.loads(states.MAPPING.read_text())


@pytest.mark.parametrize("name", ["aws_s3_bucket_v2_compat", "aws_s3_bucket_legacy", "aws_s3_bucket_compat"])
def test_the_second_token_of_a_type_has_the_name_that_terraform_knows(name: str) -> None:
    document = copy.deepcopy(MAPPING)
    token = "aws:s3/bucketV2:BucketV2"  # noqa: S105 - a type's token
    document["resources"][name] = document["resources"]["aws_s3_bucket"] | {"tok": token}
    document["provider"]["resources"][name] = document["provider"]["resources"]["aws_s3_bucket"]
    mapping = parse_mapping(json.dumps(document), [token])
    assert mapping.by_token[token].terraform == "aws_s3_bucket"
