"""What becomes of an invocation: it goes to a fleet, a variant and its containers, and back as SageMaker answers it."""

import contextlib
import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import BoundedSemaphore

from sagebridge.endpoint_log import log_group
from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.serving import container
from sagebridge.local.serving.container import Answer, RetiredError
from sagebridge.local.serving.fleet import Fleet
from sagebridge.local.serving.request import Request
from sagebridge.local.serving.variant import Variant
from sagebridge.local.shapes import AwsError, Record

SHADOWS = 4
"""Shadow copies that are answered at once."""
SHADOWS_WAITING = 100
"""Shadow copies that wait or are answered. More are dropped, because nobody waits for them."""


@dataclass(frozen=True)
class Invocation:
    """What is known of an invocation when it is over."""

    endpoint: str
    """The endpoint's name."""
    variant: str
    """The variant that the invocation went to."""
    time: float
    """When the invocation came, in seconds since the epoch."""
    status: int
    """The HTTP status that the caller got: 200, or 424 for a ModelError."""
    latency: float
    """Seconds that the containers took."""
    overhead: float
    """Seconds that everything else took."""
    model_status: int = http.client.OK
    """The HTTP status that the container gave; 0 if it gave none."""
    target_model: str = ""
    """The model of a multi-model endpoint; empty for other endpoints."""
    shadow: bool = False
    """Whether it was a shadow variant's copy, which no caller waits for."""
    error: str = ""
    """What went wrong; empty if nothing did."""
    request_bytes: int = 0
    """The size of the request's body."""
    response_bytes: int = 0
    """The size of the answer's body."""


@dataclass(frozen=True)
class Captured:
    """A successful inference, as data capture sees it."""

    config: Record
    """The endpoint configuration's record."""
    request: Request
    """What the caller asked for."""
    variant: str
    """The variant that answered."""
    answer: Answer
    """The variant's answer."""
    time: float
    """When the request came, in seconds since the epoch."""
    shadow: bool
    """Whether it was a shadow variant's copy."""


class _Passage:
    """A request on its way: where it goes, when it came, and the time that the containers took of it."""

    def __init__(self, request: Request, *, shadow: bool = False) -> None:
        self.request = request
        self.shadow = shadow
        self.came = time.time()
        self.latency = 0.0
        self._started = self._handed_over = time.perf_counter()

    def hand_over(self, fleet: Fleet, variant: Variant) -> tuple[Fleet, Variant]:
        """Notes that the containers of a variant have the request from now on."""
        self.config, self.variant = fleet.config, variant.name
        self._handed_over = time.perf_counter()
        return fleet, variant

    def answered(self) -> None:
        """Notes that the containers have answered."""
        self.latency = time.perf_counter() - self._handed_over

    @property
    def overhead(self) -> float:
        """Seconds that everything else took until now."""
        return time.perf_counter() - self._started - self.latency


class Invocations:
    """Takes the requests of all endpoints.

    Args:
        route: chooses the fleet that takes the next request of an endpoint.
        observers: called with each invocation when it is over; they must be quick, and must not raise.
        capture: called with each successful inference; it must be quick, and must not raise.
        region: the region of the endpoints.
    """

    def __init__(
        self,
        route: Callable[[str], Fleet],
        observers: Sequence[Callable[[Invocation], None]] = (),
        capture: Callable[[Captured], None] = lambda _: None,
        region: str = REGION,
    ) -> None:
        self._region = region
        self._route = route
        self._observers = observers
        self._capture = capture
        self._shadows = ThreadPoolExecutor(SHADOWS, thread_name_prefix="shadow")
        self._room_for_shadows = BoundedSemaphore(SHADOWS_WAITING)

    def invoke(self, request: Request, limit: int) -> tuple[str, Answer]:
        """Answers an InvokeEndpoint.

        Args:
            request: the request.
            limit: the most bytes that a body may have, for a variant on instances.

        Returns:
            The variant that answered, and its answer, whose status is a success.

        Raises:
            AwsError: `ValidationError`, `ThrottlingException`, or `ModelError` for any other status of the container's.
        """
        passage = _Passage(request)
        while True:
            fleet, variant = passage.hand_over(*self._choose(request, limit))
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
        """Answers an InvokeEndpointWithResponseStream as `invoke` does, but yields the answer's body as it comes.

        What goes wrong while the answer comes is raised where it is read: TimeoutError, OSError, HTTPException.
        """
        passage = _Passage(request)
        with contextlib.ExitStack() as stack:
            while True:
                fleet, variant = passage.hand_over(*self._choose(request, limit))
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
        """Drops the shadow copies that still wait."""
        self._shadows.shutdown(wait=False, cancel_futures=True)

    def _choose(self, request: Request, limit: int) -> tuple[Fleet, Variant]:
        fleet = self._route(request.endpoint)
        if request.asynchronous != ("AsyncInferenceConfig" in fleet.config):
            operation = "InvokeEndpoint" if request.asynchronous else "InvokeEndpointAsync"
            raise AwsError("ValidationError", f"Endpoint {request.endpoint} can be invoked with {operation} only.")
        variant = fleet.choose(request.variant)
        body_limit = limit if request.asynchronous else variant.body_limit(limit)
        if len(request.body) > body_limit:
            raise AwsError(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {body_limit}",
            )
        return fleet, variant

    def _copy_to_shadows(self, fleet: Fleet, variant: Variant, request: Request) -> None:
        for shadow in fleet.shadows(variant):
            if self._room_for_shadows.acquire(blocking=False):
                copy = self._shadows.submit(self._invoke_shadow, fleet, shadow, replace(request, variant=None))
                copy.add_done_callback(lambda _: self._room_for_shadows.release())

    def _invoke_shadow(self, fleet: Fleet, shadow: Variant, request: Request) -> None:
        passage = _Passage(request, shadow=True)
        passage.hand_over(fleet, shadow)
        with contextlib.suppress(AwsError, RetiredError):  # answers go nowhere, and so do refusals
            name, answer = shadow.invoke(request, _deadline(request))
            passage.answered()
            self._finish(passage, name, answer, len(answer.body))

    def _finish(self, passage: _Passage, name: str, answer: Answer, size: int) -> None:
        """Tells the observers, and raises the error that the caller gets, if any.

        Args:
            passage: the request on its way.
            name: the container that answered last.
            answer: that container's answer.
            size: the bytes of the answer's body.

        Raises:
            AwsError: `ModelError`.
        """
        request = passage.request
        error = None if answer.good else _model_error(self._region, request.endpoint, name, answer)
        invocation = Invocation(
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
            observe(invocation)
        if error:
            raise error
        self._capture(Captured(passage.config, request, passage.variant, answer, passage.came, passage.shadow))


def _deadline(request: Request) -> float:
    return time.monotonic() + (container.INVOKE_SECONDS if request.seconds is None else request.seconds)


def _model_error(region: str, endpoint: str, name: str, answer: Answer) -> AwsError:
    """Returns the error with which SageMaker answers when a container answered with an error."""
    side = "client" if http.client.BAD_REQUEST <= answer.status < http.client.INTERNAL_SERVER_ERROR else "server"
    original = answer.body.decode(errors="replace")
    group = log_group(endpoint)
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group}"
    return AwsError(
        "ModelError",
        f'Received {side} error ({answer.status}) from {name} with message "{original}". '
        f"See {console} in account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=original,
        LogStreamArn=f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}",
    )
