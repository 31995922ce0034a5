"""An invocation's way: to a fleet, a variant, its containers, and back as SageMaker answers it."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local import ACCOUNT, REGION
from local.serving.container import Answer, RetiredError
from local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.serving.fleet import Fleet


@dataclass(frozen=True)
class Invocation:
    """What is known of one invocation when it is over.

    Attributes:
        endpoint: its name.
        variant: the variant that it went to.
        time: when it came, in seconds since the epoch.
        status: the HTTP status that the caller got.
        latency: seconds that the containers took.
        overhead: seconds that all else took.
    """

    endpoint: str
    variant: str
    time: float
    status: int
    latency: float
    overhead: float


class Invocations:
    """Takes the requests of all endpoints.

    Args:
        route: chooses the fleet that takes the next request of an endpoint.
        observers: told of each invocation when it is over; they must be quick, and must not raise.
    """

    def __init__(self, route: Callable[[str], Fleet], observers: Sequence[Callable[[Invocation], None]] = ()) -> None:
        self._route = route
        self._observers = observers

    def invoke(
        self, endpoint: str, target: str | None, body: bytes, headers: Mapping[str, str], limit: int
    ) -> tuple[str, Answer]:
        """Answer one InvokeEndpoint.

        Args:
            endpoint: its name.
            target: the variant that the caller wants, or None.
            body: the request's.
            headers: those for the container, names in lower case.
            limit: the most bytes that a body may have, for a variant on instances.

        Returns:
            The variant that answered, and its answer, whose status is a success.

        Raises:
            AwsError: `ValidationError`, or `ModelError` for any other status of the container's.
        """
        came, started = time.time(), time.perf_counter()
        while True:
            fleet = self._route(endpoint)
            variant = fleet.choose(target)
            if len(body) > fleet.body_limit(variant, limit):
                raise AwsError(
                    "ValidationError",
                    "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {fleet.body_limit(variant, limit)}",
                )
            passed = time.perf_counter()
            try:
                name, answer = fleet.invoke(variant, body, headers)
            except RetiredError:  # an update came between; the new fleet is there
                continue
            break
        latency = time.perf_counter() - passed
        failed = not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES
        error = _model_error(endpoint, name, answer) if failed else None
        status = error.status if error else http.client.OK
        done = Invocation(endpoint, variant, came, status, latency, time.perf_counter() - started - latency)
        for observe in self._observers:
            observe(done)
        if error:
            raise error
        return variant, answer


def _model_error(endpoint: str, container: str, answer: Answer) -> AwsError:
    """Make of a container's answer the error that SageMaker answers with."""
    who = "client" if http.client.BAD_REQUEST <= answer.status < http.client.INTERNAL_SERVER_ERROR else "server"
    original = answer.body.decode(errors="replace")
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    console = f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logEventViewer:group={group}"
    return AwsError(
        "ModelError",
        f'Received {who} error ({answer.status}) from {container} with message "{original}". '
        f"See {console} in account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=original,
        LogStreamArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
    )
