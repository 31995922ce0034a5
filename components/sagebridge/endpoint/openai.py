"""Where clients of OpenAI's API find an endpoint.

Source: SageMaker Developer Guide, realtime-endpoints-openai-compatible; aws-samples/sagemaker-genai-hosting-examples at
d8657d6, 03-features/openai/sagemaker-inference-openai-api.ipynb.
"""

from sagebridge import _aws


def base_url(endpoint_name: str, endpoint_arn: str | None, settings: _aws.Settings) -> str:
    """Returns the base URL of an endpoint.

    It begins as botocore has it for the endpoint's region and partition, or as the environment or the profile says, so
    that an endpoint of the local AWS is called there.

    Args:
        endpoint_name: Name of the endpoint.
        endpoint_arn: ARN of the endpoint; None in a unit test whose mocks have none.
        settings: Settings of the AWS provider.
    """
    region = endpoint_arn.split(":")[3] if endpoint_arn else _aws.region(settings) or "us-east-1"
    return f"{_aws.runtime_url(settings, region)}/endpoints/{endpoint_name}/openai/v1"
