"""Models and their containers."""

import re

from sagebridge.local.sagemaker.packages import package_containers
from sagebridge.local.sagemaker.resources import Resources
from sagebridge.local.shapes import Record, invalid

_REGISTRY = re.compile(r"\d{12}\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.")
"""The beginning of the URI of an image in ECR."""


def new_model(resources: Resources, request: Record) -> Record:
    """Returns the record of a new model.

    A model whose containers name packages has under `resolved` all of its containers, those of the packages in place
    of the packages' names.

    Raises:
        AwsError: `ValidationException` for members that do not go together, or a package that cannot be deployed.
    """
    if ("PrimaryContainer" in request) == ("Containers" in request):
        raise invalid("A model needs either PrimaryContainer or Containers.")
    for container in containers(request):
        if ("Image" in container) == ("ModelPackageName" in container):
            raise invalid("Each container of a model needs either an Image or a ModelPackageName.")
        if "Image" in container:
            _check_region(container["Image"], resources.region)
            _complete(container)
    resolved = {}
    if any("ModelPackageName" in container for container in containers(request)):
        resolved = {"resolved": [part for container in containers(request) for part in _resolve(resources, container)]}
    return {"EnableNetworkIsolation": False} | request | resolved


def _check_region(image: str, region: str) -> None:
    """Refuses an image of another region, in AWS's words (aws/sagemaker-pytorch-inference-toolkit#7).

    Raises:
        AwsError: `ValidationException`.
    """
    registry = _REGISTRY.match(image)
    if registry and registry["region"] != region:
        raise invalid(
            f'Region of "{image}" does not match expected region of {region}. Cross region ECR image pulls are not '
            "allowed."
        )


def containers(model: Record) -> list[Record]:
    """Returns the containers of a model in the order in which they serve."""
    records: list[Record] = model.get("resolved") or model.get("Containers") or [model["PrimaryContainer"]]
    return records


def _resolve(resources: Resources, container: Record) -> list[Record]:
    """Returns the containers that a container of a model stands for: itself, or those of its package."""
    if "ModelPackageName" not in container:
        return [container]
    parts = package_containers(resources, container["ModelPackageName"])
    for part in parts:
        _complete(part)
        part["Environment"] = part.get("Environment", {}) | container.get("Environment", {})
    return parts


def _complete(container: Record) -> None:
    """Adds the members that AWS fills in: the mode, and the other form of where the archive is."""
    container.setdefault("Mode", "SingleModel")
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if "ModelDataUrl" in container and source is None and container["Mode"] == "SingleModel":
        data = {"S3Uri": container["ModelDataUrl"], "S3DataType": "S3Object", "CompressionType": "Gzip"}
        container["ModelDataSource"] = {"S3DataSource": data}
