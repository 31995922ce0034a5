"""Asynchronous invocations: queued on disk, answered in the background, with input and output in S3.

What is in the queue survives the server; what was being answered when it ended is answered again.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sagebridge.files import write_file
from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.serving.invocations import Request
from sagebridge.local.serving.model_data import Aws, split_url
from sagebridge.local.serving.variant import NoInstanceError
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sagebridge.local.sagemaker.service import Record
    from sagebridge.local.serving.fleet import Fleet
    from sagebridge.local.serving.invocations import Invocations

log = logging.getLogger(__name__)
# Seconds and bytes by botocore's InvokeEndpointAsyncInput and AWS's guide to asynchronous inference
TTL_SECONDS = 21600
INVOCATION_SECONDS = 900
INPUT_BYTES = 1024**3
INLINE_BYTES = 128_000
NOTIFIED_BYTES = 128 * 1024
CONCURRENCY = 4  # requests answered at once for an instance, when MaxConcurrentInvocationsPerInstance is not given
RETRY_SECONDS = 0.5  # between two looks for an instance, when an endpoint has none
_FAILED = "ClientError: {error} See the SageMaker Endpoint logs in your account for more information."


@dataclass(frozen=True)
class Queued:
    """A request in the queue.

    Attributes:
        id: its InferenceId.
        file: the name of its file.
        received: when it came, in seconds since the epoch.
        asked: its members, as botocore names them.
        headers: what the container gets.
        body: the input in base64, when it is not in S3.
        output: the S3 URL for the answer.
        failure: the S3 URL for a failure; empty for none.
    """

    id: str
    file: str
    received: float
    asked: Record
    headers: dict[str, str]
    body: str | None
    output: str
    failure: str

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        name: str = self.asked["EndpointName"]
        return name


class Asynchronous:
    """The queues of all asynchronous endpoints.

    Args:
        invocations: answers the requests.
        route: gives the fleet of an endpoint.
        aws: has the inputs, outputs and topics.
        directory: keeps the queue.
    """

    def __init__(self, invocations: Invocations, route: Callable[[str], Fleet], aws: Aws, directory: Path) -> None:
        self._invocations = invocations
        self._route = route
        self._aws = aws
        self._directory = directory
        self._lock = Lock()
        self._waiting: dict[str, deque[Queued]] = {}
        self._busy: Counter[str] = Counter()
        self._closed = Event()
        directory.mkdir(parents=True, exist_ok=True)
        kept = [Queued(**json.loads(file.read_bytes())) for file in directory.glob("*.json")]
        for queued in sorted(kept, key=lambda queued: queued.received):
            self._enqueue(queued, 1)

    def accept(self, asked: Record, body: bytes, headers: Mapping[str, str]) -> tuple[str, str, str]:
        """Queue one InvokeEndpointAsync; it is on disk when this returns.

        Args:
            asked: its members, as botocore names them, without the body.
            body: the input, instead of an InputLocation.
            headers: what the container gets.

        Returns:
            The InferenceId, the S3 URLs of the answer and of a failure, the last empty when there is no place for it.

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
        output, failure = _places(config["OutputConfig"], asked, inference_id)
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
        """Count the requests of an endpoint that wait or are being answered: AWS's ApproximateBacklogSize."""
        with self._lock:
            return len(self._waiting.get(endpoint, ())) + self._busy[endpoint]

    def waited(self, endpoint: str) -> float:
        """Give the seconds that the oldest of an endpoint's requests has waited; 0 when none waits."""
        with self._lock:
            waiting = self._waiting.get(endpoint)
            return time.time() - waiting[0].received if waiting else 0.0

    def close(self) -> None:
        """Answer no more; what waits is answered after the next start."""
        self._closed.set()

    def _config(self, endpoint: str) -> Record:
        found: Record | None = self._route(endpoint).config.get("AsyncInferenceConfig")
        if found is None:
            raise AwsError("ValidationError", f"Endpoint {endpoint} can be invoked with InvokeEndpoint only.")
        return found

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
        """Answer one request; tell whether that is over."""
        if time.time() - queued.received > queued.asked.get("RequestTTLSeconds", TTL_SECONDS):
            self._fail(queued, b"The request expired in the queue.", "The request expired in the queue.")
            return True
        body = self._input(queued)
        if body is None:
            problem = f"Failed to download the input from {queued.asked['InputLocation']}."
            self._fail(queued, problem.encode(), problem)
            return True
        seconds = queued.asked.get("InvocationTimeoutSeconds", INVOCATION_SECONDS)
        request = Request(queued.endpoint, body, queued.headers, seconds=seconds, asynchronous=True)
        try:
            _, answer = self._invocations.invoke(request, INPUT_BYTES)
        except NoInstanceError:
            return False
        except AwsError as error:
            if not self._closed.is_set():  # else the server's end ended the container: not the request's fault
                received, of_model, _ = error.message.partition(") from ")
                said = f"{received}) from model." if of_model else error.message
                self._fail(queued, str(error.members.get("OriginalMessage", error.message)).encode(), said)
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
        found = self._aws.open_object(*split_url(queued.asked["InputLocation"]))
        if found is None:
            return None
        with found:
            return found.read(INPUT_BYTES + 1)

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
        success = kind == "SUCCESS_NOTIFICATION_TOPIC"
        topic = config.get("SuccessTopic" if success else "ErrorTopic")
        if not topic:
            return
        if kind in config.get("IncludeInferenceResponseIn", ()) and len(content) <= NOTIFIED_BYTES:
            members["responseBody"] = {"content": base64.b64encode(content).decode(), "encoding": "BASE64"}
        message = notification(queued, "Completed" if success else "Failed", time.time(), members)
        try:
            self._aws.publish(topic, json.dumps(message))
        except AwsError as error:
            log.warning("asynchronous invocation %s: %s is not told: %s", queued.id, topic, error)


def notification(queued: Queued, status: str, now: float, members: Mapping[str, object]) -> dict[str, Any]:
    """Give what a topic is told, in AWS's form (guide to asynchronous inference, "Check prediction results")."""
    asked = {
        "contentType": queued.headers.get("content-type"),
        "accept": queued.headers.get("accept"),
        "customAttributes": queued.headers.get("x-amzn-sagemaker-custom-attributes"),
        "endpointName": queued.endpoint,
        "inputLocation": queued.asked.get("InputLocation"),
    }
    return {
        "awsRegion": REGION,
        "eventTime": _written(now),
        "receivedTime": _written(queued.received),
        "invocationStatus": status,
        **members,
        "requestParameters": {name: value for name, value in asked.items() if value is not None},
        "inferenceId": queued.id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def _places(config: Record, asked: Record, inference_id: str) -> tuple[str, str]:
    """Give the S3 URLs of a request's answer and failure."""
    default = f"s3://sagemaker-{REGION}-{ACCOUNT}/async-endpoint-outputs/{asked['EndpointName']}"
    path = config.get("S3OutputPath", default).rstrip("/")
    extension = asked.get("S3OutputPathExtension", "").strip("/")
    name = asked.get("Filename", f"{inference_id}.out")
    output = "/".join(part for part in (path, extension, name) if part)
    failure = config.get("S3FailurePath", "").rstrip("/")
    return output, failure and f"{failure}/{inference_id}-error.out"


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
