"""The console's pages, rendered whole on the server, without a script."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from sagebridge.local import ACCOUNT, CONTROL_PATH, REGION
from sagebridge.local.console.views import alarms, rows
from sagebridge.local.runtime import BODY_LIMIT
from sagebridge.local.sagemaker.service import BUSY
from sagebridge.local.serving.invocations import Request as Invoked
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Collection, Mapping

    from werkzeug.wrappers import Request

    from sagebridge.local.console.views import Shares
    from sagebridge.local.sagemaker.service import Record, SageMaker
    from sagebridge.local.serving.container import Answer
    from sagebridge.local.serving.invocations import Invocation

SAMPLE = '{"Input": [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]}'  # the article's row
RECENT = 50  # invocations that are remembered, of all endpoints
_FORM_BYTES = 32 * 1024**2  # more than any body that an endpoint takes, as a form encodes it
_LOG_BYTES = 8192  # shown of an endpoint's log
_ANSWER_CHARACTERS = 20_000  # shown of an answer
_ENDPOINT = re.compile(rf"{CONTROL_PATH}/console/endpoints/([A-Za-z0-9-]+)")
_HERE = Path(__file__).parent
_STYLE = (_HERE / "templates" / "style.css").read_text()
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Asked:
    """A request that the form sent, and what came of it.

    Attributes:
        body: the request's.
        content_type: the request's.
        seconds: from the request to the answer.
        variant: the one that answered; empty when none did.
        answer: the answer's body as text, or the error's message.
        error: the name of AWS's error; empty when there is an answer.
    """

    body: str = SAMPLE
    content_type: str = "application/json"
    seconds: float | None = None
    variant: str = ""
    answer: str = ""
    error: str = ""


@dataclass(frozen=True)
class Sources:
    """Where the console has what it shows.

    Attributes:
        control: SageMaker's control plane.
        shares: gives the deployments of an endpoint that take traffic, each with its share, 0 to 1.
        invoke: answers an InvokeEndpoint whose body has at most so many bytes: the variant, and its answer.
        recent: the last invocations, the newest first.
        alarms: gives the states of CloudWatch alarms, by their names.
        facts: gives what else the page says of the server, by name.
        logs: the folder of the endpoints' logs.
    """

    control: SageMaker
    shares: Callable[[str], Shares]
    invoke: Callable[[Invoked, int], tuple[str, Answer]]
    recent: deque[Invocation]
    alarms: Callable[[Collection[str]], Mapping[str, str]]
    facts: Callable[[], Mapping[str, str]]
    logs: Path


class Console:
    """The pages at `/` and below `/_local/console/`."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.filters |= {"clock": _clock, "milliseconds": lambda seconds: f"{seconds * 1000:,.1f}"}

    def serves(self, request: Request) -> bool:
        """Tell whether a request is for the console: a signed one, or one with a query, for `/` is S3's."""
        if request.path == "/":
            return request.method == "GET" and not request.query_string and "Authorization" not in request.headers
        return request.path.startswith(f"{CONTROL_PATH}/console")

    def __call__(self, request: Request) -> Response:
        """Answer a request with a page."""
        if request.path == "/":
            return self._page("index.html", endpoints=self._endpoints())
        found = _ENDPOINT.fullmatch(request.path)
        record = self._sources.control.endpoint(found[1]) if found else None
        if record is None:
            return self._page("problem.html", 404, problem=f"There is no page or endpoint at {request.path}.")
        name = record["EndpointName"]
        asked = Asked()
        if request.method == "POST":
            request.max_form_memory_size = _FORM_BYTES
            try:
                asked = self._ask(name, request.form.get("body", ""), request.form.get("content_type", ""))
            except HTTPException as refused:
                return self._page("problem.html", refused.code or 400, problem=refused.description)
            record = self._sources.control.endpoint(name) or record
        return self._page("endpoint.html", endpoint=self._shown(record), asked=asked, log=self._log_tail(name))

    def _page(self, template: str, status: int = 200, **values: object) -> Response:
        page = self._templates.get_template(template).render(
            account=ACCOUNT,
            region=REGION,
            root=f"{CONTROL_PATH}/console",
            style=_STYLE,
            busy=BUSY,
            facts=self._sources.facts(),
            recent=list(self._sources.recent),
            sample=Asked(),
            **values,
        )
        return Response(page, status, headers=_HEADERS, mimetype="text/html")

    def _endpoints(self) -> list[Record]:
        names, asked = [], {"SortBy": "Name", "SortOrder": "Ascending"}
        while True:
            answer = self._sources.control.call("ListEndpoints", asked)
            names += [endpoint["EndpointName"] for endpoint in answer["Endpoints"]]
            if "NextToken" not in answer:
                break
            asked["NextToken"] = answer["NextToken"]
        return [self._shown(record) for name in names if (record := self._sources.control.endpoint(name))]

    def _shown(self, record: Record) -> Record:
        """Give an endpoint's record with what the page shows besides."""
        return {
            "events": [],
            **record,
            "rows": rows(record, self._sources.shares(record["EndpointName"])),
            "alarms": self._sources.alarms(alarms(record)),
        }

    def _ask(self, name: str, body: str, content_type: str) -> Asked:
        if not (content_type.isascii() and content_type.isprintable()):  # as AWS's header must be
            return Asked(body, content_type, 0.0, "", "A content type has printable ASCII characters only.", "Refused")
        body = body.replace("\r\n", "\n")  # as it was typed: a form sends its own line ends
        started = time.perf_counter()
        variant, text, error = "", "", ""
        try:
            variant, answer = self._sources.invoke(
                Invoked(name, body.encode(), {"content-type": content_type}), BODY_LIMIT
            )
            text = answer.body.decode(errors="replace")
        except AwsError as refused:
            text, error = refused.message, refused.code
        seconds = time.perf_counter() - started
        return Asked(body, content_type, seconds, variant, text[:_ANSWER_CHARACTERS], error)

    def _log_tail(self, name: str) -> tuple[Path, str]:
        """Give an endpoint's log file and its last lines."""
        path = self._sources.logs / f"{name}.log"
        if not path.exists():
            return path, ""
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOG_BYTES))
            tail = file.read().decode(errors="replace")
        return path, tail if size <= _LOG_BYTES else tail.partition("\n")[2]


def _clock(seconds: float) -> str:
    """Write a time of this machine's, with the date unless it is today's."""
    then = datetime.fromtimestamp(seconds).astimezone()
    same_day = then.date() == datetime.now().astimezone().date()
    return then.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")
