"""Faults on demand, for tests: AWS at its worst, when asked for.

Faults last until they struck as often as asked for, are cleared, or the server stops.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from dataclasses import asdict, dataclass, fields
from functools import cache
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from sagebridge.local import FAULTS, LocalError
from sagebridge.local.shapes import AwsError, service
from sagebridge.local.store import Moto

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.wrappers import Request

OF_REQUESTS = ("throttle", "latency", "error")  # those that --operation goes with
TIMED = ("latency", "slow")
SECONDS = 5.0  # unless asked for
_SERVICES = (
    "sagemaker",
    "sagemaker-runtime",
    "s3",
    "iam",
    "sts",
    "cloudwatch",
    "application-autoscaling",
    "sns",
    "sqs",
)
_INVOCATION = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_INVOCATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_RPC = re.compile(r"/service/[^/]+/operation/(\w+)")
_FORM = "application/x-www-form-urlencoded"


@dataclass
class Fault:
    """Something that goes wrong.

    Attributes:
        kind: one of `FAULTS`.
        operation: the operation that it strikes, such as `UpdateEndpoint` or `PutObject`; None for all.
        endpoint: the endpoint that it strikes; None for all, and for requests that name none.
        seconds: how long it takes; None for a kind that takes no time.
        times: how often it still strikes; None: until it is cleared.
    """

    kind: str
    operation: str | None = None
    endpoint: str | None = None
    seconds: float | None = None
    times: int | None = None


class Faults:
    """The faults that were asked for, the oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: list[Fault] = []

    def add(self, members: dict[str, Any]) -> None:
        """Add a fault, by the names of its attributes; the last of a kind does not replace an earlier one.

        Raises:
            LocalError: no such kind or member, a value out of its range, or a member that the kind does not have.
        """
        fault = _checked(members)
        with self._lock:
            self._found.append(fault)

    def listed(self) -> list[dict[str, Any]]:
        """Give the faults that there are."""
        with self._lock:
            return [asdict(fault) for fault in self._found]

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._found.clear()

    def take(self, kind: str, *, operation: str | None = None, endpoint: str | None = None) -> Fault | None:
        """Give the first fault that strikes here, once fewer from now on; None when all goes well."""
        with self._lock:
            for fault in self._found:
                if fault.kind == kind and fault.operation in (None, operation) and fault.endpoint in (None, endpoint):
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._found.remove(fault)
                    return fault
            return None

    def strike(self, request: Request, service_name: str | None) -> Response | None:
        """Delay a request, or refuse it in the form of its protocol.

        Args:
            request: an AWS request.
            service_name: the service that it is signed for; None when it is not signed.

        Returns:
            The answer, or None for a request that is to be answered as ever.
        """
        if not self._found:
            return None
        operation, endpoint = _called(request, service_name)
        s3 = service_name == "s3"
        if fault := self.take("latency", operation=operation, endpoint=endpoint):
            time.sleep(fault.seconds or 0)
        if s3 and self.take("s3"):
            return _answer(request, service_name, AwsError("AccessDenied", "Access Denied", http.client.FORBIDDEN))
        if self.take("throttle", operation=operation, endpoint=endpoint):
            return _answer(request, service_name, _throttled(request, service_name))
        if self.take("error", operation=operation, endpoint=endpoint):
            code = "InternalError" if s3 else "InternalFailure"
            message = "We encountered an internal error. Please try again."
            return _answer(request, service_name, AwsError(code, message, http.client.INTERNAL_SERVER_ERROR))
        return None


class FaultyMoto(Moto):
    """moto, whose S3 refuses the server itself too, when asked for."""

    def __init__(self, directory: Path, faults: Faults) -> None:
        super().__init__(directory)
        self._faults = faults

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Open an S3 object, as Moto does, unless S3 refuses."""
        return None if self._faults.take("s3") else super().open_object(bucket, key)

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """List the keys of S3 objects, as Moto does, unless S3 refuses."""
        return [] if self._faults.take("s3") else super().list_objects(bucket, prefix)

    def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Put an S3 object, as Moto does, unless S3 refuses.

        Raises:
            AwsError: `AccessDenied`, and those of Moto.
        """
        if self._faults.take("s3"):
            raise AwsError("AccessDenied", "Access Denied", http.client.FORBIDDEN)
        super().put_object(bucket, key, body, content_type)


