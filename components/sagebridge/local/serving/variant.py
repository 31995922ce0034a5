"""One variant of a deployment: its instances, and how it distributes requests among them."""

import contextlib
import hashlib
import http.client
import random
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from threading import Lock

from sagebridge.local.sagemaker.models import containers
from sagebridge.local.serving.container import Answer, Container, Site, no_answer
from sagebridge.local.serving.instances import Instance, Part
from sagebridge.local.serving.model_data import DeployError
from sagebridge.local.serving.output import Output
from sagebridge.local.serving.request import Request
from sagebridge.local.shapes import AwsError, Record

DATA_LOG = "data-log"
"""The end of the name of the stream that has a line for each asynchronous request of an instance."""
MAX_INSTANCES = 4
"""Real instances of a variant, whatever its count: all of them are on this machine."""
MAX_SESSIONS = 1000
"""Sessions whose instance a variant remembers: those that began last."""
SERVERLESS_BODY = 4 * 1024**2
"""Bytes of a request to a serverless variant; source: AWS's guide to serverless endpoints."""
NO_PING = (
    "The {container} container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
"""AWS's own words."""
NOT_MULTI_MODEL = "Endpoint {endpoint} is not a multi-model endpoint and does not support target model header."
"""AWS's own words."""


class NoInstanceError(AwsError):
    """The variant was scaled to zero, so it has no instance for a request."""


class Variant:
    """The instances of one variant.

    Each instance has a process for each container, which starts at its first request. The processes of the first
    instance start with the deployment.

    Args:
        record: the variant of the endpoint configuration.
        model: the record of the variant's model.
        site: the deployment's site.
    """

    def __init__(self, record: Record, model: Record, site: Site) -> None:
        self.name: str = record["VariantName"]
        self.weight: float = record["InitialVariantWeight"]
        self._direct = model.get("InferenceExecutionConfig", {}).get("Mode") == "Direct"
        serverless: Record | None = record.get("ServerlessConfig")
        self._serverless = dict(serverless) if serverless else None
        strategy = record.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
        self._random = strategy == "RANDOM" and serverless is None
        self._parts = [Part(record, model, number, site) for number in range(1, len(containers(model)) + 1)]
        self._site = site
        self._lock = Lock()
        self._outstanding = 0
        self._sessions: OrderedDict[str, Instance] = OrderedDict()
        self._instances: list[Instance] = []
        self.resize(serverless["MaxConcurrency"] if serverless else record["InitialInstanceCount"])

    @property
    def outstanding(self) -> int:
        """The number of requests under way."""
        return self._outstanding

    def start(self) -> None:
        """Makes the first instance answer /ping.

        A multi-model container does so before it has a model; its process is not kept, unless it loads all models.

        Raises:
            DeployError: with AWS's reason.
        """
        for part in self._parts if self._instances else ():
            if part.loads_apart:
                front = part.new_container(self._instances[0].stream)
                try:
                    front.start(NO_PING.format(container=front.name, variant=self.name))
                finally:
                    front.retire()
        for container in self._instances[0].first_containers if self._instances else ():
            container.start(NO_PING.format(container=container.name, variant=self.name))

    def resize(self, count: int) -> None:
        """Changes the number of instances, up to `MAX_INSTANCES`; the others end after the requests that they have."""
        count = min(count, MAX_INSTANCES)
        warm = (self._serverless or {}).get("ProvisionedConcurrency", 0)
        with self._lock:
            for number in range(len(self._instances), count):
                self._instances.append(Instance(self._parts, f"{self.name}/{self._instance_id(number)}"))
            self._instances, ended = self._instances[:count], self._instances[count:]
            for number, instance in enumerate(self._instances):
                instance.keep_warm(warm=number < warm)
        for instance in ended:
            for container in instance.containers():
                container.retire()

    def limit(self, serverless: Record) -> None:
        """Changes the concurrency of a serverless variant to that of a ServerlessConfig."""
        with self._lock:
            self._serverless = dict(serverless)
        self.resize(serverless["MaxConcurrency"])

    def body_limit(self, limit: int) -> int:
        """Returns the most bytes that a request's body may have: `limit` for a variant on instances."""
        return limit if self._serverless is None else SERVERLESS_BODY

    def invoke(self, request: Request, deadline: float) -> tuple[str, Answer]:
        """Passes a request through the containers; each takes the answer of the one before it.

        Args:
            request: the request.
            deadline: the time by which the answer must have come, in the seconds of `time.monotonic`.

        Returns:
            The name of the container that answered last, and its answer.

        Raises:
            AwsError: `ValidationError` for targets that do not exist, `ThrottlingException` beyond a serverless
                variant's concurrency.
            RetiredError: the variant no longer serves.
        """
        with self._instance(request) as instance:
            name, answer = "", Answer(http.client.OK, request.headers, request.body)
            for container in self._pipeline(instance, request):
                name, answer = (
                    container.name,
                    container.invoke(answer.body, _passed(answer.headers), deadline, request.path),
                )
                if not answer.good:
                    break
            self._remember(answer.headers, instance)
            if request.asynchronous:
                data_log = Output(self._site.log(f"{instance.stream}/{DATA_LOG}"))
                data_log.note(_outcome(request.inference_id, name, answer))
            return name, answer

    @contextlib.contextmanager
    def stream(self, request: Request, deadline: float) -> Iterator[tuple[str, Answer, Iterable[bytes]]]:
        """Does what `invoke` does, and yields the last container's answer, when it is a success, as it comes."""
        with self._instance(request) as instance, contextlib.ExitStack() as stack:
            answer = Answer(http.client.OK, request.headers, request.body)
            pipeline = self._pipeline(instance, request)
            last = pipeline.pop()
            name = last.name
            chunks: Iterable[bytes] = ()
            for container in pipeline:
                name, answer = (
                    container.name,
                    container.invoke(answer.body, _passed(answer.headers), deadline, request.path),
                )
                if not answer.good:
                    break
            if answer.good:
                name = last.name
                try:
                    reply = stack.enter_context(
                        last.exchange(answer.body, _passed(answer.headers), deadline, request.path)
                    )
                    answer = Answer(reply.status, reply.headers, b"")
                    if answer.good:
                        chunks = reply.chunks()
                    else:
                        answer = reply.whole()
                except (OSError, http.client.HTTPException, DeployError) as error:
                    answer = no_answer(name, error)
            yield name, answer, chunks

    def retire(self) -> None:
        """Ends for good, after the requests that are being answered."""
        for instance in self._instances:
            for container in instance.containers():
                container.retire()

    def kill(self) -> None:
        """Ends for good and at once."""
        for instance in self._instances:
            for container in instance.containers():
                container.kill()

    @contextlib.contextmanager
    def _instance(self, request: Request) -> Iterator[Instance]:
        with self._lock:
            if self._serverless and self._outstanding >= self._serverless["MaxConcurrency"]:
                raise AwsError("ThrottlingException", "Rate exceeded")
            if not self._instances:
                message = f"Variant {self.name} has no instance to process this request."
                raise NoInstanceError("ValidationError", message)
            instance = self._choose(request.headers.get("x-amzn-sagemaker-session-id"))
            instance.outstanding += 1
            self._outstanding += 1
        try:
            yield instance
        finally:
            with self._lock:
                instance.outstanding -= 1
                self._outstanding -= 1

    def _instance_id(self, number: int) -> str:
        """Returns the ID of an instance, in the form of EC2's; it is the same when the server starts again."""
        return f"i-{hashlib.sha256(f'{self._site.home}/{self.name}/{number}'.encode()).hexdigest()[:17]}"

    def _choose(self, session: str | None) -> Instance:
        remembered = self._sessions.get(session or "")
        if remembered in self._instances:
            return remembered
        if self._random:
            return random.choice(self._instances)  # noqa: S311 - no secret
        return min(self._instances, key=lambda instance: instance.outstanding)

    def _remember(self, headers: Mapping[str, str], instance: Instance) -> None:
        """Remembers the instance that began a session (botocore, InvokeEndpointInput SessionId)."""
        session = headers.get("x-amzn-sagemaker-new-session-id", "").partition(";")[0]
        if session:
            with self._lock:
                self._sessions[session] = instance
                if len(self._sessions) > MAX_SESSIONS:
                    self._sessions.popitem(last=False)

    def _pipeline(self, instance: Instance, request: Request) -> list[Container]:
        """Returns the containers that a request goes through."""
        parts = self._parts
        if self._direct:
            parts = [part for part in parts if part.name == request.target_container]
            if not parts:
                names = ", ".join(part.name for part in self._parts)
                raise AwsError(
                    "ValidationError",
                    f"Endpoint {request.endpoint} is configured for direct invocation: TargetContainerHostname must "
                    f"name one of its containers, {names}; got {request.target_container}.",
                )
        elif request.target_container is not None:
            raise AwsError(
                "ValidationError",
                f"Endpoint {request.endpoint} is not configured for direct invocation and does not support "
                "target container hostname header.",
            )
        if request.target_model is not None and not any(part.is_multi_model for part in parts):
            raise AwsError("ValidationError", NOT_MULTI_MODEL.format(endpoint=request.endpoint))
        return [instance.container(part, request.target_model) for part in parts]


def _outcome(inference_id: str, container: str, answer: Answer) -> str:
    """Returns what the data log says of a request: its InferenceId in SageMaker's form, its outcome in our words."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    outcome = f"{container} answered {answer.status}." if answer.status else f"{container} gave no answer."
    return f"{now}:[sagemaker logs] [{inference_id}] {outcome}"


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    """Keeps the headers that a container gets: AWS strips those that its API does not name."""
    return {
        name: value
        for name, value in headers.items()
        if name in ("content-type", "accept") or name.startswith("x-amzn-sagemaker")
    }
