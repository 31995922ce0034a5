"""AWS's protocols over HTTP: which operation a request asks for, and how its answer and its errors are written."""

import http.client
import json
import re
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from sagebridge.local.cloudwatch.cbor import encode
from sagebridge.local.shapes import AwsError, Record, service

_SIGNATURE = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_INVOCATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_FORM = "application/x-www-form-urlencoded"


class Call(NamedTuple):
    """What a request asks for."""

    operation: str | None
    """The operation, such as `UpdateEndpoint`; None if the request does not say."""
    endpoint: str | None
    """The SageMaker endpoint that the request names, if any."""


class _S3Form(NamedTuple):
    """What requests for an operation of S3 look like."""

    operation: str
    method: str
    depth: int
    """The number of parts of the path: 0 for none, 1 for a bucket, 2 for a key."""
    needed: dict[str, str | None]
    """What the query or the headers must have; None for any value."""


def signed_for(request: Request) -> tuple[str | None, str | None]:
    """Returns the region and the service that a request is signed for, each None if it is not signed."""
    signature = _SIGNATURE.search(request.headers.get("Authorization", ""))
    return (signature[1], signature[2]) if signature else (None, None)


def target(request: Request) -> str:
    """Returns the service and operation that a JSON request asks for, such as `SageMaker.CreateModel`, else nothing."""
    return request.headers.get("X-Amz-Target", "")


def invocation(path: str) -> tuple[str, str] | None:
    """Returns the endpoint and the operation of SageMaker Runtime that a path names; None for other paths."""
    parts = _INVOCATION.fullmatch(path)
    return (parts[1], _INVOCATIONS[parts[2]]) if parts else None


def call_of(request: Request) -> Call:
    """Returns what a request asks for, in whichever protocol it is."""
    if invoked := invocation(request.path):
        endpoint, operation = invoked
        return Call(operation, endpoint)
    if path := _CBOR_PATH.fullmatch(request.path):
        return Call(path[1], None)
    if json_target := target(request):
        try:
            endpoint = json.loads(read_body(request)).get("EndpointName")
        except (ValueError, AttributeError):
            return Call(json_target.rpartition(".")[2], None)
        return Call(json_target.rpartition(".")[2], endpoint)
    if request.mimetype == _FORM:
        actions = parse_qs(read_body(request).decode(errors="replace")).get("Action", [None])
        return Call(actions[0], None)
    _, service_name = signed_for(request)
    return Call(_s3_operation(request) if service_name == "s3" else request.args.get("Action"), None)


def read_body(request: Request) -> bytes:
    """Reads a request's body, and leaves it for whoever answers the request."""
    body = request.get_data()
    request.environ["wsgi.input"] = BytesIO(body)
    return body


def read_json(request: Request) -> Record:
    """Reads the JSON object of a request's body, without members that are null.

    Raises:
        AwsError: `SerializationException` for another body.
    """
    try:
        content = json.loads(read_body(request) or b"{}", object_hook=_without_null)
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", f"The request's body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise AwsError("SerializationException", "The request's body is not a JSON object.")
    return content


def json_answer(content: object, status: int = 200) -> Response:
    """Returns an answer in AWS's JSON protocol."""
    return Response(json.dumps(content), status, mimetype="application/x-amz-json-1.1")


def json_error(error: AwsError) -> Response:
    """Returns an error in AWS's JSON protocol."""
    content = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
    answer = json_answer(content, error.status)
    answer.headers["x-amzn-ErrorType"] = error.code
    return answer


def error_answer(request: Request, error: AwsError) -> Response:
    """Returns an error in the protocol of the request."""
    xml = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if signed_for(request)[1] == "s3":
        return Response(f"<Error>{xml}<RequestId>local</RequestId></Error>", error.status, mimetype="text/xml")
    if _CBOR_PATH.fullmatch(request.path):
        content = encode({"__type": error.code, "message": error.message})
        return Response(content, error.status, {"smithy-protocol": "rpc-v2-cbor"}, mimetype="application/cbor")
    if request.mimetype == _FORM:
        at_fault = "Sender" if error.status < http.client.INTERNAL_SERVER_ERROR else "Receiver"
        text = f"<ErrorResponse><Error><Type>{at_fault}</Type>{xml}</Error><RequestId>local</RequestId></ErrorResponse>"
        return Response(text, error.status, mimetype="text/xml")
    return json_error(error)


def throttled(request: Request) -> AwsError:
    """Returns the error of too many requests as the services have it (API references, "Common Errors")."""
    if signed_for(request)[1] == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", http.client.SERVICE_UNAVAILABLE)
    return AwsError("Throttling" if request.mimetype == _FORM else "ThrottlingException", "Rate exceeded")


def _without_null(value: Record) -> Record:
    return {name: item for name, item in value.items() if item is not None}


def _s3_operation(request: Request) -> str | None:
    bucket, _, key = request.path.lstrip("/").partition("/")
    depth = 2 if key else int(bool(bucket))
    for form in _s3_forms():
        if (form.method, form.depth) == (request.method, depth) and _has(request, form.needed):
            return form.operation
    return None


def _has(request: Request, needed: dict[str, str | None]) -> bool:
    values = {name: request.args.get(name, request.headers.get(name)) for name in needed}
    return all(values[name] is not None and value in (None, values[name]) for name, value in needed.items())


@cache
def _s3_forms() -> list[_S3Form]:
    """Returns the forms of S3's operations, those that need most first."""
    forms = []
    for name in service("s3").operation_names:
        operation = service("s3").operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        needed: dict[str, str | None] = {}
        for part in filter(None, query.split("&")):
            key, equals, value = part.partition("=")
            needed[key] = value if equals else None
        shape: Any = operation.input_shape
        for member in shape.required_members if shape else ():
            serialization = shape.members[member].serialization
            if serialization.get("location") in ("querystring", "header"):
                needed[serialization["name"]] = None
        depth = len(path.strip("/").split("/")) if path != "/" else 0
        forms.append(_S3Form(name, operation.http["method"], depth, needed))
    return sorted(forms, key=lambda form: -len(form.needed))
