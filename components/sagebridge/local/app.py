"""Everything behind the one port: a WSGI application that gives each request to the part that answers it."""

import json
import os
import re
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.local import CONTROL_PATH, REGION, images
from sagebridge.local.cloudwatch import moto as cloudwatch
from sagebridge.local.cloudwatch import moto_logs
from sagebridge.local.cloudwatch.alarms import Alarms
from sagebridge.local.cloudwatch.cbor import in_cbor
from sagebridge.local.cloudwatch.endpoints import EndpointMetrics, Gauges
from sagebridge.local.cloudwatch.logs import Logs
from sagebridge.local.cloudwatch.metrics import Metrics
from sagebridge.local.console.page import RECENT, Console, Sources
from sagebridge.local.faults import Faults, FaultyMoto
from sagebridge.local.monitoring import Monitoring
from sagebridge.local.protocols import json_answer, json_error, read_json, signed_for, target
from sagebridge.local.runtime import Runtime
from sagebridge.local.sagemaker.endpoints import Endpoints
from sagebridge.local.sagemaker.resources import Resources
from sagebridge.local.sagemaker.service import SageMaker
from sagebridge.local.scaling.api import Api
from sagebridge.local.scaling.scaler import Scaler
from sagebridge.local.scaling.targets import Targets
from sagebridge.local.serving import docker
from sagebridge.local.serving.asynchronous import Asynchronous
from sagebridge.local.serving.capture import Capture
from sagebridge.local.serving.hosting import Hosting
from sagebridge.local.serving.invocations import Invocation, Invocations
from sagebridge.local.settings import Settings
from sagebridge.local.shapes import AwsError, Record, invalid
from sagebridge.local.times import SettableTimes

Handler = Callable[[Request], Response | None]
"""Answers a request, or returns None if the request is not for it."""

_SAGEMAKER = "SageMaker."
_SCALING = "AnyScaleFrontendService."
_LOOPBACK_NAMES = re.compile(r"(127\.0\.0\.1|localhost|[a-z0-9.-]+\.localhost)(:\d+)?")


