"""Where an endpoint's log is: the CloudWatch log group to which SageMaker sends what the containers print.

Source: SageMaker's guide, "Log groups and streams that Amazon SageMaker AI sends to Amazon CloudWatch Logs". A stream
is `VARIANT/INSTANCE`, or for a pipeline `VARIANT/INSTANCE/CONTAINER`; `VARIANT/INSTANCE/data-log` says what became of
asynchronous requests.
"""

GROUPS = "/aws/sagemaker/Endpoints/"
"""What the names of the log groups of all endpoints begin with."""


def log_group(endpoint: str) -> str:
    """Returns the name of the log group of an endpoint."""
    return GROUPS + endpoint
