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
_OPENAI = re.compile(r"/endpoints/([^/]+)/openai(/v1(?:/.*)?)")
_INVOCATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_FORM = "application/x-www-form-urlencoded"
_REST_XML = ("cloudfront", "route53")
"""The services besides those of S3 whose protocol is REST with XML (botocore, the metadata of each service)."""
_S3_CONTROL = "/v20180820/"
"""What the paths of S3 Control begin with, whose requests are signed for S3 (botocore, `s3control`)."""


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


def service_of(request: Request) -> str:
    """Returns the name for which a request is signed, such as `iam`; for one that is not signed, what its target names.

    moto takes every other request for one to S3.
    """
    return signed_for(request)[1] or target(request).partition(".")[0] or "s3"


def is_s3(request: Request) -> bool:
    """Returns whether a request is signed for S3 itself, and not for S3 Control."""
    return signed_for(request)[1] == "s3" and not request.path.startswith(_S3_CONTROL)


def is_form(request: Request) -> bool:
    """Returns whether a request is in AWS's Query protocol."""
    return request.mimetype == _FORM


def is_cbor(request: Request) -> bool:
    """Returns whether a request is in AWS's CBOR protocol."""
    return _CBOR_PATH.fullmatch(request.path) is not None


def target(request: Request) -> str:
    """Returns the service and operation that a JSON request asks for, such as `SageMaker.CreateModel`, else nothing."""
    return request.headers.get("X-Amz-Target", "")


def invocation(path: str) -> tuple[str, str] | None:
    """Returns the endpoint and the operation of SageMaker Runtime that a path names; None for other paths."""
    parts = _INVOCATION.fullmatch(path)
    return (parts[1], _INVOCATIONS[parts[2]]) if parts else None


def openai_call(request: Request) -> tuple[str, str] | None:
    """Returns the endpoint and the path of OpenAI's API that a request asks for; None for other requests."""
    parts = _OPENAI.fullmatch(request.path)
    is_for_s3 = is_s3(request) or not {"Signature", "X-Amz-Signature"}.isdisjoint(request.args)
    return (parts[1], parts[2]) if parts and not is_for_s3 else None


def call_of(request: Request) -> Call:
    """Returns what a request asks for, in whichever protocol it is."""
    invoked = invocation(request.path)
    if openai := openai_call(request):
        invoked = openai[0], "InvokeEndpoint"
    if invoked:
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
    if is_form(request):
        actions = parse_qs(read_body(request).decode(errors="replace")).get("Action", [None])
        return Call(actions[0], None)
    return Call(_s3_operation(request) if is_s3(request) else request.args.get("Action"), None)


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
    xml = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if is_s3(request):
        return _xml_answer(f"<Error>{xml}<RequestId>local</RequestId></Error>", error)
    if is_cbor(request):
        content = encode({"__type": error.code, "message": error.message})
        return Response(content, error.status, {"smithy-protocol": "rpc-v2-cbor"}, mimetype="application/cbor")
    if service_of(request) == "ec2":
        return _xml_answer(
            f"<Response><Errors><Error>{xml}</Error></Errors><RequestID>local</RequestID></Response>", error
        )
    if is_form(request) or service_of(request) in _REST_XML or request.path.startswith(_S3_CONTROL):
        at_fault = "Sender" if error.status < http.client.INTERNAL_SERVER_ERROR else "Receiver"
        text = f"<ErrorResponse><Error><Type>{at_fault}</Type>{xml}</Error><RequestId>local</RequestId></ErrorResponse>"
        return _xml_answer(text, error)
    return json_error(error)


def _xml_answer(text: str, error: AwsError) -> Response:
    return Response(text, error.status, mimetype="text/xml")


def throttled(request: Request) -> AwsError:
    """Returns the error of too many requests as the services have it (API references, "Common Errors")."""
    if signed_for(request)[1] == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", http.client.SERVICE_UNAVAILABLE)
    return AwsError("Throttling" if is_form(request) else "ThrottlingException", "Rate exceeded")


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