def _checked(members: dict[str, Any]) -> Fault:
    unknown = members.keys() - {field.name for field in fields(Fault)}
    if unknown:
        raise LocalError(f"A fault has no {', '.join(sorted(unknown))}.")
    kind = members.get("kind")
    if kind not in FAULTS:
        raise LocalError(f"There is no fault {kind!r}. There are: {', '.join(FAULTS)}.")
    if "operation" in members and kind not in OF_REQUESTS:
        raise LocalError(f"Operations go with {', '.join(OF_REQUESTS)}, not with {kind}.")
    if "operation" in members and not any(members["operation"] in service(each).operation_names for each in _SERVICES):
        raise LocalError(f"There is no operation {members['operation']!r} in {', '.join(_SERVICES)}.")
    if "endpoint" in members and kind == "s3":
        raise LocalError("S3 refuses everyone, so s3 goes with no endpoint.")
    if "seconds" in members and kind not in TIMED:
        raise LocalError(f"Seconds go with {', '.join(TIMED)}, not with {kind}.")
    seconds, times = members.get("seconds", SECONDS), members.get("times")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
        raise LocalError(f"seconds must be a number, 0 or more; got {seconds!r}.")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise LocalError(f"times must be a whole number, 1 or more; got {times!r}.")
    return Fault(**(({"seconds": SECONDS} if kind in TIMED else {}) | members))


def _called(request: Request, service_name: str | None) -> tuple[str | None, str | None]:
    """Name the operation that a request asks for, and the endpoint that it names."""
    if found := _INVOCATION.fullmatch(request.path):
        return _INVOCATIONS[found[2]], found[1]
    if found := _RPC.fullmatch(request.path):
        return found[1], None
    if target := request.headers.get("X-Amz-Target"):
        try:
            endpoint = json.loads(_body(request)).get("EndpointName")
        except (ValueError, AttributeError):
            endpoint = None
        return target.rpartition(".")[2], endpoint
    if request.mimetype == _FORM:
        actions = parse_qs(_body(request).decode(errors="replace")).get("Action", [None])
        return actions[0], None
    return _s3_operation(request) if service_name == "s3" else request.args.get("Action"), None


def _body(request: Request) -> bytes:
    """Read a request's body, and leave it to be read again by who answers the request."""
    body = request.get_data()
    request.environ["wsgi.input"] = BytesIO(body)
    return body


@cache
def _s3_forms() -> list[tuple[str, str, int, dict[str, str | None]]]:
    """List S3's operations, those that ask for most first: name, method, depth of the path, what else it has."""
    found = []
    for name in service("s3").operation_names:
        operation = service("s3").operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        needed: dict[str, str | None] = {}
        for part in filter(None, query.split("&")):
            key, equals, value = part.partition("=")
            needed[key] = value if equals else None
        shape = operation.input_shape
        members = {member: shape.members[member] for member in shape.required_members} if shape else {}
        for member in members.values():
            serialized = member.serialization
            if serialized.get("location") in ("querystring", "header"):
                needed[serialized["name"]] = None
        found.append((name, operation.http["method"], len(path.strip("/").split("/")) if path != "/" else 0, needed))
    return sorted(found, key=lambda form: -len(form[3]))


def _s3_operation(request: Request) -> str | None:
    bucket, _, key = request.path.lstrip("/").partition("/")
    depth = 2 if key else int(bool(bucket))
    for name, method, deep, needed in _s3_forms():
        given = {k: request.args.get(k, request.headers.get(k)) for k in needed}
        if (
            (method, deep) == (request.method, depth)
            and all(value is not None for value in given.values())
            and all(value in (None, given[k]) for k, value in needed.items())
        ):
            return name
    return None


def _throttled(request: Request, service_name: str | None) -> AwsError:
    """Give the error of too many requests as the services have it (API references, "Common Errors")."""
    if service_name == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", http.client.SERVICE_UNAVAILABLE)
    return AwsError("Throttling" if request.mimetype == _FORM else "ThrottlingException", "Rate exceeded")


def _answer(request: Request, service_name: str | None, error: AwsError) -> Response:
    """Say an error in the form of the protocol that a request is in."""
    fields_ = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if service_name == "s3":
        return Response(f"<Error>{fields_}<RequestId>local</RequestId></Error>", error.status, mimetype="text/xml")
    if _RPC.fullmatch(request.path):
        body = b"\xa2" + b"".join(map(_cbor, ("__type", error.code, "message", error.message)))
        headers = {"smithy-protocol": "rpc-v2-cbor"}
        return Response(body, error.status, headers, mimetype="application/cbor")
    if request.mimetype == _FORM:
        who = "Sender" if error.status < http.client.INTERNAL_SERVER_ERROR else "Receiver"
        text = f"<ErrorResponse><Error><Type>{who}</Type>{fields_}</Error><RequestId>local</RequestId></ErrorResponse>"
        return Response(text, error.status, mimetype="text/xml")
    content = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
    headers = {"x-amzn-ErrorType": error.code}
    return Response(content, error.status, headers, mimetype="application/x-amz-json-1.1")


def _cbor(text: str) -> bytes:
    """Write a short text as CBOR."""
    encoded = text.encode()
    return bytes([0x78, len(encoded)]) + encoded
