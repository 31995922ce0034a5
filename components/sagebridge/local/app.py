"""Everything behind the one port: a WSGI application that gives each request to the part that answers it."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Lock
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from sagebridge.errors import UserError
from sagebridge.local import CONTROL_PATH, REGION, images, openai, reserved_tags, unserved
from sagebridge.local.cloudwatch.cbor import in_cbor
from sagebridge.local.console.page import Console, Sources
from sagebridge.local.faults import Faults, FaultyMoto
from sagebridge.local.protocols import json_answer, json_error, openai_call, read_json, signed_for, target
from sagebridge.local.region import Region, Shared, known, used
from sagebridge.local.settings import Settings
from sagebridge.local.shapes import AwsError, Record, invalid
from sagebridge.local.times import SettableTimes

Handler = Callable[[Request], Response | None]
"""Answers a request, or returns None if the request is not for it."""

_SAGEMAKER = "SageMaker."
_SCALING = "AnyScaleFrontendService."
_REGIONAL = ("monitoring", "logs")
"""The services, as requests are signed for them, that answer for the endpoints of a region, besides SageMaker's."""
_LOOPBACK_NAMES = re.compile(r"(127\.0\.0\.1|localhost|[a-z0-9.-]+\.localhost)(:\d+)?")


class App:
    """The local AWS.

    Args:
        directory: the folder of its state.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._faults = Faults()
        self._moto = FaultyMoto(directory / "state", self._faults)
        self._times = SettableTimes(directory / "settings.json")
        settings = Settings(self._times, partial(images.find, directory))
        self._shared = Shared(self._moto, settings, self._faults)
        self._lock = Lock()
        self._regions: dict[str, Region] = {}
        for name in used(directory):
            self._region(name)
        shown = self._region(REGION)
        console = Console(
            Sources(
                shown.endpoints,
                shown.hosting.shares,
                shown.invocations.invoke,
                shown.recent,
                shown.alarm_states,
                self._description,
                self._times,
                self._faults.listed,
                shown.logs,
                shown.scaling_targets,
                shown.hosting.model_folder,
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
            reserved_tags.refuse,
            self._open_region,
            self._answer_openai,
            self._answer_sagemaker,
            self._answer_scaling,
            unserved.refuse,
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
        for region in self._regions.values():
            region.close()

    def _region(self, name: str) -> Region:
        """Returns SageMaker in a region, which begins to work when it is first asked for.

        Raises:
            AwsError: `ValidationException` for a region that AWS's usual partition does not have.
        """
        with self._lock:
            if name not in self._regions:
                if name not in known():
                    raise invalid(f"The local AWS has no region {name}. It has: {', '.join(sorted(known()))}.")
                self._regions[name] = Region(name, self._directory, self._shared)
            return self._regions[name]

    def _open_region(self, request: Request) -> None:
        """Has a region begin to work when the first request comes for what belongs to its endpoints."""
        name, service_name = signed_for(request)
        if name and service_name in _REGIONAL and name in known():
            self._region(name)

    def _control(self, request: Request) -> Response | None:
        """Answers the commands: describes the server, and shows or changes its settings."""
        answer = self._settings.get(request.path)
        return answer(request) if answer else None

    def _description(self) -> Record:
        return {
            "pid": os.getpid(),
            "directory": str(self._directory),
            "endpoints": sum(len(region.endpoints.names()) for region in list(self._regions.values())),
            "regions": list(self._regions),
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

    def _answer_openai(self, request: Request) -> Response | None:
        call = openai_call(request)
        if call is None:
            return None
        return self._region(openai.checked_token(request).region).openai(request, *call)

    def _answer_sagemaker(self, request: Request) -> Response | None:
        name, service_name = signed_for(request)
        if service_name != "sagemaker" and not target(request).startswith(_SAGEMAKER):
            return None
        region = self._region(name or REGION)
        if not target(request):
            return region.runtime(request)
        return json_answer(region.sagemaker.call(target(request).removeprefix(_SAGEMAKER), read_json(request)))

    def _answer_scaling(self, request: Request) -> Response | None:
        """Answers a request to Application Auto Scaling about SageMaker's variants; moto answers the others."""
        if not target(request).startswith(_SCALING):
            return None
        members = read_json(request)
        scaling = self._region(signed_for(request)[0] or REGION).scaling
        if not scaling.serves(members):
            return None
        return json_answer(scaling.call(target(request).removeprefix(_SCALING), members))


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
