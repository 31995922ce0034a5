"""The instances of a variant, and the containers that run on each."""

import hashlib
import uuid
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from sagebridge.containers.code import Definition
from sagebridge.errors import UserError
from sagebridge.local import images
from sagebridge.local.sagemaker.models import containers
from sagebridge.local.serving.code import Code
from sagebridge.local.serving.container import PING_SECONDS, Container, HandlerContainer, Site
from sagebridge.local.serving.loaded_model import LoadedModel, ModelHost
from sagebridge.local.serving.model_data import DOWNLOAD_SECONDS, DeployError, ModelData, split_url
from sagebridge.local.serving.program import ProgramContainer
from sagebridge.local.serving.replacement import Replacement
from sagebridge.local.shapes import AwsError, Record

MAX_MODELS = 16
"""Models of a multi-model container that an instance has in memory: the last used ones."""
NO_TARGET_MODEL = "Request {request} is missing a target model header."
"""AWS's own words, from aws/amazon-sagemaker-examples#1026."""
NO_MODEL = (
    "Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object located "
    "at the URL and that the role passed to CreateModel has permissions to download the model."
)
"""AWS's own words, from aws/sagemaker-tensorflow-serving-container#166."""


def model_folder(home: Path, variant: str, number: int) -> Path:
    """Returns where the model data of a container is.

    Args:
        home: the folder of the deployment.
        variant: the variant's name.
        number: the container's place among those of the model, from 1.
    """
    return home / f"{variant}-{number}"


class Part:
    """What the copies of a container on all instances share.

    Args:
        variant: the variant of the endpoint configuration.
        model: the record of the variant's model.
        number: the container's place among those of the model, from 1.
        site: the deployment's site.

    Raises:
        DeployError: what is set to run instead of images cannot be read.
    """

    def __init__(self, variant: Record, model: Record, number: int, site: Site) -> None:
        definitions = containers(model)
        definition = definitions[number - 1]
        only_name = "primary" if len(definitions) == 1 else f"container_{number}"
        self.name: str = definition.get("ContainerHostname", only_name)
        self.is_multi_model = definition.get("Mode") == "MultiModel"
        self._label = f"container_{number}"
        self._is_alone = len(definitions) == 1
        self._folder = model_folder(site.home, variant["VariantName"], number)
        self._site = site
        self._ping_seconds: float = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", PING_SECONDS)
        self._download_seconds: float = variant.get("ModelDataDownloadTimeoutInSeconds", DOWNLOAD_SECONDS)
        self._prefix: str = definition.get("ModelDataUrl", "")  # of a multi-model container's archives
        self._data = self._model_data(self._folder, definition.get("ModelDataSource", {}).get("S3DataSource"))
        self._models: dict[str, ModelData] = {}
        self._definition = Definition(
            definition["Image"],
            definition.get("Environment", {}),
            definition.get("ModelDataUrl", ""),
            self.is_multi_model,
            model.get("EnableNetworkIsolation", False),
        )
        choice = self._folder.with_name(f"{self._folder.name}{images.KEPT}")
        try:
            self._substitute = images.keep(choice, self._definition.image, site.settings.substitute_of)
        except UserError as error:
            raise DeployError(error.message, error.message) from error
        self._code = Code(
            self._definition,
            self._folder.with_name(f"{self._folder.name}-code"),
            site.aws,
        )

    @property
    def loads_apart(self) -> bool:
        """Whether each model has a process to itself, and none is there before the first request."""
        return self.is_multi_model and self._substitute is None

    def new_container(self, instance: str) -> HandlerContainer | ProgramContainer:
        """Returns a new container for an instance; of a multi-model container, one that has loaded no model.

        Args:
            instance: the name of the instance's stream of the endpoint's log.
        """
        stream = self._stream(instance)
        if self._substitute:
            replacement = Replacement(self._definition, self._substitute, self._site.home)
            return ProgramContainer(
                self.name, self._data, replacement, self._ping_seconds, stream=stream, site=self._site
            )
        return HandlerContainer(self.name, self._data, self._code, self._ping_seconds, stream=stream, site=self._site)

    def new_model(self, instance: str, data: ModelData, host: ModelHost | None) -> Container:
        """Returns a model of a multi-model container.

        Args:
            instance: the name of the instance's stream of the endpoint's log.
            data: the model's data.
            host: the program of the instance that loads models; None if each model has a process to itself.
        """
        if host:
            return LoadedModel(self.name, data, host)
        stream = self._stream(instance)
        return HandlerContainer(self.name, data, self._code, self._ping_seconds, stream=stream, site=self._site)

    def _stream(self, instance: str) -> str:
        """Returns the name of the stream of the endpoint's log that the container has on an instance."""
        return instance if self._is_alone else f"{instance}/{self.name}"

    def model(self, target: str | None) -> ModelData:
        """Returns the data of one model of a multi-model container.

        Raises:
            AwsError: `ValidationError` if the request names no model, or one that is not in S3.
        """
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
            data = self._model_data(self._folder / name / "model", source)
            bucket, key = split_url(source["S3Uri"])
            if not data.folder.exists():
                content = self._site.aws.open_object(bucket, key)
                if content is None:
                    raise AwsError("ValidationError", NO_MODEL.format(bucket=bucket, key=key))
                content.close()
            data = self._models.setdefault(target, data)
        return data

    def _model_data(self, folder: Path, source: Record | None) -> ModelData:
        return ModelData(folder, source, self._label, self._site.aws, self._download_seconds)


class Instance:
    """One machine: a process for each container, or for each model that a multi-model container has in memory.

    Args:
        parts: the containers of the variant's model.
        stream: the name of the instance's stream of the endpoint's log.
    """

    def __init__(self, parts: list[Part], stream: str) -> None:
        self.outstanding = 0
        """The number of requests under way; the variant counts them."""
        self.stream = stream
        """The name of the instance's stream of the endpoint's log."""
        self._lock = Lock()
        self._first = {part: part.new_container(stream) for part in parts if not part.loads_apart}
        self._hosts = {
            part: ModelHost(container)
            for part, container in self._first.items()
            if part.is_multi_model and isinstance(container, ProgramContainer)
        }
        self._models: OrderedDict[tuple[Part, str], Container] = OrderedDict()

    @property
    def first_containers(self) -> list[HandlerContainer | ProgramContainer]:
        """The containers that are there before the first request."""
        return list(self._first.values())

    def keep_warm(self, *, warm: bool) -> None:
        """Keeps idle processes, or lets them end."""
        for container in self._first.values():
            container.warm = warm

    def containers(self) -> list[Container]:
        """Returns all containers and loaded models."""
        with self._lock:
            return [*self._first.values(), *self._models.values()]

    def container(self, part: Part, target: str | None) -> Container:
        """Returns the container that takes a request.

        Args:
            part: the container of the variant's model.
            target: the model that the request names, for a multi-model container.

        Raises:
            AwsError: `ValidationError` for a model that does not exist.
        """
        if not part.is_multi_model:
            return self._first[part]
        data = part.model(target)
        unloaded = None
        with self._lock:
            key = (part, str(target))
            container = self._models.get(key) or part.new_model(self.stream, data, self._hosts.get(part))
            self._models[key] = container
            self._models.move_to_end(key)
            if len(self._models) > MAX_MODELS:
                _, unloaded = self._models.popitem(last=False)
        if unloaded is not None:
            unloaded.retire()
        return container