class App:
    """The local AWS.

    Args:
        directory: the folder of its state.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        state = directory / "state"
        self._faults = Faults()
        self._moto = FaultyMoto(state, self._faults)
        self._times = SettableTimes(directory / "settings.json")
        book = cloudwatch.AlarmBook(self._moto)
        targets = Targets(*_saved_state(state / "autoscaling.json"), book)
        resources = Resources(*_saved_state(state / "sagemaker.json"))
        self._endpoints = Endpoints(resources, targets.scaled_of)
        docker.remove_left_behind(directory / "endpoints")
        logs = Logs(directory / "logs", partial(moto_logs.register, self._moto))
        moto_logs.install(logs)
        settings = Settings(self._times, partial(images.find, directory))
        self._hosting = Hosting(
            self._endpoints, self._moto, directory / "endpoints", logs=logs, settings=settings, faults=self._faults
        )
        self._sagemaker = SageMaker(resources, self._endpoints, self._hosting.work, targets.remove_endpoint)
        self._capture = Capture(self._moto)
        recent: deque[Invocation] = deque(maxlen=RECENT)
        unpublished: deque[Invocation] = deque()
        observers = [recent.appendleft, unpublished.append]
        self._invocations = Invocations(self._hosting.route, observers, self._capture)
        self._asynchronous = Asynchronous(self._invocations, self._hosting.route, self._moto, state / "queue")
        self._runtime = Runtime(self._invocations, self._asynchronous)
        metrics = Metrics(state / "metrics.jsonl", lambda: self._times().round_seconds)
        cloudwatch.install(metrics)
        scaler = Scaler(targets, self._sagemaker.call, self._times)
        self._scaling = Api(targets, scaler, self._sagemaker.call, book)
        gauges = Gauges(self._asynchronous.backlog, self._asynchronous.waited, self._hosting.loads, targets.scaled)
        self._monitoring = Monitoring(
            metrics,
            EndpointMetrics(metrics, unpublished, self._sagemaker.call, self._times, gauges),
            Alarms(book, metrics, self._times, scaler.scale),
            scaler,
            self._times,
        )
        console = Console(
            Sources(
                self._endpoints,
                self._hosting.shares,
                self._invocations.invoke,
                recent,
                self._moto.alarm_states,
                self._description,
                self._times,
                self._faults.listed,
                logs,
                targets.registered,
                self._hosting.model_folder,
            )
        )
        self._settings: dict[str, Callable[[Request], Response]] = {
            CONTROL_PATH: lambda _: json_answer(self._description()),
            f"{CONTROL_PATH}/times": lambda request: _change(request, self._change_times),
            f"{CONTROL_PATH}/faults": lambda request: _change(request, self._change_faults),
        }
        self._handlers: tuple[Handler, ...] = (
            _refuse_foreign,
            console,
            self._control,
            self._faults.strike,
            self._answer_sagemaker,
            self._answer_scaling,
        )
        self._others = in_cbor(self._moto)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request by the first handler that it is for, else by moto."""
        request = Request(environ)
        for handler in self._handlers:
            try:
                answer = handler(request)
            except AwsError as error:
                answer = json_error(error)
            if answer is not None:
                answer.headers["x-amzn-RequestId"] = str(uuid.uuid4())
                return answer(environ, start_response)
        return self._others(environ, start_response)

    def close(self) -> None:
        """Ends the workers."""
        self._monitoring.close()
        self._asynchronous.close()
        self._invocations.close()
        self._capture.flush()
        self._hosting.close()

    def _control(self, request: Request) -> Response | None:
        """Answers the commands: describes the server, and shows or changes its settings."""
        answer = self._settings.get(request.path)
        return answer(request) if answer else None

    def _description(self) -> Record:
        return {
            "pid": os.getpid(),
            "directory": str(self._directory),
            "endpoints": len(self._endpoints.names()),
            "buckets": self._moto.count_buckets(),
        }

    def _change_times(self, members: Record) -> Record:
        return asdict(self._times.change(members))

    def _change_faults(self, members: Record) -> Record:
        """Adds a fault, removes all with `clear`, or changes nothing; returns those that there are."""
        if members.pop("clear", False):
            self._faults.clear()
        elif members:
            self._faults.add(members)
        return {"faults": self._faults.listed()}

    def _answer_sagemaker(self, request: Request) -> Response | None:
        region, service_name = signed_for(request)
        if service_name != "sagemaker" and not target(request).startswith(_SAGEMAKER):
            return None
        if region not in (None, REGION):
            raise invalid(f"The local AWS has SageMaker in {REGION} only; the request was for {region}.")
        if not target(request):
            return self._runtime(request)
        return json_answer(self._sagemaker.call(target(request).removeprefix(_SAGEMAKER), read_json(request)))

    def _answer_scaling(self, request: Request) -> Response | None:
        """Answers a request to Application Auto Scaling about SageMaker's variants; moto answers the others."""
        if not target(request).startswith(_SCALING):
            return None
        members = read_json(request)
        if not self._scaling.serves(members):
            return None
        return json_answer(self._scaling.call(target(request).removeprefix(_SCALING), members))


def _saved_state(file: Path) -> tuple[Record, Callable[[Record], None]]:
    """Returns a state that is kept in a JSON file, empty at first, and the function that keeps it."""
    state: Record = json.loads(file.read_text()) if file.exists() else {}
    return state, lambda state: write_file(file, json.dumps(state).encode())


def _change(request: Request, change: Callable[[Record], Record]) -> Response:
    """Answers a request for settings: changes those that the body names, and returns all."""
    try:
        members = json.loads(request.get_data() or b"{}")
        if isinstance(members, dict):
            return json_answer(change(members))
        problem = "The request's body must be a JSON object."
    except (UserError, ValueError) as error:
        problem = str(error)
    return json_answer({"message": problem}, 400)


def _refuse_foreign(request: Request) -> Response | None:
    """Refuses a request that a page from elsewhere, open in the user's browser, may have sent."""
    origin = request.headers.get("Origin")
    if not _LOOPBACK_NAMES.fullmatch(request.host):
        problem = f"the local AWS answers at 127.0.0.1 and localhost, not at {request.host}"
    elif origin is not None and origin != f"http://{request.host}":
        problem = f"the request comes from a page of {origin}"
    else:
        return None
    return Response(f"Refused: {problem}.\n", 403, mimetype="text/plain")
