"""The instances of a variant, and the containers that run on each."""

import hashlib
import uuid
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from sagebridge.containers.code import Definition
from sagebridge.local.sagemaker.models import containers
from sagebridge.local.serving.code import Code
from sagebridge.local.serving.container import PING_SECONDS, Container, Site
from sagebridge.local.serving.model_data import DOWNLOAD_SECONDS, ModelData, split_url
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


class Part:
    """What the copies of a container on all instances share.

    Args:
        variant: the variant of the endpoint configuration.
        model: the record of the variant's model.
        number: the container's place among those of the model, from 1.
        site: the deployment's site.
    """

    def __init__(self, variant: Record, model: Record, number: int, site: Site) -> None:
        definitions = containers(model)
        definition = definitions[number - 1]
        only_name = "primary" if len(definitions) == 1 else f"container_{number}"
        self.name: str = definition.get("ContainerHostname", only_name)
        self.is_multi_model = definition.get("Mode") == "MultiModel"
        self._label = f"container_{number}"
        self._is_alone = len(definitions) == 1
        self._folder = site.home / f"{variant['VariantName']}-{number}"
        self._site = site
        self._ping_seconds: float = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", PING_SECONDS)
        self._download_seconds: float = variant.get("ModelDataDownloadTimeoutInSeconds", DOWNLOAD_SECONDS)
        self._prefix: str = definition.get("ModelDataUrl", "")  # of a multi-model container's archives
        self._data = self._model_data(self._folder, definition.get("ModelDataSource", {}).get("S3DataSource"))
        self._models: dict[str, ModelData] = {}
        self._code = Code(
            Definition(
                definition["Image"],
                definition.get("Environment", {}),
                definition.get("ModelDataUrl", ""),
                self.is_multi_model,
                model.get("EnableNetworkIsolation", False),
            ),
            self._folder.with_name(f"{self._folder.name}-code"),
            site.aws,
        )

    def new_container(self, stream: str, data: ModelData | None = None) -> Container:
        """Returns a new container for an instance, or one for a model of a multi-model container.

        Args:
            stream: the name of the instance's stream of the endpoint's log.
            data: the model of a multi-model container.
        """
        name = stream if self._is_alone else f"{stream}/{self.name}"
        return Container(self.name, data or self._data, self._code, self._ping_seconds, stream=name, site=self._site)

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
            data = self._model_data(self._folder / name, source)
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
        self._single = {part: part.new_container(stream) for part in parts if not part.is_multi_model}
        self._models: OrderedDict[tuple[Part, str], Container] = OrderedDict()

    @property
    def single_model_containers(self) -> list[Container]:
        """The containers that have one model each."""
        return list(self._single.values())

    def keep_warm(self, *, warm: bool) -> None:
        """Keeps idle processes, or lets them end."""
        for container in self._single.values():
            container.warm = warm

    def containers(self) -> list[Container]:
        """Returns all containers and loaded models."""
        with self._lock:
            return [*self._single.values(), *self._models.values()]

    def container(self, part: Part, target: str | None) -> Container:
        """Returns the container that takes a request.

        Args:
            part: the container of the variant's model.
            target: the model that the request names, for a multi-model container.

        Raises:
            AwsError: `ValidationError` for a model that does not exist.
        """
        if not part.is_multi_model:
            return self._single[part]
        data = part.model(target)
        unloaded = None
        with self._lock:
            key = (part, str(target))
            container = self._models.get(key) or part.new_container(self.stream, data)
            self._models[key] = container
            self._models.move_to_end(key)
            if len(self._models) > MAX_MODELS:
                _, unloaded = self._models.popitem(last=False)
        if unloaded is not None:
            unloaded.retire()
        return container
