"""Finds each container on the instances of each variant, in arguments that may not be right yet. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sagebridge.endpoint.args import ContainerArgs, SageMakerEndpointArgs, VariantArgs
from sagebridge.endpoint.defaults import Served, VariantDefaults, variant_defaults
from sagebridge.endpoint.parts import all_variants, containers, field_path, is_serverless, model_path, models
from sagebridge.endpoint.schema import UNKNOWN, Unknown
from sagebridge.endpoint.spec import Instances, capacity_of
from sagebridge.images.combination import Combination
from sagebridge.images.servers import Server, server_of
from sagebridge.images.uris import FRAMEWORKS, MODEL_SERVERS, Image, image_of, newest_version
from sagebridge.validation import Problem

_OF_VARIANT = ("instance_type", "inference_ami_version", "serverless_config", "autoscaling")
"""The arguments of a variant that a problem of an image on an instance may be about."""


class Placement(NamedTuple):
    """A container on the instances of a variant."""

    variant_path: str
    variant: VariantArgs
    path: str
    container: ContainerArgs
    instance_type: str | None
    """The instance type; None if the variant is serverless."""
    defaults: VariantDefaults
    """What the variant gets where it declares nothing."""

    @property
    def image(self) -> str | Problem | None:
        """The image, at least its repository and tag, or why there is none; None if it is not known."""
        return _image(self.container, self.instance_type)

    @property
    def server(self) -> Server | None:
        """The model server of the image; None if it has none, or if it is not known."""
        image = self.image
        return server_of(self.container.get("framework"), image if isinstance(image, str) else None)

    @property
    def combination(self) -> Combination | None:
        """What is to be judged; None as long as the image or the machine image is not known."""
        image, ami = self.image, self.variant.get("inference_ami_version", self.defaults.inference_ami_version)
        if not isinstance(image, str) or not isinstance(ami, str | None):
            return None
        declared = self.container.get("environment")
        variables = declared if isinstance(declared, Mapping) else {}
        known = {name: value for name, value in variables.items() if isinstance(value, str)}
        # A variable that is not known yet is declared all the same.
        return Combination(image, self.instance_type, ami, {**dict.fromkeys(variables, ""), **known})

    def located(self, problem: Problem) -> Problem:
        """Returns a problem of the image or the instance with the path of its argument."""
        of_variant = problem.property.split(".")[0] in _OF_VARIANT
        where = self.variant_path if of_variant else self.path
        return problem._replace(property=field_path(where, problem.property))


def placements(args: SageMakerEndpointArgs) -> Iterator[Placement]:
    """Finds each container on the instances of each variant whose instance type is known.

    Args:
        args: The arguments as ``schema.check`` returns them.
    """
    by_path = dict(models(args))
    for path, variant in all_variants(args):
        instance_type = _instance_type(variant)
        if instance_type is UNKNOWN:
            continue
        where = model_path(path, variant)
        placed = containers(where, by_path[where]) if where in by_path else []
        defaults = variant_defaults(instance_type, [_served(container, instance_type) for _, container in placed])
        for container_path, container in placed:
            yield Placement(path, variant, container_path, container, instance_type, defaults)


def framework_version(container: ContainerArgs) -> str | None:
    """Returns the version of a container's framework; None if there is none, or if it is not known."""
    framework, version = container.get("framework"), container.get("framework_version")
    if version is None and framework in MODEL_SERVERS:
        return newest_version(framework)
    return version if isinstance(version, str) else None


def _instance_type(variant: VariantArgs) -> str | Unknown | None:
    if is_serverless(variant):
        return None
    capacity = capacity_of(variant)
    instance_type = capacity.instance_type if isinstance(capacity, Instances) else None
    return instance_type if isinstance(instance_type, str) else UNKNOWN


def _image(container: ContainerArgs, instance_type: str | None) -> str | Problem | None:
    framework, version, image = container.get("framework"), framework_version(container), container.get("image")
    if framework is None:
        return image if isinstance(image, str) else None
    if not isinstance(framework, str) or (version is None and framework in FRAMEWORKS):
        return None
    found = image_of(framework, version or "", instance_type)
    return found.name if isinstance(found, Image) else found


def _served(container: ContainerArgs, instance_type: str | None) -> Served:
    image, model = _image(container, instance_type), container.get("hugging_face_model")
    model_id = model.get("id") if isinstance(model, Mapping) else None
    return Served(
        image=image if isinstance(image, str) else None,
        is_model_server=model is not None or container.get("framework") in MODEL_SERVERS,
        model_id=model_id if isinstance(model_id, str) else None,
        has_model_data="model_data_url" in container or "model_data_source" in container,
    )
