"""Asks a SageMaker endpoint for a prediction."""

from botocore.config import Config
from botocore.exceptions import ClientError

from sagebridge._aws import IMPATIENT, runtime_client
from sagebridge.errors import UserError
from sagebridge.model.aws import aws_errors

# SageMaker gives a container 60 s to answer.
_CONFIG = IMPATIENT.merge(Config(read_timeout=70))


def invoke(endpoint: str, body: str) -> str:
    """Sends a JSON request to an endpoint and returns the JSON that it answers.

    Raises:
        UserError: The model answers with an error, whose status and body are in the message; the endpoint does not
            exist; or AWS refuses the request or cannot be reached.
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
            raise UserError(
                f"the model behind {endpoint} answered {details.get('OriginalStatusCode')}:"
                f" {details.get('OriginalMessage')} (its log: {details.get('LogStreamArn')})"
            ) from error
        return response["Body"].read().decode()
