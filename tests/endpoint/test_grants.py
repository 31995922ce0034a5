"""Pure and mocks: what a caller may do."""

import json
from collections.abc import Callable

import pulumi

from sagebridge.endpoint.grants import grant_invoke, invoke_policy
from tests.mocks import Monitor

ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston"
INVOKE = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": [ENDPOINT]}
INVOKE_ASYNC = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpointAsync", "Resource": [ENDPOINT]}


def test_a_caller_may_invoke_this_endpoint_and_nothing_else() -> None:
    assert invoke_policy(ENDPOINT) == {"Version": "2012-10-17", "Statement": [INVOKE]}


def test_a_caller_of_an_asynchronous_endpoint_may_read_the_answers_and_failures_too() -> None:
    read = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::answers/boston/*", "arn:aws:s3:::failures/*"],
    }
    document = invoke_policy(ENDPOINT, ["s3://answers/boston/", "s3://failures"])
    assert document["Statement"] == [INVOKE_ASYNC, read]


def test_the_bucket_is_in_the_endpoints_partition() -> None:
    document = invoke_policy(ENDPOINT.replace("arn:aws:", "arn:aws-cn:"), ["s3://answers/a/b"])
    assert document["Statement"][1]["Resource"] == ["arn:aws-cn:s3:::answers/a/b/*"]


def test_a_role_gets_the_policy(run: Callable[[Callable[[], object]], Monitor]) -> None:
    def program() -> None:
        arn, path = pulumi.Output.from_input(ENDPOINT), pulumi.Output.from_input("s3://answers")
        grant_invoke("caller", "caller-role", arn, None, pulumi.ResourceOptions())
        grant_invoke("client", pulumi.Output.from_input("client-role"), arn, [path], pulumi.ResourceOptions())

    seen = run(program)
    policies = {made.name: made.inputs for made in seen.registered if made.type == "aws:iam/rolePolicy:RolePolicy"}
    assert policies["caller"]["role"] == "caller-role"
    assert json.loads(policies["caller"]["policy"]) == invoke_policy(ENDPOINT)
    assert policies["client"]["role"] == "client-role"
    assert json.loads(policies["client"]["policy"]) == invoke_policy(ENDPOINT, ["s3://answers"])
