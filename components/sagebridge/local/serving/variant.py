"""One variant of a deployment: its instances, and how requests are shared out among them."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import random
import uuid
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from sagebridge.local.sagemaker.service import containers
from sagebridge.local.serving.container import PING_SECONDS, Answer, Container, Site, no_answer
from sagebridge.local.serving.model_data import DOWNLOAD_SECONDS, DeployError, ModelData, split_url
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sagebridge.local.sagemaker.service import Record
    from sagebridge.local.serving.invocations import Request

MAX_INSTANCES = 4  # real instances of a variant, whatever its count: they all are on this machine
MAX_MODELS = 16  # models of a multi-model container that an instance has in memory: the last used ones
MAX_SESSIONS = 1000  # sessions whose instance a variant remembers: the last begun ones
SERVERLESS_BODY = 4 * 1024**2  # bytes; AWS's guide to serverless endpoints
# AWS's own words, the second from aws/amazon-sagemaker-examples#1026, the third from
# aws/sagemaker-tensorflow-serving-container#166
NO_PING = (
    "The {container} container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
NOT_MULTI_MODEL = "Endpoint {endpoint} is not a multi-model endpoint and does not support target model header."
NO_TARGET_MODEL = "Request {request} is missing a target model header."
NO_MODEL = (
    "Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object located "
    "at the URL and that the role passed to CreateModel has permissions to download the model."
)


class NoInstanceError(AwsError):
    """A variant was scaled to zero."""


class Variant:
    """The instances of one variant.

    Each has a process for each container, started at its first request; those of the first instance are
    started with the deployment.

    Args:
        record: the variant of the endpoint configuration.
        model: its model's record.
        site: the deployment's.
    """

    def __init__(self, record: Record, model: Record, site: Site) -> None:
        self.name: str = record["VariantName"]
        self.weight: float = record["InitialVariantWeight"]
        self._direct = model.get("InferenceExecutionConfig", {}).get("Mode") == "Direct"
        serverless: Record | None = record.get("ServerlessConfig")
        self._serverless = dict(serverless) if serverless else None
        strategy = record.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
        self._random = strategy == "RANDOM" and serverless is None
        self._parts = [
            _Part(record, definition, number, len(containers(model)), site)
            for number, definition in enumerate(containers(model), start=1)
        ]
        self._lock = Lock()
        self._outstanding = 0
        self._sessions: OrderedDict[str, _Instance] = OrderedDict()
        self._instances: list[_Instance] = []
        self.resize(serverless["MaxConcurrency"] if serverless else record["InitialInstanceCount"])

    @property
    def outstanding(self) -> int:
        """The number of requests under way."""
        return self._outstanding

    def start(self) -> None:
        """Make the first instance answer /ping.

        Raises:
            DeployError: with AWS's reason.
        """
        for container in self._instances[0].single if self._instances else ():
            container.start(NO_PING.format(container=container.name, variant=self.name))

    def resize(self, count: int) -> None:
        """Have a number of instances, `MAX_INSTANCES` at most; those too many end after the requests they have."""
        count = min(count, MAX_INSTANCES)
        warm = (self._serverless or {}).get("ProvisionedConcurrency", 0)
        with self._lock:
            for _ in range(len(self._instances), count):
                self._instances.append(_Instance(self._parts))
            self._instances, ended = self._instances[:count], self._instances[count:]
            for number, instance in enumerate(self._instances):
                instance.keep_warm(number < warm)
        for instance in ended:
            for container in instance.containers():
                container.retire()

    def limit(self, serverless: Record) -> None:
        """Allow another concurrency, as a ServerlessConfig."""
        with self._lock:
            self._serverless = dict(serverless)
        self.resize(serverless["MaxConcurrency"])

    def body_limit(self, limit: int) -> int:
        """Give the most bytes that a request's body may have, `limit` for a variant on instances."""
        return limit if self._serverless is None else SERVERLESS_BODY

    def invoke(self, request: Request, deadline: float) -> tuple[str, Answer]:
        """Pass a request through the containers, each taking the answer of the one before.

        Args:
            request: what to pass.
            deadline: until when the answer must have come, in the seconds of `time.monotonic`.

        Returns:
            The name of the container that answered last, and its answer.

        Raises:
            AwsError: `ValidationError` for targets that there are not, `ThrottlingException` beyond a serverless
                variant's concurrency.
            RetiredError: the variant does not serve any more.
        """
        with self._instance(request) as instance:
            name, answer = "", Answer(http.client.OK, request.headers, request.body)
            for container in self._row(instance, request):
                name, answer = container.name, container.invoke(answer.body, _passed(answer.headers), deadline)
                if not answer.good:
                    break
            self._remember(answer.headers, instance)
            return name, answer

    @contextlib.contextmanager
    def stream(self, request: Request, deadline: float) -> Iterator[tuple[str, Answer, Iterable[bytes]]]:
        """Do as `invoke`, giving the last container's answer, when it is a success, as it comes."""
        with self._instance(request) as instance, contextlib.ExitStack() as stack:
            answer = Answer(http.client.OK, request.headers, request.body)
            row = self._row(instance, request)
            last = row.pop()
            name = last.name
            chunks: Iterable[bytes] = ()
            for container in row:
                name, answer = container.name, container.invoke(answer.body, _passed(answer.headers), deadline)
                if not answer.good:
                    break
            if answer.good:
                name = last.name
                try:
                    reply = stack.enter_context(last.exchange(answer.body, _passed(answer.headers), deadline))
                    answer = Answer(reply.status, reply.headers, b"")
                    if answer.good:
                        chunks = reply.chunks()
                    else:
                        answer = reply.whole()
                except (OSError, http.client.HTTPException, DeployError) as error:
                    answer = no_answer(name, error)
            yield name, answer, chunks

    def retire(self) -> None:
        """End for good, after the requests that are being answered."""
        for instance in self._instances:
            for container in instance.containers():
                container.retire()

    def kill(self) -> None:
        """End for good and at once."""
        for instance in self._instances:
            for container in instance.containers():
                container.kill()

    @contextlib.contextmanager
    def _instance(self, request: Request) -> Iterator[_Instance]:
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

    def _choose(self, session: str | None) -> _Instance:
        known = self._sessions.get(session or "")
        if known in self._instances:
            return known
        if self._random:
            return random.choice(self._instances)  # noqa: S311 - no secret
        return min(self._instances, key=lambda instance: instance.outstanding)

    def _remember(self, headers: Mapping[str, str], instance: _Instance) -> None:
        """Keep to the instance that began a session (botocore, InvokeEndpointInput SessionId)."""
        begun = headers.get("x-amzn-sagemaker-new-session-id", "").partition(";")[0]
        if begun:
            with self._lock:
                self._sessions[begun] = instance
                if len(self._sessions) > MAX_SESSIONS:
                    self._sessions.popitem(last=False)

    def _row(self, instance: _Instance, request: Request) -> list[Container]:
        """Give the containers that a request goes through."""
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
        if request.target_model is not None and not any(part.multi_model for part in parts):
            raise AwsError("ValidationError", NOT_MULTI_MODEL.format(endpoint=request.endpoint))
        return [instance.container(part, request.target_model) for part in parts]


