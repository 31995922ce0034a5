"""SageMaker Runtime over HTTP: reads requests by botocore's model, and answers in AWS's form."""

import contextlib
import http.client
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from sagebridge.local import protocols
from sagebridge.local.serving.asynchronous import INLINE_BYTES, Asynchronous
from sagebridge.local.serving.invocations import Invocations
from sagebridge.local.serving.request import Request
from sagebridge.local.shapes import AwsError, check, service

BODY_LIMIT: int = service("sagemaker-runtime").shape_for("BodyBlob").metadata["max"]
"""Bytes of a request; 6 MB."""
_FOR_CONTAINERS = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "InferenceId": "x-amzn-sagemaker-inference-id",
    "SessionId": "x-amzn-sagemaker-session-id",
    "TargetModel": "x-amzn-sagemaker-target-model",
    "TargetContainerHostname": "x-amzn-sagemaker-target-container-hostname",
    "EnableExplanations": "x-amzn-sagemaker-enable-explanations",
}
"""The headers that a container gets, by the members of the request that they carry."""
_FOR_CALLERS = (
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-new-session-id",
    "x-amzn-sagemaker-closed-session-id",
)
"""The headers of a container's answer that the caller gets."""
_VARIANT = "x-Amzn-Invoked-Production-Variant"
_BINARY = "application/octet-stream"


class Runtime:
    """Answers what is sent to `runtime.sagemaker`.

    Args:
        invocations: takes the requests that wait for an answer.
        asynchronous: takes the other requests.
    """

    def __init__(self, invocations: Invocations, asynchronous: Asynchronous) -> None:
        self._invocations = invocations
        self._asynchronous = asynchronous

    def __call__(self, request: HttpRequest) -> Response:
        """Answers a request.

        Raises:
            AwsError: as AWS would answer.
        """
        endpoint, operation = _invocation(request)
        asked = {"EndpointName": endpoint, **_members(endpoint, operation, request)}
        if "InferenceComponentName" in asked:
            raise AwsError("ValidationError", f"Endpoint {endpoint} has no inference components.")
        if operation == "InvokeEndpointAsync":
            return self._accept(asked, request)
        body = request.stream.read(BODY_LIMIT + 1)
        invocation = Request(
            endpoint,
            body,
            for_containers(asked),
            asked.get("TargetVariant"),
            asked.get("TargetModel"),
            asked.get("TargetContainerHostname"),
        )
        return self._stream(invocation) if operation == "InvokeEndpointWithResponseStream" else self._invoke(invocation)

    def _invoke(self, invocation: Request) -> Response:
        variant, answer = self._invocations.invoke(invocation, BODY_LIMIT)
        content_type = answer.headers.get("content-type", _BINARY)
        headers = {"Content-Type": content_type, _VARIANT: variant, **_for_callers(answer.headers)}
        return Response(answer.body, headers=headers)

    def _stream(self, invocation: Request) -> Response:
        with contextlib.ExitStack() as stack:
            variant, answer_headers, chunks = stack.enter_context(self._invocations.stream(invocation, BODY_LIMIT))
            headers = {
                "Content-Type": "application/vnd.amazon.eventstream",
                "X-Amzn-SageMaker-Content-Type": answer_headers.get("content-type", _BINARY),
                _VARIANT: variant,
                **_for_callers(answer_headers),
            }
            response = Response(_events(chunks), headers=headers)
            response.call_on_close(stack.pop_all().close)
        return response

    def _accept(self, asked: dict[str, Any], request: HttpRequest) -> Response:
        body = request.stream.read(INLINE_BYTES + 1)
        inference_id, output, failure = self._asynchronous.accept(asked, body, for_containers(asked))
        headers = {"X-Amzn-SageMaker-OutputLocation": output}
        if failure:
            headers["X-Amzn-SageMaker-FailureLocation"] = failure
        answer = json.dumps({"InferenceId": inference_id})
        return Response(answer, http.client.ACCEPTED, headers=headers, mimetype="application/json")


def for_containers(asked: Mapping[str, Any]) -> dict[str, str]:
    """Returns the headers that a container gets, from the members of a request."""
    return {header: asked[member] for member, header in _FOR_CONTAINERS.items() if member in asked}


def event(kind: str, name: str, payload: bytes, content_type: str) -> bytes:
    """Returns one message of an AWS event stream.

    Source: AWS's event stream encoding (Amazon Transcribe's guide, "Event stream encoding"), as botocore reads it.

    Args:
        kind: `event` or `exception`.
        name: the name of the event or exception, such as `PayloadPart`.
        payload: the content.
        content_type: the MIME type of the content.
    """
    text = 7  # AWS's number for a header value that is text
    pairs = ((":message-type", kind), (f":{kind}-type", name), (":content-type", content_type))
    headers = b"".join(
        struct.pack("!B", len(key)) + key.encode() + struct.pack("!BH", text, len(value)) + value.encode()
        for key, value in pairs
    )
    prelude = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _events(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields an answer as it comes, in events; the last one says what broke it off, if anything did."""
    try:
        for chunk in chunks:
            yield event("event", "PayloadPart", chunk, _BINARY)
    except TimeoutError:
        yield _broken("ModelInvocationTimeExceeded", "The model did not send all of the response in time.")
    except (OSError, http.client.HTTPException):
        yield _broken("StreamBroken", "The connection between the client and the model was closed.")


def _broken(code: str, message: str) -> bytes:
    content = json.dumps({"Message": message, "ErrorCode": code}).encode()
    return event("exception", "ModelStreamError", content, "application/json")


def _invocation(request: HttpRequest) -> tuple[str, str]:
    """Returns the endpoint and the operation that a request asks for."""
    invoked = protocols.invocation(request.path)
    if invoked is None or request.method != "POST":
        message = f"The local AWS does not serve {request.method} {request.path}."
        raise AwsError("UnknownOperationException", message)
    return invoked


def _members(endpoint: str, operation: str, request: HttpRequest) -> dict[str, Any]:
    """Returns the members that come as headers.

    Raises:
        AwsError: `ValidationError` for values that botocore's model does not allow.
    """
    model = service("sagemaker-runtime").operation_model(operation)
    assert model.input_shape is not None  # noqa: S101 - all of the operations have one
    members: dict[str, Any] = {}
    for name, shape in model.input_shape.members.items():
        value = request.headers.get(shape.serialization.get("name", ""))
        if value is not None and shape.serialization.get("location") == "header":
            members[name] = int(value) if shape.type_name == "integer" and value.isdecimal() else value
    try:
        check(model, {"EndpointName": endpoint, "Body": b"", **members})
    except AwsError as error:
        raise AwsError("ValidationError", error.message) from error
    return members


def _for_callers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _FOR_CALLERS if name in headers}
