"""An invocation's way: to a fleet, a variant, its containers, and back as SageMaker answers it."""

from __future__ import annotations

import contextlib
import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.serving import container
from sagebridge.local.serving.container import Answer, RetiredError
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sagebridge.local.sagemaker.service import Record
    from sagebridge.local.serving.fleet import Fleet
    from sagebridge.local.serving.variant import Variant

SHADOWS = 4  # shadow copies answered at once
SHADOWS_WAITING = 100  # shadow copies that wait, with those answered; more are dropped, as nobody waits for them


@dataclass(frozen=True)
class Request:
    """What one InvokeEndpoint asks for.

    Attributes:
        endpoint: its name.
        body: what the container gets.
        headers: what the container gets with it, names in lower case.
        variant: the variant that the caller wants, if any.
        target_model: the model of a multi-model endpoint.
        target_container: the container of an endpoint with direct invocation.
        seconds: until when the answer must have come; None for AWS's 60 s.
        asynchronous: whether it comes from the queue of an asynchronous endpoint.
    """

    endpoint: str
    body: bytes
    headers: Mapping[str, str]
    variant: str | None = None
    target_model: str | None = None
    target_container: str | None = None
    seconds: float | None = None
    asynchronous: bool = False


@dataclass(frozen=True)
class Invocation:
    """What is known of one invocation when it is over.

    Attributes:
        endpoint: its name.
        variant: the variant that it went to.
        time: when it came, in seconds since the epoch.
        status: the HTTP status that the caller got: 200, or 424 for a ModelError.
        latency: seconds that the containers took.
        overhead: seconds that all else took.
        model_status: the HTTP status that the container gave; 0 when it gave none.
        target_model: the model of a multi-model endpoint, else "".
        shadow: whether it was a shadow variant's copy, which no caller waits for.
        error: what went wrong, else "".
        request_bytes: the size of the request's body.
        response_bytes: the size of the answer's body.
    """

    endpoint: str
    variant: str
    time: float
    status: int
    latency: float
    overhead: float
    model_status: int = http.client.OK
    target_model: str = ""
    shadow: bool = False
    error: str = ""
    request_bytes: int = 0
    response_bytes: int = 0


@dataclass(frozen=True)
class Captured:
    """A successful inference, as data capture sees it.

    Attributes:
        config: the endpoint configuration's record.
        request: what was asked.
        variant: the variant that answered.
        answer: its answer.
        time: when it was asked, in seconds since the epoch.
        shadow: whether it was a shadow variant's copy.
    """

    config: Record
    request: Request
    variant: str
    answer: Answer
    time: float
    shadow: bool