class _Part:
    """What the copies of a container on all instances share."""

    def __init__(self, variant: Record, definition: Record, number: int, count: int, site: Site) -> None:
        self.name: str = definition.get("ContainerHostname", "primary" if count == 1 else f"container_{number}")
        self.multi_model = definition.get("Mode") == "MultiModel"
        self._definition = definition
        self._label = f"container_{number}"
        self._folder = site.home / f"{variant['VariantName']}-{number}"
        self._site = site
        self._ping_seconds: float = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", PING_SECONDS)
        self._download_seconds: float = variant.get("ModelDataDownloadTimeoutInSeconds", DOWNLOAD_SECONDS)
        self._prefix: str = definition.get("ModelDataUrl", "")  # of a multi-model container's archives
        self._data = self._data_of(self._folder, definition.get("ModelDataSource", {}).get("S3DataSource"))
        self._models: dict[str, ModelData] = {}

    def container(self, data: ModelData | None = None) -> Container:
        """Make the container of an instance, or one of the models that it serves."""
        return Container(self.name, self._definition, data or self._data, self._ping_seconds, self._site)

    def model(self, target: str | None) -> ModelData:
        """Bring the data of one model of a multi-model container."""
        if target is None:
            raise AwsError("ValidationError", NO_TARGET_MODEL.format(request=uuid.uuid4()))
        data = self._models.get(target)
        if data is None:
            source = {
                "S3Uri": f"{self._prefix.rstrip('/')}/{target.removeprefix('/')}",
                "S3DataType": "S3Object",
                "CompressionType": "Gzip",
            }
            name = hashlib.sha256(target.encode()).hexdigest()[:16]
            data = self._data_of(self._folder / name, source)
            bucket, key = split_url(source["S3Uri"])
            if not data.folder.exists():
                found = self._site.aws.open_object(bucket, key)
                if found is None:
                    raise AwsError("ValidationError", NO_MODEL.format(bucket=bucket, key=key))
                found.close()
            data = self._models.setdefault(target, data)
        return data

    def _data_of(self, folder: Path, source: Record | None) -> ModelData:
        return ModelData(folder, source, self._label, self._site.aws, self._download_seconds)


class _Instance:
    """One machine: a process for each container, or for each model that a multi-model container has in memory."""

    def __init__(self, parts: list[_Part]) -> None:
        self.outstanding = 0
        self._lock = Lock()
        self._single = {part: part.container() for part in parts if not part.multi_model}
        self._models: OrderedDict[tuple[_Part, str], Container] = OrderedDict()

    @property
    def single(self) -> list[Container]:
        """The containers that have one model each."""
        return list(self._single.values())

    def keep_warm(self, warm: bool) -> None:  # noqa: FBT001 - all that it says
        """Keep idle processes, or end them."""
        for container in self._single.values():
            container.warm = warm

    def containers(self) -> list[Container]:
        """Give all containers and loaded models."""
        with self._lock:
            return [*self._single.values(), *self._models.values()]

    def container(self, part: _Part, target: str | None) -> Container:
        """Give the container that takes a request."""
        if not part.multi_model:
            return self._single[part]
        data = part.model(target)
        unloaded = None
        with self._lock:
            key = (part, str(target))
            found = self._models.get(key) or part.container(data)
            self._models[key] = found
            self._models.move_to_end(key)
            if len(self._models) > MAX_MODELS:
                _, unloaded = self._models.popitem(last=False)
        if unloaded is not None:
            unloaded.retire()
        return found


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep the headers that a container gets: AWS strips those that its API does not name."""
    return {k: v for k, v in headers.items() if k in ("content-type", "accept") or k.startswith("x-amzn-sagemaker")}
