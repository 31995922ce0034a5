"""Rules of names and models."""

from collections.abc import Mapping
from typing import Any

from sagebridge._aws import shapes
from sagebridge.endpoint.parts import MODEL_FIELDS, at, containers, models
from sagebridge.endpoint.rules.common import Args, Found, known, out, unique
from sagebridge.validation import Problem

AUTONAME_SUFFIX = 8
"""Characters that Pulumi's auto-naming adds: a dash and seven hexadecimal digits."""
_ENVIRONMENT_BYTES = 32 * 1024


def _names(name: str, args: Args) -> Found:
    """Model and configuration are auto-named (API: at most 63 characters)."""
    suffixes = [
        "-config",
        *(_model_suffix(variant) for _, variant in models(args) if known(variant.get("variant_name"))),
    ]
    longest = shapes()["EndpointConfigName"]["max"] - max(map(len, [*suffixes, "-model"])) - AUTONAME_SUFFIX
    if len(name) > longest:
        yield Problem("name", name, f"at most {longest} characters long, as auto-naming adds to it")


def _model_suffix(variant: Args) -> str:
    return f"-{variant['variant_name']}-model"


def _one_source(_: str, args: Args) -> Found:
    """A model is one container or several (API: CreateModel), each an image or a package (ContainerDefinition)."""
    for path, model in models(args):
        if "containers" in model:
            others = [field for field in MODEL_FIELDS if field not in ("containers", "inference_execution_mode")]
            yield from out(path, model, others, "beside containers: it stands in each of them")
            if not model["containers"]:
                yield Problem(at(path, "containers"), "no container", "one container or more")
        else:
            yield from out(path, model, ["inference_execution_mode"], "of a single container")
        for where, container in containers(path, model):
            yield from _container(where, container)


def _container(path: str, container: Args) -> Found:
    image = (
        "image",
        "framework",
        "framework_version",
        "model_data_url",
        "model_data_source",
        "mode",
        "model_cache_setting",
    )
    if "model_package_name" in container:
        yield from out(path, container, image, "beside model_package_name, which says it")
        package = container["model_package_name"]
        if known(package) and not package.startswith("arn:"):
            yield Problem(at(path, "model_package_name"), package, "an ARN")  # provider: model.go, verify.ValidARN
        return
    if "framework" in container or "framework_version" in container:
        yield from out(path, container, ["image"], "beside framework, which says it")
        for field in ("framework", "framework_version"):
            if field not in container:
                yield Problem(at(path, field), None, "given, as the other of framework and framework_version is")
    elif "image" not in container:
        yield Problem(at(path, "image"), None, "given, or framework and framework_version, or model_package_name")
    yield from _model_data(path, container)


def _model_data(path: str, container: Args) -> Found:
    """API: ContainerDefinition.ModelDataUrl, ModelDataSource, S3ModelDataSource; Guide: create-multi-model-endpoint."""
    url: Any = container.get("model_data_url")
    mode, source = container.get("mode", "SingleModel"), container.get("model_data_source")
    if source is not None:
        yield from out(path, container, ["model_data_url"], "beside model_data_source")
    if mode == "MultiModel":
        yield from out(path, container, ["model_data_source"], "of a multi-model container")
        if url is None and source is None:
            yield Problem(at(path, "model_data_url"), None, "given: the prefix of the models")
        elif known(url) and not (url.startswith("s3://") and url.endswith("/")):
            yield Problem(at(path, "model_data_url"), url, "an S3 URL that ends in /, the prefix of the models")
    elif mode == "SingleModel":
        yield from out(path, container, ["model_cache_setting"], "without mode MultiModel")
        if known(url) and not (url.startswith("s3://") and url.endswith(".tar.gz")):
            yield Problem(at(path, "model_data_url"), url, "an S3 URL that ends in .tar.gz")
    if isinstance(source, Mapping):
        where, uri = at(path, "model_data_source"), source["s3_uri"]
        type_, compression = source.get("s3_data_type", "S3Prefix"), source.get("compression_type", "None")
        if type_ == "S3Prefix" and compression == "Gzip":
            yield Problem(f"{where}.compression_type", compression, "None: a prefix is not an archive")
        if type_ == "S3Prefix" and known(uri) and not uri.endswith("/"):
            yield Problem(f"{where}.s3_uri", uri, "a prefix that ends in /")


def _container_names(_: str, args: Args) -> Found:
    """Named all or none, each its own; API: ContainerDefinition.ContainerHostname, Guide: multi-container-endpoints."""
    for path, model in models(args):
        every = containers(path, model)
        missing = [where for where, container in every if "container_hostname" not in container]
        direct = "containers" in model and model.get("inference_execution_mode") == "Direct"
        if direct or len(missing) < len(every):
            allowed = "given with inference_execution_mode Direct" if direct else "given for all or for none"
            yield from (Problem(at(where, "container_hostname"), None, allowed) for where in missing)
        yield from unique([(at(where, "container_hostname"), one.get("container_hostname")) for where, one in every])


def _environment_size(_: str, args: Args) -> Found:
    """API: ContainerDefinition.Environment, 32 KB for all containers of a model."""
    for path, model in models(args):
        given = [container.get("environment") for _, container in containers(path, model)]
        pairs = [pair for environment in given if isinstance(environment, Mapping) for pair in environment.items()]
        size = sum(len(part.encode()) for pair in pairs for part in pair if isinstance(part, str))
        if size > _ENVIRONMENT_BYTES:
            yield Problem(at(path, "environment"), f"{size} bytes", f"at most {_ENVIRONMENT_BYTES} bytes for a model")


RULES = (_names, _one_source, _container_names, _environment_size)
