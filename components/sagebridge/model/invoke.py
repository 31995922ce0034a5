"""Asks a SageMaker endpoint for a prediction."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

from sagebridge._aws import IMPATIENT, runtime_client, sagemaker_client, shapes
from sagebridge.errors import UserError
from sagebridge.model.asynchronous import answers_of
from sagebridge.model.aws import aws_errors
from sagebridge.model.content import open_content
from sagebridge.model.failure import why

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# SageMaker gives a container 60 s to answer.
_CONFIG = {**IMPATIENT, "read_timeout": 70}
OPTIONS = {
    "ContentType": "--content-type",
    "Accept": "--accept",
    "TargetModel": "--target-model",
    "TargetVariant": "--target-variant",
    "TargetContainerHostname": "--target-container",
}
"""The command's options, by the member of the request that each gives."""


def invoke(endpoint: str, content: str, members: Mapping[str, str], *, stream: bool, seconds: float) -> Iterator[bytes]:
    """Sends a request to an endpoint and yields the answer, as it comes.

    Args:
        endpoint: The endpoint's name.
        content: What `open_content` opens; for an asynchronous endpoint also the `s3://` URL of an object.
        members: The other members of the request, as botocore names them.
        stream: Whether the answer is asked for as a stream.
        seconds: How long to wait for an asynchronous endpoint's answer.

    Raises:
        UserError: The model answers with an error, whose last line is in the message; the endpoint does not exist, or
            does not take such a request; or AWS refuses the request or cannot be reached.
    """
    with aws_errors(f"invoke the endpoint {endpoint}"):
        async_config = _async_config(endpoint)
        client = runtime_client({}, _CONFIG)
        request: Any = {"EndpointName": endpoint, **members}
        if async_config:
            if stream:
                raise UserError(f"the endpoint {endpoint} is asynchronous and answers no stream: leave out --stream")
            _check("InvokeEndpointAsync", members)
            yield from answers_of(client, request, async_config["OutputConfig"].get("S3OutputPath"), content, seconds)
            return
        operation = "InvokeEndpointWithResponseStream" if stream else "InvokeEndpoint"
        _check(operation, members)
        with open_content(content) as file:
            request["Body"] = _read(file, operation)
        since = time.time()
        try:
            yield from (_stream if stream else _whole)(client, request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ModelError":
                raise
            raise UserError(_refusal(endpoint, error.response, since)) from error


def _whole(client: "SageMakerRuntimeClient", request: Any) -> Iterator[bytes]:  # noqa: ANN401 - members by name
    yield client.invoke_endpoint(**request)["Body"].read()


def _stream(client: "SageMakerRuntimeClient", request: Any) -> Iterator[bytes]:  # noqa: ANN401 - members by name
    try:
        for event in client.invoke_endpoint_with_response_stream(**request)["Body"]:
            yield event.get("PayloadPart", {}).get("Bytes", b"")
    except HTTPError as error:  # botocore does not turn it into its own
        raise UserError(f"the answer of {request['EndpointName']} broke off: {error}") from error


def _async_config(endpoint: str) -> Any:  # noqa: ANN401 - the structure of botocore's model
    """Returns the configuration of an asynchronous endpoint.

    None stands for any other endpoint. It also stands for one that the caller may invoke but not describe, as with
    `grant_invoke`; if that one is asynchronous, AWS refuses the request and says so.
    """
    try:
        description = sagemaker_client({}, IMPATIENT).describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return None
        raise
    return description.get("AsyncInferenceConfig")


def _check(operation: str, members: Mapping[str, str]) -> None:
    """Checks what botocore does not check of the members, which all become headers."""
    model = shapes("sagemaker-runtime")
    allowed = model[f"{operation}Input"]["members"]
    for name, value in members.items():
        if name not in allowed:
            raise UserError(f"{OPTIONS[name]} does not go with this request: {operation} has no {name}")
        longest = model[allowed[name]["shape"]]["max"]
        if not (value.isascii() and value.isprintable() and 0 < len(value) <= longest):
            raise UserError(f"{OPTIONS[name]} must have 1 to {longest} printable characters of ASCII, not {value!r}")


def _read(file: BinaryIO, operation: str) -> bytes:
    most: int = shapes("sagemaker-runtime")["BodyBlob"]["max"]
    body = file.read(most + 1)
    if len(body) > most:
        raise UserError(
            f"the input has more than {most} bytes, the most that {operation} takes;"
            " an asynchronous endpoint takes more"
        )
    return body


def _refusal(endpoint: str, response: Any, since: float) -> str:  # noqa: ANN401 - the structure of botocore's model
    status, message = response.get("OriginalStatusCode"), response.get("OriginalMessage") or ""
    outcome = f"answered {status}" if status else "gave no answer"  # the status is 0 after 60 s, for example
    return f"the model behind {endpoint} {outcome}: {why(endpoint, message, since)}"
