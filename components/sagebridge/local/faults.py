"""Faults on demand, for tests: AWS at its worst, when asked for.

A fault lasts until it has struck as often as asked for, is cleared, or the server stops.
"""

import http.client
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from werkzeug.wrappers import Request, Response

from sagebridge.errors import UserError
from sagebridge.local import FAULTS
from sagebridge.local.protocols import call_of, error_answer, signed_for, throttled
from sagebridge.local.shapes import AwsError, service
from sagebridge.local.store import Moto

OF_REQUESTS = ("throttle", "latency", "error")
"""The kinds that an operation goes with."""
TIMED = ("latency", "slow")
"""The kinds that take time."""
SECONDS = 5.0
"""How long a fault takes unless asked for otherwise."""
_SERVICES = (
    "sagemaker",
    "sagemaker-runtime",
    "s3",
    "iam",
    "sts",
    "cloudwatch",
    "logs",
    "application-autoscaling",
    "sns",
    "sqs",
)


@dataclass
class Fault:
    """Something that goes wrong."""

    kind: str
    """One of `FAULTS`."""
    operation: str | None = None
    """The operation that it strikes, such as `UpdateEndpoint` or `PutObject`; None for all."""
    endpoint: str | None = None
    """The endpoint that it strikes; None for all, and for requests that name none."""
    seconds: float | None = None
    """How long it takes; None for a kind that takes no time."""
    times: int | None = None
    """How often it still strikes; None until it is cleared."""


class Faults:
    """The faults that were asked for, the oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, members: dict[str, Any]) -> None:
        """Adds a fault; it does not replace an earlier one of its kind.

        Args:
            members: the fields of the fault, by their names.

        Raises:
            UserError: there is no such kind or field, or a value does not fit.
        """
        fault = _checked(members)
        with self._lock:
            self._faults.append(fault)

    def listed(self) -> list[dict[str, Any]]:
        """Returns the faults as JSON objects."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, kind: str, *, operation: str | None = None, endpoint: str | None = None) -> Fault | None:
        """Returns the first fault of a kind that strikes, and counts that; returns None if none does."""
        with self._lock:
            for fault in self._faults:
                if fault.kind == kind and fault.operation in (None, operation) and fault.endpoint in (None, endpoint):
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._faults.remove(fault)
                    return fault
            return None

    def strike(self, request: Request) -> Response | None:
        """Delays an AWS request, or refuses it in the form of its protocol.

        Returns:
            The refusal, or None for a request that is to be answered as usual.
        """
        if not self._faults:
            return None
        operation, endpoint = call_of(request)
        is_s3 = signed_for(request)[1] == "s3"
        if fault := self.take("latency", operation=operation, endpoint=endpoint):
            time.sleep(fault.seconds or 0)
        if is_s3 and self.take("s3"):
            return error_answer(request, AwsError("AccessDenied", "Access Denied", http.client.FORBIDDEN))
        if self.take("throttle", operation=operation, endpoint=endpoint):
            return error_answer(request, throttled(request))
        if self.take("error", operation=operation, endpoint=endpoint):
            code = "InternalError" if is_s3 else "InternalFailure"
            message = "We encountered an internal error. Please try again."
            return error_answer(request, AwsError(code, message, http.client.INTERNAL_SERVER_ERROR))
        return None


class FaultyMoto(Moto):
    """moto whose S3 also refuses the server itself, when asked for."""

    def __init__(self, directory: Path, faults: Faults) -> None:
        super().__init__(directory)
        self._faults = faults

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Opens an S3 object, as Moto does, unless S3 refuses."""
        return None if self._faults.take("s3") else super().open_object(bucket, key)

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """Returns the keys of S3 objects, as Moto does, unless S3 refuses."""
        return [] if self._faults.take("s3") else super().list_objects(bucket, prefix)

    def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Puts an S3 object, as Moto does, unless S3 refuses.

        Raises:
            AwsError: `AccessDenied`, and the errors of Moto.
        """
        if self._faults.take("s3"):
            raise AwsError("AccessDenied", "Access Denied", http.client.FORBIDDEN)
        super().put_object(bucket, key, body, content_type)


def _checked(members: dict[str, Any]) -> Fault:
    unknown = members.keys() - {field.name for field in fields(Fault)}
    if unknown:
        raise UserError(f"A fault has no {', '.join(sorted(unknown))}.")
    kind, operation = members.get("kind"), members.get("operation")
    if kind not in FAULTS:
        raise UserError(f"There is no fault {kind!r}. There are: {', '.join(FAULTS)}.")
    if "operation" in members and kind not in OF_REQUESTS:
        raise UserError(f"Operations go with {', '.join(OF_REQUESTS)}, not with {kind}.")
    if "operation" in members and not any(operation in service(name).operation_names for name in _SERVICES):
        raise UserError(f"There is no operation {operation!r} in {', '.join(_SERVICES)}.")
    if "endpoint" in members and kind == "s3":
        raise UserError("S3 refuses everyone, so s3 goes with no endpoint.")
    if "seconds" in members and kind not in TIMED:
        raise UserError(f"Seconds go with {', '.join(TIMED)}, not with {kind}.")
    seconds, times = members.get("seconds", SECONDS), members.get("times")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
        raise UserError(f"seconds must be a number, 0 or more; got {seconds!r}.")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise UserError(f"times must be a whole number, 1 or more; got {times!r}.")
    return Fault(**(({"seconds": SECONDS} if kind in TIMED else {}) | members))
