"""Asynchronous invocations: queued on disk, answered in the background, with input and output in S3.

The queue survives the server. What was being answered when the server ended is answered again.
"""

import base64
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

from sagebridge.files import write_file
from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.serving.fleet import Fleet
from sagebridge.local.serving.invocations import Invocations
from sagebridge.local.serving.model_data import Aws, split_url
from sagebridge.local.serving.request import Request
from sagebridge.local.serving.variant import NoInstanceError
from sagebridge.local.shapes import AwsError, Record

log = logging.getLogger(__name__)
TTL_SECONDS = 21600
"""Source, also for the limits below: botocore's InvokeEndpointAsyncInput, and AWS's guide to asynchronous inference."""
INVOCATION_SECONDS = 900
INPUT_BYTES = 1024**3
INLINE_BYTES = 128_000
NOTIFIED_BYTES = 128 * 1024
CONCURRENCY = 4
"""Requests that are answered at once for an instance, unless MaxConcurrentInvocationsPerInstance says otherwise."""
RETRY_SECONDS = 0.5
"""Seconds between two looks for an instance, while an endpoint has none."""
_FAILED = "ClientError: {error} See the SageMaker Endpoint logs in your account for more information."


@dataclass(frozen=True)
class Queued:
    """A request in the queue; its file has these fields as JSON."""

    id: str
    """The InferenceId."""
    file: str
    """The name of the request's file."""
    received: float
    """When the request came, in seconds since the epoch."""
    asked: Record
    """The request's members, as botocore names them."""
    headers: dict[str, str]
    """The headers that the container gets."""
    body: str | None
    """The input in base64; None if it is in S3."""
    output: str
    """The S3 URL for the answer."""
    failure: str
    """The S3 URL for a failure; empty if there is no place for it."""

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        name: str = self.asked["EndpointName"]
        return name


