"""Rules of names and models."""

import re
from collections.abc import Mapping

from sagebridge._aws import shapes
from sagebridge.endpoint.args import ContainerArgs, ModelDataSourceArgs, SageMakerEndpointArgs
from sagebridge.endpoint.names import Names
from sagebridge.endpoint.parts import MODEL_FIELDS, all_variants, containers, field_path, has_model, models
from sagebridge.endpoint.rules.common import Problems, is_arn, is_known, is_structure, refused_fields, repeated
from sagebridge.endpoint.schema import formatted, is_formatted_output
from sagebridge.endpoint.spec import COMPRESSION_TYPE, CONTAINER_MODE, S3_DATA_TYPE
from sagebridge.images.uris import FRAMEWORKS, MODEL_SERVERS
from sagebridge.redaction import derived
from sagebridge.validation import Problem

AUTONAME_SUFFIX = 8
"""Characters that Pulumi's auto-naming adds: a dash and seven hexadecimal digits."""
_AUTO_NAMED = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*")
_ENVIRONMENT_BYTES = 32 * 1024
_WITHOUT_DEFAULT = set(FRAMEWORKS) - set(MODEL_SERVERS)
"""The frameworks whose version must be declared, because a model is made with one."""
_IN_PACKAGE = (
    "image",
    "framework",
    "framework_version",
    "model_data_url",
    "model_data_source",
    "hugging_face_model",
    "mode",
    "model_cache_setting",
)
"""The fields of a container that a model package includes."""


def _names(name: str, args: SageMakerEndpointArgs) -> Problems:
    """Models and configuration are auto-named after the component (API: ModelName; provider: validName)."""
    if is_formatted_output(name):
        yield formatted("name")
    elif not isinstance(name, str) or not _AUTO_NAMED.fullmatch(name):
        rule = "must be letters, digits and dashes, without a dash at the beginning"
        yield Problem("name", rule, name, "Models and configurations are named after it.")
    else:
        yield from _name_length(name, args)


def _name_length(name: str, args: SageMakerEndpointArgs) -> Problems:
    """API: ModelName, EndpointConfigName; at most 63 characters."""
    owners = [variant["variant_name"] for path, variant in all_variants(args) if path and has_model(variant)]
    names = Names("")
    suffixes = [names.configuration, names.model(None), *(names.model(owner) for owner in owners if is_known(owner))]
    longest = shapes()["EndpointConfigName"]["max"] - max(map(len, suffixes)) - AUTONAME_SUFFIX
    if len(name) > longest:
        yield Problem("name", f"must be at most {longest} characters long", name, "Auto-naming adds to it.")


def _one_source(_: str, args: SageMakerEndpointArgs) -> Problems:
    """A model is one container or several (API: CreateModel), each an image or a package (ContainerDefinition)."""
    for path, model in models(args):
        if "containers" in model:
            others = [field for field in MODEL_FIELDS if field not in ("containers", "inference_execution_mode")]
            yield from refused_fields(
                path, model, others, "cannot be combined with containers", "Set it in each container."
            )
            if not model["containers"]:
                yield Problem(field_path(path, "containers"), "must have at least one entry")
        else:
            yield from refused_fields(path, model, ["inference_execution_mode"], "cannot be set without containers")
        for where, container in containers(path, model):
            yield from _container(where, container)


def _container(path: str, container: ContainerArgs) -> Problems:
    if "model_package_name" in container:
        rule = "cannot be combined with model_package_name, which includes it"
        yield from refused_fields(path, container, _IN_PACKAGE, rule)
        package = container["model_package_name"]
        if is_known(package) and not is_arn(package):  # provider: model.go, verify.ValidARN
            yield Problem(field_path(path, "model_package_name"), "must be an ARN", package)
        return
    if "framework" in container or "framework_version" in container:
        yield from refused_fields(
            path, container, ["image"], "cannot be combined with framework, which finds the image"
        )
        if "framework" not in container:
            yield Problem(field_path(path, "framework"), "is required with framework_version")
        elif "framework_version" not in container and container["framework"] in _WITHOUT_DEFAULT:
            yield Problem(field_path(path, "framework_version"), "is required with framework")
    elif "image" not in container:
        rule = "is required unless framework or model_package_name is set"
        yield Problem(field_path(path, "image"), rule)
    yield from _model_data(path, container)


