"""Pure and mocks: what a caller may do."""

from sagebridge.endpoint.grants import invoke_policy

ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston"
INVOKE = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": [ENDPOINT]}
DESCRIBE = {"Effect": "Allow", "Action": "sagemaker:DescribeEndpoint", "Resource": [ENDPOINT]}
INVOKE_ASYNC = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpointAsync", "Resource": [ENDPOINT]}


def test_a_caller_may_invoke_this_endpoint_and_nothing_else() -> None:
    assert invoke_policy(ENDPOINT) == {"Version": "2012-10-17", "Statement": [INVOKE]}


def test_a_caller_with_a_bearer_token_may_use_one_on_this_endpoint_and_nothing_else() -> None:
    """AWS's own policy (Developer Guide, realtime-endpoints-openai-compatible): the token's right has no resource."""
    token = {"Effect": "Allow", "Action": "sagemaker:CallWithBearerToken", "Resource": ["*"]}
    assert invoke_policy(ENDPOINT, bearer=True) == {"Version": "2012-10-17", "Statement": [INVOKE, token]}


def test_a_caller_of_an_asynchronous_endpoint_may_describe_it_and_read_the_answers_and_failures() -> None:
    read = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::answers/boston/*", "arn:aws:s3:::failures/*"],
    }
    document = invoke_policy(ENDPOINT, ["s3://answers/boston/", "s3://failures"])
    assert document["Statement"] == [INVOKE_ASYNC, DESCRIBE, read]


def test_the_bucket_is_in_the_endpoints_partition() -> None:
    document = invoke_policy(ENDPOINT.replace("arn:aws:", "arn:aws-cn:"), ["s3://answers/a/b"])
    assert document["Statement"][2]["Resource"] == ["arn:aws-cn:s3:::answers/a/b/*"]
