"""The stack whose export is measured is what the page says of it."""

import json
from typing import Any

from bench.scale import multiplied
from sagebridge.bridge.export.translate import translate
from sagebridge.bridge.stack.state import parse_stack
from sagebridge.bridge.stack.values import SECRET, SIGNATURE
from sagebridge.bridge.terraform.hcl import to_hcl
from tests.bridge import states

DOCUMENTS = states.documents()


def state() -> dict[str, Any]:
    """Returns the state of a bucket with a secret, and of a policy that names it."""
    document = json.loads(json.dumps(DOCUMENTS["aws_s3_bucket"]).replace("bucket-35394e7", "bucket-0"))
    _, bucket = document["deployment"]["resources"]
    bucket["urn"] = f"{bucket['urn']}-0"
    token = {SIGNATURE: SECRET, "plaintext": '"token of bucket-0"'}
    bucket["inputs"]["tags"] = bucket["outputs"]["tags"] = {"token": token}
    policy = json.loads(json.dumps(DOCUMENTS["aws_iam_policy"]["deployment"]["resources"][-1]))
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": [bucket["outputs"]["arn"]]}
    for values in (policy["inputs"], policy["outputs"]):
        values["policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    document["deployment"]["resources"].append(policy)
    return dict(document)


def test_each_bucket_has_a_secret_and_the_policy_refers_to_all() -> None:
    export = translate(parse_stack(json.dumps(multiplied(state(), 12))), states.provider_mapping())
    text = to_hcl(export.blocks)
    assert len(export.imports) == 13
    assert {variable.value for variable in export.variables.values()} == {f"token of bucket-{n}" for n in range(12)}
    assert [text.count(f"aws_s3_bucket.bucket_{number}.arn,") for number in range(11)] == [1] * 11
