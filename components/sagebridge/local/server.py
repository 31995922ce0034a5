"""The server: one WSGI application on the loopback address, moto for all services but SageMaker.

Started by `sagebridge local start` as `sagebridge local.server DIRECTORY`. While it runs it holds a lock on
`DIRECTORY/lock`, so that there is never a second one, and describes itself in `DIRECTORY/server.json` and, to
who asks, at `/_local`.
"""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import re
import signal
import socket
import sys
import time
import uuid
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from sagebridge.files import write_file
from sagebridge.local import CONTROL_PATH, PORT, REGION, LocalError
from sagebridge.local.cloudwatch.cbor import in_cbor
from sagebridge.local.cloudwatch.endpoints import Gauges
from sagebridge.local.console.page import RECENT, Console, Sources
from sagebridge.local.console.views import facts
from sagebridge.local.control import write_config
from sagebridge.local.faults import Faults, FaultyMoto
from sagebridge.local.monitoring import TARGET, Monitoring
from sagebridge.local.runtime import Runtime
from sagebridge.local.sagemaker.service import WORK, SageMaker, empty_state
from sagebridge.local.serving.asynchronous import Asynchronous
from sagebridge.local.serving.capture import Capture
from sagebridge.local.serving.hosting import Hosting
from sagebridge.local.serving.http11 import KeepAlive
from sagebridge.local.serving.invocations import Invocation, Invocations
from sagebridge.local.shapes import AwsError
from sagebridge.local.times import SettableTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOOPBACK_NAMES = re.compile(r"(127\.0\.0\.1|localhost|[a-z0-9.-]+\.localhost)(:\d+)?")
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class Server:
    """Everything behind the one port.

    Args:
        directory: where the state is.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._faults = Faults()
        self._moto = FaultyMoto(directory / "state", self._faults)
        file = directory / "state" / "sagemaker.json"
        state = json.loads(file.read_text()) if file.exists() else empty_state()
        self._sagemaker = SageMaker(
            state,
            lambda state: write_file(file, json.dumps(state).encode()),
            lambda endpoint: self._monitoring.scaling.registered(endpoint),  # noqa: PLW0108 - made further down
        )
        self._times = SettableTimes(directory / "settings.json")
        self._hosting = Hosting(self._sagemaker, self._moto, directory / "endpoints", self._times, self._faults)
        self._capture = Capture(self._moto)
        recent: deque[Invocation] = deque(maxlen=RECENT)
        observers = [recent.appendleft]
        self._invocations = Invocations(self._hosting.route, observers, self._capture)
        self._asynchronous = Asynchronous(
            self._invocations, self._hosting.route, self._moto, directory / "state" / "queue"
        )
        self._runtime = Runtime(self._invocations, self._asynchronous)
        self._console = Console(
            Sources(
                self._sagemaker,
                self._hosting.shares,
                self._invocations.invoke,
                recent,
                self._moto.alarm_states,
                lambda: facts(self._described(), self._times(), self._faults.listed()),
                directory / "endpoints",
            )
        )
        gauges = Gauges(self._asynchronous.backlog, self._asynchronous.waited, self._hosting.loads)
        self._monitoring = Monitoring(directory / "state", self._moto, self.sagemaker, self._times, gauges)
        observers.append(self._monitoring.observe)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        region, service_name = _scope(request)
        if refusal := _foreign(request):
            answer = Response(refusal, 403, mimetype="text/plain")
        elif self._console.serves(request):
            answer = self._console(request)
        elif request.path == CONTROL_PATH:
            answer = _json(self._described())
        elif request.path == f"{CONTROL_PATH}/times":
            answer = _settings(request, lambda members: asdict(self._times.change(members)))
        elif request.path == f"{CONTROL_PATH}/faults":
            answer = _settings(request, self._change_faults)
        elif struck := self._faults.strike(request, service_name):
            answer = struck
        elif request.headers.get("X-Amz-Target", "").startswith("SageMaker.") or service_name == "sagemaker":
            try:
                _check_region(region)
                answer = self._answer_sagemaker(request)
            except AwsError as error:
                answer = _error(error)
        elif request.headers.get("X-Amz-Target", "").startswith(TARGET):
            return self._answer_scaling(request)(environ, start_response)
        else:
            return in_cbor(self._moto)(environ, start_response)
        answer.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return answer(environ, start_response)

    def sagemaker(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Carry out one SageMaker operation, such as `UpdateEndpoint`, and begin the work that follows from it.

        Raises:
            AwsError: as AWS would answer.
        """
        answer = self._sagemaker.call(operation, asked)
        if operation in WORK:
            self._hosting.work(asked["EndpointName"])
        if operation == "DeleteEndpoint":
            self._monitoring.scaling.forget(asked["EndpointName"])
        return answer

    def _change_faults(self, members: dict[str, Any]) -> dict[str, Any]:
        """Add a fault, forget all with `clear`, or change nothing; give those that there are."""
        if members.pop("clear", False):
            self._faults.clear()
        elif members:
            self._faults.add(members)
        return {"faults": self._faults.listed()}

    def close(self) -> None:
        """End the workers."""
        self._monitoring.close()
        self._asynchronous.close()
        self._invocations.close()
        self._capture.flush()
        self._hosting.close()

    def _described(self) -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "directory": str(self._directory),
            "endpoints": self._sagemaker.count_endpoints(),
            "buckets": self._moto.count_buckets(),
        }

    def _answer_scaling(self, request: Request) -> WSGIApplication:
        """Answer a request to Application Auto Scaling, those for other services than SageMaker by moto."""
        body = request.get_data()
        request.environ["wsgi.input"] = io.BytesIO(body)
        try:
            asked = json.loads(body or b"{}", object_hook=_without_null)
            if not isinstance(asked, dict):
                raise ValueError(f"it is a {type(asked).__name__}")  # noqa: TRY301, TRY004 - as what json raises
            if not self._monitoring.scaling.serves(asked):
                return self._moto
            return _json(self._monitoring.scaling.call(request.headers["X-Amz-Target"].removeprefix(TARGET), asked))
        except (ValueError, RecursionError) as error:
            return _error(AwsError("SerializationException", f"The request's body is not a JSON object: {error}"))
        except AwsError as error:
            return _error(error)

    def _answer_sagemaker(self, request: Request) -> Response:
        if self._runtime.serves(request):
            return self._runtime(request)
        target = request.headers.get("X-Amz-Target", "")
        if not target:
            message = f"The local AWS does not serve {request.method} {request.path}."
            raise AwsError("UnknownOperationException", message)
        try:
            asked = json.loads(request.get_data() or b"{}", object_hook=_without_null)
        except (ValueError, RecursionError) as error:
            raise AwsError("SerializationException", f"The request's body is not JSON: {error}") from error
        operation = target.removeprefix("SageMaker.")
        return _json(self.sagemaker(operation, asked))


