"""CloudWatch in CBOR, as the AWS SDK for Go, and so Terraform and Pulumi, speak it; moto does not know CBOR.

A request is translated to AWS's JSON protocol, which moto knows, and the answer back to CBOR.
Sources: Smithy 2.0, "Smithy RPC v2 CBOR protocol"; RFC 8949 for CBOR; botocore's model for the shapes.
"""

import gzip
import json
import re
import struct
import zlib
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import RpcV2CBORParser
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from sagebridge.local.shapes import AwsError, service

_PATH = re.compile(r"/service/(GraniteServiceVersion20100801)/operation/(\w+)")
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = range(7)
"""CBOR's major types."""
_DOUBLE = b"\xfb"
_SIMPLE = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}


def in_cbor(app: WSGIApplication) -> WSGIApplication:
    """Returns an application that answers CloudWatch's requests in CBOR by one that knows its JSON protocol."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = _PATH.fullmatch(environ["PATH_INFO"])
        if path is None:
            return app(environ, start_response)
        return _answer(app, Request(environ), *path.groups())(environ, start_response)

    return answer


def decode(body: bytes) -> Any:  # noqa: ANN401 - any value
    """Reads a CBOR value; a timestamp becomes seconds since the epoch.

    Raises:
        AwsError: `SerializationException` for what is no CBOR.
    """
    parser = RpcV2CBORParser()
    try:
        return _plain(parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)))
    except Exception as error:  # botocore raises many kinds for what is no CBOR
        raise AwsError("SerializationException", f"The request's body is not CBOR: {error}") from error


def encode(value: Any, shape: Shape | None = None) -> bytes:  # noqa: ANN401 - any JSON value
    """Writes a JSON value as CBOR, in the types of a shape of botocore's; without a shape, in the value's own."""
    if isinstance(value, dict):
        pairs = [encode(name) + encode(item, _member(shape, name)) for name, item in value.items()]
        return _head(_MAP, len(value)) + b"".join(pairs)
    if isinstance(value, list):
        item_shape = shape.member if isinstance(shape, ListShape) else None
        return _head(_LIST, len(value)) + b"".join(encode(item, item_shape) for item in value)
    return _scalar(value, shape.type_name if shape else "")


def _answer(app: WSGIApplication, request: Request, target: str, operation: str) -> Response:
    try:
        asked = decode(body_of(request) or encode({}))
        status, content, headers = _call(app, request.environ, f"{target}.{operation}", asked)
    except AwsError as error:
        status, content, headers = error.status, {"__type": error.code, "message": error.message}, {}
    if operation in service("cloudwatch").operation_names and status < 300:  # noqa: PLR2004 - a success
        body = encode(content, service("cloudwatch").operation_model(operation).output_shape)
    else:
        body = encode(content)
    passed = {name: value for name, value in headers.items() if name.lower().startswith("x-amzn")}
    return Response(body, status, {**passed, "smithy-protocol": "rpc-v2-cbor"}, mimetype="application/cbor")


def body_of(request: Request) -> bytes:
    """Returns the body of a request in CBOR, unpacked.

    Raises:
        AwsError: `SerializationException` for a body that says it is packed, and is not.
    """
    body = request.get_data()
    try:
        return gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
    except (OSError, EOFError, zlib.error) as error:
        raise AwsError("SerializationException", f"The request's body is not gzip: {error}") from error


def _call(
    app: WSGIApplication, environ: WSGIEnvironment, target: str, asked: object
) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = json.dumps(asked).encode()
    dropped = ("HTTP_SMITHY_PROTOCOL", "HTTP_CONTENT_ENCODING", "HTTP_ACCEPT", "HTTP_TRANSFER_ENCODING")
    replaced = {
        "PATH_INFO": "/",
        "CONTENT_TYPE": "application/x-amz-json-1.0",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": target,
        "wsgi.input": BytesIO(body),
    }
    passed = {name: value for name, value in environ.items() if name not in (*dropped, "werkzeug.request")}
    chunks, status, headers = run_wsgi_app(app, passed | replaced, buffered=True)
    answer = b"".join(chunks)
    try:
        content = json.loads(answer or b"{}")
    except ValueError:  # moto failed
        content = {"__type": "InternalFailure", "message": answer.decode(errors="replace")}
    return int(status.split()[0]), content, dict(headers)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any CBOR value
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _scalar(value: Any, kind: str) -> bytes:  # noqa: ANN401 - any JSON value but dict and list
    if kind == "timestamp" and value is not None:
        return _head(_TAG, 1) + _DOUBLE + struct.pack(">d", float(value))
    if isinstance(value, str):
        return _head(_TEXT, len(value.encode())) + value.encode()
    if value is None or isinstance(value, bool):
        return _SIMPLE[value]
    if isinstance(value, float) or kind in ("float", "double"):
        return _DOUBLE + struct.pack(">d", value)
    return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)


def _member(shape: Shape | None, name: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        return shape.members.get(name)
    return shape.value if isinstance(shape, MapShape) else None


def _head(major: int, value: int) -> bytes:
    """Returns a major type with its number, in as few bytes as it needs."""
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < info and size == 1:
            return bytes([major << 5 | value])
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError(f"{value} has more than 64 bits")
