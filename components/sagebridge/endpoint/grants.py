"""Grants a caller of an endpoint what it needs, and nothing else."""

from collections.abc import Sequence
from typing import TypedDict
from urllib.parse import urlsplit

import pulumi


class Statement(TypedDict):
    """What is allowed, on which resources."""

    Effect: str
    Action: str
    Resource: Sequence[str | None]


class Policy(TypedDict):
    """An IAM policy document."""

    Version: str
    Statement: list[Statement]


def invoke_policy(
    endpoint_arn: str | None, output_paths: Sequence[str] | None = None, *, bearer: bool = False
) -> Policy:
    """Returns the least policy for a caller: to invoke this endpoint and, if it is asynchronous, to read its answers.

    To call an asynchronous endpoint needs no right to S3: SageMaker reads the input and writes the answer with the
    model's execution role (Developer Guide, async-inference-create-endpoint-prerequisites), and up to 128 000 bytes may
    come with the request. But an answer stands in S3 alone, so a caller may read below the output and failure paths.
    A caller may also describe the endpoint: that tells `sagebridge invoke`, which is given the name alone, that it is
    asynchronous. Where inputs are uploaded only the caller knows; that, and keys of its own for the bucket, it needs
    from elsewhere.

    Args:
        endpoint_arn: ARN of the endpoint; None in a unit test whose mocks have none.
        output_paths: S3 URIs of an asynchronous endpoint's output and failure paths; None for any other endpoint.
        bearer: Whether the caller may use the OpenAI route, with a bearer token. That right takes no resource but `*`
            (Developer Guide, realtime-endpoints-openai-compatible); which endpoints a token reaches is decided by the
            right to invoke them.
    """
    if output_paths is None:
        with_token = [("sagemaker:CallWithBearerToken", ["*"])] if bearer else []
        return _document(("sagemaker:InvokeEndpoint", [endpoint_arn]), *with_token)
    partition = endpoint_arn.split(":")[1] if endpoint_arn else "aws"
    answers = [_objects(partition, path) for path in output_paths]
    return _document(
        ("sagemaker:InvokeEndpointAsync", [endpoint_arn]),
        ("sagemaker:DescribeEndpoint", [endpoint_arn]),
        ("s3:GetObject", answers),
    )


def invoke_policy_json(
    endpoint_arn: pulumi.Input[str], output_paths: Sequence[pulumi.Input[str]] | None, *, bearer: bool = False
) -> pulumi.Output[str]:
    """Returns the policy of :func:`invoke_policy` as JSON, once what stands in it is known.

    Args:
        endpoint_arn: ARN of the endpoint.
        output_paths: S3 URIs of an asynchronous endpoint's output and failure paths; None for any other endpoint.
        bearer: Whether the caller may use the OpenAI route.
    """
    paths = None if output_paths is None else pulumi.Output.all(*output_paths)
    policy = pulumi.Output.all(endpoint_arn, paths).apply(lambda values: invoke_policy(*values, bearer=bearer))
    return pulumi.Output.json_dumps(policy)


def _objects(partition: str, uri: str) -> str:
    location = urlsplit(uri)
    return f"arn:{partition}:s3:::{'/'.join(filter(None, [location.netloc, location.path.strip('/'), '*']))}"


def _document(*allowed: tuple[str, Sequence[str | None]]) -> Policy:
    statements = [Statement(Effect="Allow", Action=action, Resource=resources) for action, resources in allowed]
    return {"Version": "2012-10-17", "Statement": statements}