def _settings(request: Request, change: Callable[[dict[str, Any]], object]) -> Response:
    """Answer a request for settings: those that the body names are changed, all are answered."""
    try:
        members = json.loads(request.get_data() or b"{}")
        if isinstance(members, dict):
            return _json(change(members))
        problem: object = "The request's body must be a JSON object."
    except (LocalError, ValueError) as error:
        problem = error
    return _json({"message": str(problem)}, 400)


def _scope(request: Request) -> tuple[str | None, str | None]:
    """Read the region and the service that a request is signed for."""
    found = _SCOPE.search(request.headers.get("Authorization", ""))
    return (found[1], found[2]) if found else (None, None)


def _check_region(region: str | None) -> None:
    if region not in (None, REGION):
        raise AwsError(
            "ValidationException",
            f"The local AWS has SageMaker in {REGION} only; the request was for {region}.",
        )


def _foreign(request: Request) -> str | None:
    """Say why a request is refused that a page from elsewhere, open in the user's browser, may have sent."""
    if not _LOOPBACK_NAMES.fullmatch(request.host):
        return f"Refused: the local AWS answers at 127.0.0.1 and localhost, not at {request.host}.\n"
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return f"Refused: the request comes from a page of {origin}.\n"
    return None


def _without_null(value: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if item is not None}


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/x-amz-json-1.1")


def _error(error: AwsError) -> Response:
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
    answer = _json(body, error.status)
    answer.headers["x-amzn-ErrorType"] = error.code
    return answer


class _Handler(KeepAlive, MotoRequestHandler):
    """Logs a line for each request, without werkzeug's colours."""

    disable_nagle_algorithm = True  # else an answer's end may wait for the client's next packet

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - werkzeug's signature
        if self.path != CONTROL_PATH:
            target = self.headers.get("X-Amz-Target", "")
            logging.getLogger("requests").info("%s %s %s %s", self.command, self.path, target, code)


def _listen() -> socket.socket:
    """Listen on the usual port, or on a free one when that is taken."""
    for port in (PORT, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise LocalError("No port is free on 127.0.0.1.")


def _lock(directory: Path) -> Any:  # noqa: ANN401 - the open file, which only needs to stay open
    """Take the lock of the directory's one server; `control.py` holds it for a moment when it looks."""
    file = (directory / "lock").open("w")
    deadline = time.monotonic() + 1
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LocalError(f"Another server runs in {directory}.") from None
            time.sleep(0.02)
        else:
            return file


def main(directory: Path) -> None:
    """Run the server until SIGTERM."""
    held = _lock(directory)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    server = Server(directory)
    listener = _listen()
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    httpd = make_server("127.0.0.1", port, server, threaded=True, request_handler=_Handler, fd=listener.fileno())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    description = {
        "pid": os.getpid(),
        "url": url,
        "port": port,
        "directory": str(directory),
        "started": time.time(),
    }
    write_file(directory / "server.json", json.dumps(description).encode())
    write_config(directory, url)
    logging.getLogger(__name__).info("serving at %s, process %d, state in %s", url, os.getpid(), directory)
    try:
        httpd.serve_forever()
    finally:
        (directory / "server.json").unlink(missing_ok=True)
        server.close()
        held.close()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except LocalError as problem:
        sys.exit(f"error: {problem}")