class Asynchronous:
    """The queues of all asynchronous endpoints.

    Args:
        invocations: answers the requests.
        route: returns the fleet of an endpoint.
        aws: has the inputs, outputs and topics.
        directory: the folder that keeps the queue.
        region: the region of the endpoints.
    """

    def __init__(
        self,
        invocations: Invocations,
        route: Callable[[str], Fleet],
        aws: Aws,
        directory: Path,
        region: str = REGION,
    ) -> None:
        self._region = region
        self._invocations = invocations
        self._route = route
        self._aws = aws
        self._directory = directory
        self._lock = Lock()
        self._waiting: dict[str, deque[Queued]] = {}
        self._busy: Counter[str] = Counter()
        self._closed = Event()
        directory.mkdir(parents=True, exist_ok=True)
        saved = [Queued(**json.loads(file.read_bytes())) for file in directory.glob("*.json")]
        for queued in sorted(saved, key=lambda queued: queued.received):
            self._enqueue(queued, 1)

    def accept(self, asked: Record, body: bytes, headers: Mapping[str, str]) -> tuple[str, str, str]:
        """Queues an InvokeEndpointAsync, which is on disk when this returns.

        Args:
            asked: the request's members, as botocore names them, without the body.
            body: the input, in place of an InputLocation.
            headers: the headers that the container gets.

        Returns:
            The InferenceId, the S3 URL of the answer, and the one of a failure, which may be empty.

        Raises:
            AwsError: `ValidationError`.
        """
        if len(body) > INLINE_BYTES:
            raise AwsError(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {INLINE_BYTES}",
            )
        if bool(body) == ("InputLocation" in asked):
            raise AwsError("ValidationError", "Body and InputLocation are mutually exclusive. Provide exactly one.")
        endpoint = asked["EndpointName"]
        config = self._config(endpoint)
        inference_id = asked.get("InferenceId") or str(uuid4())
        output, failure = _locations(config["OutputConfig"], asked, inference_id, self._region)
        queued = Queued(
            inference_id,
            f"{uuid4().hex}.json",
            time.time(),
            asked,
            dict(headers),
            base64.b64encode(body).decode() if body else None,
            output,
            failure,
        )
        write_file(self._directory / queued.file, json.dumps(asdict(queued)).encode())
        self._enqueue(queued, config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", CONCURRENCY))
        return inference_id, output, failure

    def backlog(self, endpoint: str) -> int:
        """Returns how many requests of an endpoint wait or are being answered: AWS's ApproximateBacklogSize."""
        with self._lock:
            return len(self._waiting.get(endpoint, ())) + self._busy[endpoint]

    def waited(self, endpoint: str) -> float:
        """Returns the seconds that the oldest of an endpoint's requests has waited, or 0 when none waits."""
        with self._lock:
            waiting = self._waiting.get(endpoint)
            return time.time() - waiting[0].received if waiting else 0.0

    def close(self) -> None:
        """Stops answering; what waits is answered after the next start."""
        self._closed.set()

    def _config(self, endpoint: str) -> Record:
        config: Record | None = self._route(endpoint).config.get("AsyncInferenceConfig")
        if config is None:
            raise AwsError("ValidationError", f"Endpoint {endpoint} can be invoked with InvokeEndpoint only.")
        return config

    def _enqueue(self, queued: Queued, concurrency: int) -> None:
        endpoint = queued.endpoint
        with self._lock:
            self._waiting.setdefault(endpoint, deque()).append(queued)
            if self._busy[endpoint] >= concurrency:
                return
            self._busy[endpoint] += 1  # a thread ends when nothing waits
        Thread(target=self._work, args=[endpoint], name=f"queue of {endpoint}", daemon=True).start()

    def _work(self, endpoint: str) -> None:
        while not self._closed.is_set():
            with self._lock:
                waiting = self._waiting.get(endpoint)
                if not waiting:
                    self._waiting.pop(endpoint, None)
                    self._busy[endpoint] -= 1
                    if not self._busy[endpoint]:
                        del self._busy[endpoint]
                    return
                queued = waiting.popleft()
            try:
                done = self._answer(queued)
            except Exception:  # one request must not end the queue
                log.exception("asynchronous invocation %s of %s", queued.id, endpoint)
                done = True
            if done:
                (self._directory / queued.file).unlink(missing_ok=True)
            else:
                with self._lock:
                    self._waiting.setdefault(endpoint, deque()).appendleft(queued)
                self._closed.wait(RETRY_SECONDS)

    def _answer(self, queued: Queued) -> bool:
        """Answers a request; returns False if it must wait for an instance."""
        if time.time() - queued.received > queued.asked.get("RequestTTLSeconds", TTL_SECONDS):
            self._fail(queued, b"The request expired in the queue.", "The request expired in the queue.")
            return True
        body = self._input(queued)
        if body is None:
            problem = f"Failed to download the input from {queued.asked['InputLocation']}."
            self._fail(queued, problem.encode(), problem)
            return True
        seconds = queued.asked.get("InvocationTimeoutSeconds", INVOCATION_SECONDS)
        request = Request(
            queued.endpoint, body, queued.headers, seconds=seconds, asynchronous=True, inference_id=queued.id
        )
        try:
            _, answer = self._invocations.invoke(request, INPUT_BYTES)
        except NoInstanceError:
            return False
        except AwsError as error:
            if not self._closed.is_set():  # else the container ended with the server: not the request's fault
                beginning, is_of_model, _ = error.message.partition(") from ")
                problem = f"{beginning}) from model." if is_of_model else error.message
                self._fail(queued, str(error.members.get("OriginalMessage", error.message)).encode(), problem)
            return not self._closed.is_set()
        content_type = answer.headers.get("content-type", "application/octet-stream")
        try:
            self._aws.put_object(*split_url(queued.output), answer.body, content_type)
        except AwsError as error:
            self._fail(queued, error.message.encode(), f"The output cannot be written: {error.message}")
            return True
        parameters = {"contentType": content_type, "outputLocation": queued.output}
        self._notify(queued, "SUCCESS_NOTIFICATION_TOPIC", answer.body, responseParameters=parameters)
        return True

    def _input(self, queued: Queued) -> bytes | None:
        if queued.body is not None:
            return base64.b64decode(queued.body)
        content = self._aws.open_object(*split_url(queued.asked["InputLocation"]))
        if content is None:
            return None
        with content:
            return content.read(INPUT_BYTES + 1)

    def _fail(self, queued: Queued, content: bytes, problem: str) -> None:
        if queued.failure:
            try:
                self._aws.put_object(*split_url(queued.failure), content, "text/plain")
            except AwsError as error:
                log.warning("asynchronous invocation %s: its failure cannot be written: %s", queued.id, error)
        reason = _FAILED.format(error=problem)
        self._notify(queued, "ERROR_NOTIFICATION_TOPIC", content, failureReason=reason)

    def _notify(self, queued: Queued, kind: str, content: bytes, **members: object) -> None:
        try:
            config = self._config(queued.endpoint)["OutputConfig"].get("NotificationConfig", {})
        except AwsError:  # deleted meanwhile
            return
        is_success = kind == "SUCCESS_NOTIFICATION_TOPIC"
        topic = config.get("SuccessTopic" if is_success else "ErrorTopic")
        if not topic:
            return
        if kind in config.get("IncludeInferenceResponseIn", ()) and len(content) <= NOTIFIED_BYTES:
            members["responseBody"] = {"content": base64.b64encode(content).decode(), "encoding": "BASE64"}
        message = {
            "awsRegion": self._region,
            **notification(queued, "Completed" if is_success else "Failed", time.time(), members),
        }
        try:
            self._aws.publish(topic, json.dumps(message))
        except AwsError as error:
            log.warning("asynchronous invocation %s: %s is not told: %s", queued.id, topic, error)


def notification(queued: Queued, status: str, now: float, members: Mapping[str, object]) -> dict[str, Any]:
    """Returns a notice for a topic, without the region.

    Source: guide to asynchronous inference, "Check prediction results".

    Args:
        queued: the request.
        status: AWS's invocationStatus, such as `Completed`.
        now: when the notice is sent, in seconds since the epoch.
        members: the members that only some notices have.
    """
    asked = {
        "contentType": queued.headers.get("content-type"),
        "accept": queued.headers.get("accept"),
        "customAttributes": queued.headers.get("x-amzn-sagemaker-custom-attributes"),
        "endpointName": queued.endpoint,
        "inputLocation": queued.asked.get("InputLocation"),
    }
    return {
        "eventTime": _iso(now),
        "receivedTime": _iso(queued.received),
        "invocationStatus": status,
        **members,
        "requestParameters": {name: value for name, value in asked.items() if value is not None},
        "inferenceId": queued.id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def _locations(config: Record, asked: Record, inference_id: str, region: str) -> tuple[str, str]:
    """Returns the S3 URLs of a request's answer and failure."""
    default = f"s3://sagemaker-{region}-{ACCOUNT}/async-endpoint-outputs/{asked['EndpointName']}"
    path = config.get("S3OutputPath", default).rstrip("/")
    extension = asked.get("S3OutputPathExtension", "").strip("/")
    name = asked.get("Filename", f"{inference_id}.out")
    output = "/".join(part for part in (path, extension, name) if part)
    failure = config.get("S3FailurePath", "").rstrip("/")
    return output, failure and f"{failure}/{inference_id}-error.out"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
