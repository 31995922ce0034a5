"""The console's pages, rendered whole on the server, without a script."""

import base64
import hashlib
import re
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import jinja2
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from sagebridge.endpoint_log import log_group
from sagebridge.local import ACCOUNT, CONTROL_PATH, REGION
from sagebridge.local.cloudwatch.logs import Logs
from sagebridge.local.console.plain import plain
from sagebridge.local.console.sample import SAMPLE, fits
from sagebridge.local.console.views import Shares, alarms, bounds, configurations, facts, lengths, strikes
from sagebridge.local.runtime import BODY_LIMIT
from sagebridge.local.sagemaker.endpoints import Endpoints
from sagebridge.local.sagemaker.rules import BUSY
from sagebridge.local.scaling.targets import Registered
from sagebridge.local.serving.container import Answer
from sagebridge.local.serving.invocations import Invocation
from sagebridge.local.serving.request import Request as Invoked
from sagebridge.local.shapes import AwsError, Record
from sagebridge.local.times import Times

RECENT = 50
"""Invocations that are remembered, of all endpoints."""
_FORM_BYTES = 32 * 1024**2
"""More than any body that an endpoint takes, as a form encodes it."""
_LOG_STREAMS = 8
"""Streams of an endpoint's log that are shown: those that were written last."""
_LOG_EVENTS = 100
"""Events of a stream that are shown: the last ones."""
_LOG_CHARACTERS = 1000
"""Characters of an event that are shown."""
_ANSWER_CHARACTERS = 20_000
"""Characters of an answer that are shown."""
_STILL = "still"
"""The parameter of an endpoint's page that does not reload itself during an update."""
_ENDPOINT = re.compile(rf"{CONTROL_PATH}/console/endpoints/([A-Za-z0-9-]+)")
_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "style.css").read_text()
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Asked:
    """A request that the form sent, and its answer."""

    body: str = ""
    """The body of the request."""
    content_type: str = "application/json"
    """The content type of the request."""
    seconds: float | None = None
    """The time from the request to the answer; None before there is a request."""
    variant: str = ""
    """The variant that answered; empty if none did."""
    answer: str = ""
    """The answer's body as text, or the error's message."""
    error: str = ""
    """The name of AWS's error; empty if there is an answer."""


@dataclass(frozen=True)
class ShownStream:
    """A stream of an endpoint's log, as the page shows it."""

    name: str
    """The stream's name."""
    time: float
    """When the last event was written, in seconds since the epoch."""
    text: str
    """The last events, one a line."""


@dataclass(frozen=True)
class ShownLog:
    """An endpoint's log, as the page shows it."""

    group: str
    """The name of the CloudWatch log group."""
    streams: list[ShownStream]
    """The streams that were written last, the newest first."""


@dataclass(frozen=True)
class Sources:
    """What the console shows comes from here."""

    endpoints: Endpoints
    """SageMaker's endpoints."""
    shares: Callable[[str], Shares]
    """Returns the deployments of an endpoint that take traffic, each with its share, 0 to 1."""
    invoke: Callable[[Invoked, int], tuple[str, Answer]]
    """Answers an InvokeEndpoint whose body has at most so many bytes; returns the variant and its answer."""
    recent: deque[Invocation]
    """The last invocations, the newest first."""
    alarms: Callable[[Collection[str]], Mapping[str, str]]
    """Returns the states of CloudWatch alarms by their names."""
    description: Callable[[], Record]
    """Returns the server's description of itself."""
    times: Callable[[], Times]
    """Returns the times that hold now."""
    faults: Callable[[], Sequence[Record]]
    """Returns the faults as JSON objects."""
    logs: Logs
    """The endpoints' logs."""
    scaling: Callable[[str], Registered]
    """Returns what Application Auto Scaling has of an endpoint."""
    model_folder: Callable[[str, Record, str], Path]
    """Returns where the model data of a variant is, by the endpoint, the deployment and the variant."""