class Invocations:
    """Takes the requests of all endpoints.

    Args:
        route: chooses the fleet that takes the next request of an endpoint.
        observers: told of each invocation when it is over; they must be quick, and must not raise.
        capture: told of each successful inference; as observers.
    """

    def __init__(
        self,
        route: Callable[[str], Fleet],
        observers: Sequence[Callable[[Invocation], None]] = (),
        capture: Callable[[Captured], None] = lambda _: None,
    ) -> None:
        self._route = route
        self._observers = observers
        self._capture = capture
        self._shadows = ThreadPoolExecutor(SHADOWS, thread_name_prefix="shadow")
        self._room_for_shadows = BoundedSemaphore(SHADOWS_WAITING)

    def invoke(self, request: Request, limit: int) -> tuple[str, Answer]:
        """Answer one InvokeEndpoint.

        Args:
            request: what is asked.
            limit: the most bytes that a body may have, for a variant on instances.

        Returns:
            The variant that answered, and its answer, whose status is a success.

        Raises:
            AwsError: `ValidationError`, `ThrottlingException`, or `ModelError` for any other status of the container's.
        """
        passage = _Passage(request)
        while True:
            fleet, variant = passage.to(*self._chosen(request, limit))
            try:
                name, answer = variant.invoke(request, _deadline(request))
            except RetiredError:  # an update came between; the new fleet is there
                continue
            break
        passage.answered()
        self._copy_to_shadows(fleet, variant, request)
        self._finish(passage, name, answer, len(answer.body))
        return variant.name, answer

    @contextlib.contextmanager
    def stream(self, request: Request, limit: int) -> Iterator[tuple[str, Mapping[str, str], Iterator[bytes]]]:
        """Answer one InvokeEndpointWithResponseStream; as `invoke`, with the answer's body as it comes.

        What goes wrong while the answer comes is raised where it is read: TimeoutError, OSError, HTTPException.
        """
        passage = _Passage(request)
        with contextlib.ExitStack() as stack:
            while True:
                fleet, variant = passage.to(*self._chosen(request, limit))
                try:
                    name, answer, chunks = stack.enter_context(variant.stream(request, _deadline(request)))
                except RetiredError:
                    continue
                break
            self._copy_to_shadows(fleet, variant, request)
            size = 0

            def counted() -> Iterator[bytes]:
                nonlocal size
                for chunk in chunks:
                    size += len(chunk)
                    yield chunk

            if answer.good:
                yield variant.name, answer.headers, counted()
            passage.answered()
            self._finish(passage, name, answer, size)

    def close(self) -> None:
        """Forget the shadow copies that still wait."""
        self._shadows.shutdown(wait=False, cancel_futures=True)

    def _chosen(self, request: Request, limit: int) -> tuple[Fleet, Variant]:
        fleet = self._route(request.endpoint)
        if request.asynchronous != ("AsyncInferenceConfig" in fleet.config):
            wanted = "InvokeEndpoint" if request.asynchronous else "InvokeEndpointAsync"
            raise AwsError("ValidationError", f"Endpoint {request.endpoint} can be invoked with {wanted} only.")
        variant = fleet.choose(request.variant)
        most = limit if request.asynchronous else variant.body_limit(limit)
        if len(request.body) > most:
            raise AwsError(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}",
            )
        return fleet, variant

    def _copy_to_shadows(self, fleet: Fleet, variant: Variant, request: Request) -> None:
        for shadow in fleet.shadows(variant):
            if self._room_for_shadows.acquire(blocking=False):
                copy = self._shadows.submit(self._invoke_shadow, fleet, shadow, replace(request, variant=None))
                copy.add_done_callback(lambda _: self._room_for_shadows.release())

    def _invoke_shadow(self, fleet: Fleet, shadow: Variant, request: Request) -> None:
        passage = _Passage(request, shadow=True)
        passage.to(fleet, shadow)
        with contextlib.suppress(AwsError, RetiredError):  # answers go nowhere, and so do refusals
            name, answer = shadow.invoke(request, _deadline(request))
            passage.answered()
            self._finish(passage, name, answer, len(answer.body))

    def _finish(self, passage: _Passage, name: str, answer: Answer, size: int) -> None:
        """Tell the observers, and raise the error that the caller gets, if any.

        Args:
            passage: the request's.
            name: the container that answered last.
            answer: its answer.
            size: the bytes of the answer's body.
        """
        request = passage.request
        error = None if answer.good else _model_error(request.endpoint, name, answer)
        done = Invocation(
            request.endpoint,
            passage.variant,
            passage.came,
            error.status if error else http.client.OK,
            passage.latency,
            passage.overhead,
            answer.status,
            request.target_model or "",
            passage.shadow,
            error.message if error else "",
            len(request.body),
            size,
        )
        for observe in self._observers:
            observe(done)
        if error:
            raise error
        self._capture(Captured(passage.config, request, passage.variant, answer, passage.came, passage.shadow))


class _Passage:
    """A request on its way: where to, since when, and the time that the containers took of it."""

    def __init__(self, request: Request, *, shadow: bool = False) -> None:
        self.request = request
        self.shadow = shadow
        self.came = time.time()
        self.latency = 0.0
        self._started = self._passed = time.perf_counter()

    def to(self, fleet: Fleet, variant: Variant) -> tuple[Fleet, Variant]:
        """The containers of a variant have it now."""
        self.config, self.variant = fleet.config, variant.name
        self._passed = time.perf_counter()
        return fleet, variant

    def answered(self) -> None:
        """They have answered."""
        self.latency = time.perf_counter() - self._passed

    @property
    def overhead(self) -> float:
        """Seconds that all else took, up to now."""
        return time.perf_counter() - self._started - self.latency


def _deadline(request: Request) -> float:
    return time.monotonic() + (container.INVOKE_SECONDS if request.seconds is None else request.seconds)


def _model_error(endpoint: str, name: str, answer: Answer) -> AwsError:
    """Make of a container's answer the error that SageMaker answers with."""
    who = "client" if http.client.BAD_REQUEST <= answer.status < http.client.INTERNAL_SERVER_ERROR else "server"
    original = answer.body.decode(errors="replace")
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    console = f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logEventViewer:group={group}"
    return AwsError(
        "ModelError",
        f'Received {who} error ({answer.status}) from {name} with message "{original}". '
        f"See {console} in account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=original,
        LogStreamArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
    )
