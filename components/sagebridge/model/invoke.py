"""Asks a SageMaker endpoint for a prediction."""

from botocore.config import Config
from botocore.exceptions import ClientError

from sagebridge._aws import IMPATIENT, runtime_client
from sagebridge.model.aws import aws_errors
from sagebridge.model.errors import CommandError

# SageMaker gives a container 60 s to answer.
_CONFIG = IMPATIENT.merge(Config(read_timeout=70))


def invoke(endpoint: str, body: str) -> str:
    """Send a JSON request to an endpoint and return the JSON that it answers.

    Raises:
        CommandError: The model answers with an error (the message has its status and body), there is no such
            endpoint, or AWS refuses or cannot be reached.
    """
    with aws_errors(f"invoke the endpoint {endpoint}"):
        client = runtime_client({}, _CONFIG)
        try:
            response = client.invoke_endpoint(
                EndpointName=endpoint,
                Body=body.encode(),
                ContentType="application/json",
                Accept="application/json",
            )
        except ClientError as error:
            details = error.response
            if details["Error"]["Code"] != "ModelError":
                raise
            raise CommandError(
                f"the model behind {endpoint} answered {details.get('OriginalStatusCode')}:"
                f" {details.get('OriginalMessage')} (its log: {details.get('LogStreamArn')})"
            ) from error
        return response["Body"].read().decode()