class Console:
    """The pages at `/` and below `/_local/console/`."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.filters |= {
            "clock": _clock,
            "milliseconds": lambda seconds: f"{seconds * 1000:,.1f}",
            "plain": plain,
        }

    def __call__(self, request: Request) -> Response | None:
        """Answers a request with a page, or returns None for a request that is not for the console."""
        if request.path == "/":  # also S3's, but then signed, or with a query
            is_page = request.method == "GET" and not request.query_string and "Authorization" not in request.headers
            if not is_page:
                return None
            return self._page("index.html", endpoints=self._endpoints(), strikes=strikes(self._sources.faults()))
        if not request.path.startswith(f"{CONTROL_PATH}/console"):
            return None
        path = _ENDPOINT.fullmatch(request.path)
        record = self._sources.endpoints.find(path[1]) if path else None
        if record is None:
            return self._page("problem.html", 404, problem=f"There is no page or endpoint at {request.path}.")
        name = record["EndpointName"]
        asked = None
        if request.method == "POST":
            request.max_form_memory_size = _FORM_BYTES
            try:
                asked = self._ask(name, request.form.get("body", ""), request.form.get("content_type", ""))
            except HTTPException as refused:
                return self._page("problem.html", refused.code or 400, problem=refused.description)
            record = self._sources.endpoints.find(name) or record
        shown = self._shown(record)
        return self._page(
            "endpoint.html",
            endpoint=shown,
            asked=asked or Asked(SAMPLE if shown["takes_sample"] else ""),
            # A page that a person fills in, or whose answer is being read, does not go away by itself.
            reloads=record["EndpointStatus"] in BUSY and asked is None and _STILL not in request.args,
            still=_STILL,
            log=self._log(name),
            strikes=strikes(self._sources.faults(), name),
        )

    def _page(self, template: str, status: int = 200, **values: object) -> Response:
        times, faults = self._sources.times(), self._sources.faults()
        page = self._templates.get_template(template).render(
            account=ACCOUNT,
            region=REGION,
            root=f"{CONTROL_PATH}/console",
            style=_STYLE,
            busy=BUSY,
            facts=facts(self._sources.description(), times, faults),
            lengths=lengths(times),
            recent=list(self._sources.recent),
            sample=Asked(SAMPLE),
            **values,
        )
        return Response(page, status, headers=_HEADERS, mimetype="text/html")

    def _endpoints(self) -> list[Record]:
        endpoints = self._sources.endpoints
        return [self._shown(record) for name in endpoints.names() if (record := endpoints.find(name))]

    def _shown(self, record: Record) -> Record:
        """Returns an endpoint's record with what the page shows besides."""
        name = record["EndpointName"]
        registered = self._sources.scaling(name)
        return {
            "events": [],
            **record,
            "configurations": configurations(record, self._sources.shares(name)),
            "alarms": self._sources.alarms(alarms(record)),
            "bounds": bounds(registered),
            "activities": registered.activities,
            "takes_sample": self._takes_sample(record),
        }

    def _takes_sample(self, record: Record) -> bool:
        """Returns whether each variant that an endpoint runs can answer the sample row."""
        if "running" not in record or "AsyncInferenceConfig" in record["running"]["config"]:
            return False
        running = record["running"]
        folders = [
            self._sources.model_folder(record["EndpointName"], running, variant["VariantName"])
            for variant in running["config"]["ProductionVariants"]
        ]
        return all(folder.is_dir() and fits(folder) for folder in folders)

    def _ask(self, name: str, body: str, content_type: str) -> Asked:
        if not (content_type.isascii() and content_type.isprintable()):  # as AWS's header must be
            return Asked(body, content_type, 0.0, "", "A content type has printable ASCII characters only.", "Refused")
        body = body.replace("\r\n", "\n")  # a form sends line ends of its own; the endpoint gets what was typed
        start = time.perf_counter()
        variant, text, error = "", "", ""
        try:
            variant, answer = self._sources.invoke(
                Invoked(name, body.encode(), {"content-type": content_type}), BODY_LIMIT
            )
            text = answer.body.decode(errors="replace")
        except AwsError as refused:
            text, error = refused.message, refused.code
        seconds = time.perf_counter() - start
        return Asked(body, content_type, seconds, variant, text[:_ANSWER_CHARACTERS], error)

    def _log(self, name: str) -> ShownLog:
        streams = []
        for stream_name, stream in islice(self._sources.logs.streams(name).items(), _LOG_STREAMS):
            events = stream.last(_LOG_EVENTS)
            lines = [f"{_clock(event.time / 1000)} {event.message[:_LOG_CHARACTERS]}" for event in events]
            streams.append(ShownStream(stream_name, stream.written(), "\n".join(lines)))
        return ShownLog(log_group(name), streams)


def _clock(seconds: float) -> str:
    """Returns a time as this machine's clock shows it, with the date unless it is today."""
    moment = datetime.fromtimestamp(seconds).astimezone()
    is_today = moment.date() == datetime.now().astimezone().date()
    return moment.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S")