def _model_data(path: str, container: ContainerArgs) -> Problems:
    """API: ContainerDefinition.ModelDataUrl, ModelDataSource; Guide: create-multi-model-endpoint."""
    url, source = container.get("model_data_url"), container.get("model_data_source")
    mode = container.get("mode", CONTAINER_MODE)
    if source is not None:
        yield from refused_fields(path, container, ["model_data_url"], "cannot be combined with model_data_source")
    if mode == "MultiModel":
        yield from refused_fields(path, container, ["model_data_source"], f"cannot be combined with mode {mode}")
        if url is None and source is None:
            rule = f"is required with mode {mode}: it is the prefix of the models"
            yield Problem(field_path(path, "model_data_url"), rule)
        elif is_known(url) and not (url.startswith("s3://") and url.endswith("/")):
            rule = f"must be an S3 URL that ends in / with mode {mode}"
            yield Problem(field_path(path, "model_data_url"), rule, url)
    elif mode == "SingleModel":
        yield from refused_fields(path, container, ["model_cache_setting"], "cannot be set without mode MultiModel")
        if is_known(url) and not (url.startswith("s3://") and url.endswith(".tar.gz")):
            yield Problem(field_path(path, "model_data_url"), "must be an S3 URL that ends in .tar.gz", url)
    if is_structure(source):
        yield from _model_data_source(field_path(path, "model_data_source"), source)


def _model_data_source(path: str, source: ModelDataSourceArgs) -> Problems:
    """API: S3ModelDataSource."""
    uri, compression = source["s3_uri"], source.get("compression_type", COMPRESSION_TYPE)
    data_type = source.get("s3_data_type", S3_DATA_TYPE)
    if data_type != "S3Prefix":
        return
    if compression == "Gzip":
        yield Problem(f"{path}.compression_type", f"cannot be {compression} with s3_data_type {data_type}")
    if is_known(uri) and not uri.endswith("/"):
        yield Problem(f"{path}.s3_uri", f"must end in / with s3_data_type {data_type}", uri)


def _container_names(_: str, args: SageMakerEndpointArgs) -> Problems:
    """All containers have names or none has (API: ContainerDefinition.ContainerHostname).

    Guide: multi-container-endpoints.
    """
    for path, model in models(args):
        several = containers(path, model)
        nameless = [where for where, container in several if "container_hostname" not in container]
        mode = model.get("inference_execution_mode")
        direct = "containers" in model and mode == "Direct"
        if direct or len(nameless) < len(several):
            rule = (
                f"is required with inference_execution_mode {mode}"
                if direct
                else "must be set for every container or for none"
            )
            yield from (Problem(field_path(where, "container_hostname"), rule) for where in nameless)
        yield from repeated(
            [
                (field_path(where, "container_hostname"), container.get("container_hostname"))
                for where, container in several
            ]
        )


def _environment_size(_: str, args: SageMakerEndpointArgs) -> Problems:
    """API: ContainerDefinition.Environment, 32 KB for all containers of a model."""
    for path, model in models(args):
        environments = [container.get("environment") for _, container in containers(path, model)]
        pairs = [pair for variables in environments if isinstance(variables, Mapping) for pair in variables.items()]
        size = sum(derived(len(part.encode()), part) for pair in pairs for part in pair if isinstance(part, str))
        if size > _ENVIRONMENT_BYTES:
            rule = f"must take at most {_ENVIRONMENT_BYTES} bytes for all containers of a model"
            yield Problem(field_path(path, "environment"), rule, size)


RULES = (_names, _one_source, _container_names, _environment_size)
