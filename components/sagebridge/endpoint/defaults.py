"""Decides what of a variant depends on its image, its model and its instance type, and is not declared. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from sagebridge.images.combination import Combination
from sagebridge.images.instances import accelerators_of, takes_volume
from sagebridge.images.sizes import seconds_for, volume_for, weights_in_gb


class Served(NamedTuple):
    """A container, as far as a variant's defaults depend on it."""

    image: str | None
    """The image, at least its repository and tag; None if there is none, or if it is not known."""
    is_model_server: bool
    """Whether it is declared to be a model server."""
    model_id: str | None
    """Name of the model on the Hugging Face Hub."""
    has_model_data: bool
    """Whether SageMaker puts the model into it."""


@dataclass(frozen=True)
class VariantDefaults:
    """What a variant gets where it declares nothing; None is what AWS chooses."""

    inference_ami_version: str | None = None
    container_startup_health_check_timeout_in_seconds: int | None = None
    model_data_download_timeout_in_seconds: int | None = None
    volume_size_in_gb: int | None = None

    def chosen(self) -> Iterator[tuple[str, str | int]]:
        """Lists the fields that are not left to AWS, each with its value."""
        for field in fields(self):
            value: str | int | None = getattr(self, field.name)
            if value is not None:
                yield field.name, value


def variant_defaults(instance_type: str | None, containers: Sequence[Served]) -> VariantDefaults:
    """Returns what a variant gets where it declares nothing.

    Args:
        instance_type: The instance type; None for a serverless variant.
        containers: The containers of its model.
    """
    if instance_type is None:
        return VariantDefaults()
    images = [container.image for container in containers if container.image is not None]
    amis = [ami for image in images if (ami := Combination(image, instance_type).default_ami)]
    servers = [container for container in containers if container.is_model_server]
    sizes = [size for server in servers if server.model_id and (size := weights_in_gb(server.model_id))]
    accelerators = accelerators_of(instance_type)
    most = accelerators.memory_in_gib if accelerators else 0
    seconds = seconds_for(max(sizes, default=most))
    has_model_data = any(server.has_model_data for server in servers)
    return VariantDefaults(
        inference_ami_version=amis[0] if amis else None,
        container_startup_health_check_timeout_in_seconds=seconds if servers else None,
        model_data_download_timeout_in_seconds=seconds if has_model_data else None,
        volume_size_in_gb=volume_for(max(sizes)) if sizes and takes_volume(instance_type) else None,
    )
