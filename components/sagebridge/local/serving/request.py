"""What one invocation asks for."""

from collections.abc import Mapping
from dataclasses import dataclass

INVOCATIONS = "/invocations"
"""The path at which every container answers; source: "Custom Inference Code with Hosting Services"."""


@dataclass(frozen=True)
class Request:
    """What one InvokeEndpoint, or one request of OpenAI's API, asks for."""

    endpoint: str
    """The endpoint's name."""
    body: bytes
    """The body that the container gets."""
    headers: Mapping[str, str]
    """The headers that the container gets, with names in lower case."""
    variant: str | None = None
    """The variant that the caller wants, if any."""
    target_model: str | None = None
    """The model of a multi-model endpoint."""
    target_container: str | None = None
    """The container of an endpoint with direct invocation."""
    seconds: float | None = None
    """The time within which the answer must come; None for AWS's 60 s."""
    asynchronous: bool = False
    """Whether the request comes from the queue of an asynchronous endpoint."""
    inference_id: str = ""
    """The InferenceId of a request from the queue."""
    path: str = INVOCATIONS
    """The path at which the container is asked."""
