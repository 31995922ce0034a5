"""Finds the URIs of AWS's own images by framework, version and region.

The tables are AWS's own; ``tables/README.md`` names their source, licence and date, and ``make images`` renews them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sagebridge._models import dns_suffix
from sagebridge.redaction import derived
from sagebridge.validation import Problem
from sagebridge.wording import did_you_mean

FRAMEWORKS = (
    "djl-lmi",
    "huggingface",
    "huggingface-llamacpp",
    "huggingface-llm",
    "huggingface-tei",
    "huggingface-tei-cpu",
    "huggingface-vllm",
    "pytorch",
    "sglang",
    "sklearn",
    "tensorflow",
    "vllm",
    "xgboost",
)
"""The names of the tables."""
MODEL_SERVERS = (
    "djl-lmi",
    "huggingface-llamacpp",
    "huggingface-llm",
    "huggingface-tei",
    "huggingface-tei-cpu",
    "huggingface-vllm",
    "sglang",
    "vllm",
)
"""Those that serve published models as they are. The newest version is the default: no model is made with one."""

GPU_INSTANCE = "ml.g5.2xlarge"
"""An instance type with a GPU, for what a message proposes, as AWS's own examples do (aws/deep-learning-containers)."""
CPU_INSTANCE = "ml.c6i.2xlarge"
"""An instance type without a GPU, for what a message proposes."""

_TABLES = Path(__file__).parent / "tables"
_REGISTRY = re.compile(r"\d{12}\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.")
"""The beginning of the URI of an image in ECR."""
_GRAVITON = re.compile(r"[a-z]+\d+g[a-z]*")
"""Families with AWS's own ARM processor: c6g, m7gd, r8g."""
_GRACE = "p6e-gb"
"""The beginning of families with NVIDIA's ARM processor (EC2: Amazon EC2 P6e instances)."""
_OTHER_PROCESSORS = ("inf", "trn", "dl", _GRACE)
"""The beginnings of families with accelerators that are not NVIDIA's, or with neither an x86 CPU nor Graviton."""
_CUDA = re.compile(r"(?<![a-z0-9])cu\d{3}(?![a-z0-9])")
"""The part of a tag that tells the version of CUDA, as in ``cu130``."""


class _Image(NamedTuple):
    """An image as the tables describe it."""

    prefix: str
    """The beginning of its tag."""
    config: Mapping[str, Any]
    """The entry of its version in the table."""
    processors: Sequence[str]
    """The processors that have an image each, named in its tag; empty if one image is for all."""


class Image(NamedTuple):
    """One of AWS's images, which may be in several regions."""

    name: str
    """Its repository and tag, as in ``vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker``."""
    registries: Mapping[str, str]
    """The account of its registry in each region."""


def image_of(framework: str, version: str, instance_type: str | None = None) -> Image | Problem:
    """Returns an inference image, or what is wrong.

    Args:
        framework: One of :data:`FRAMEWORKS`.
        version: The version as AWS writes it: ``1.9-0`` (sklearn), ``3.2-0`` (xgboost), ``2.6`` or ``2.6.0`` (pytorch,
            tensorflow), ``0.30.0`` (vllm); for huggingface, the version of Transformers.
        instance_type: The instance type, which decides between the images for CPU, GPU and Graviton; None for a
            serverless variant, which has CPUs.
    """
    family = family_of(instance_type)
    graviton = _GRAVITON.fullmatch(family) is not None
    image = _look_up(framework, version, family, "inference_graviton" if graviton else "inference")
    if isinstance(image, Problem):
        return image
    processor = "gpu" if family[:1] in ("g", "p") else "cpu"
    only = image.processors or (["gpu"] if _CUDA.search(image.prefix) else [processor])
    if processor not in only:
        return _wrong_processor(framework, version, instance_type, only)
    tag = [image.prefix, processor if image.processors else None, *image.config.get("py_versions", [])[-1:]]
    if "container_version" in image.config:
        tag += [image.config["container_version"][processor], "sagemaker" if graviton else None]
    elif graviton:
        tag.insert(1, "arm64")
    name = f"{image.config['repository']}:{'-'.join(filter(None, tag))}"
    return Image(derived(name, instance_type), image.config["registries"])


def image_uri(framework: str, version: str, region: str, instance_type: str | None = None) -> str | Problem:
    """Returns the URI of an inference image, or what is wrong.

    Args:
        framework: See :func:`image_of`.
        version: See :func:`image_of`.
        region: The AWS region, which decides the account of the registry.
        instance_type: See :func:`image_of`.
    """
    image = image_of(framework, version, instance_type)
    if isinstance(image, Problem):
        return image
    if not region:
        fix = "Set aws:region (`pulumi config set aws:region …`), or name the image's URI in image."
        return Problem("region", "must be known to find AWS's image", fix=fix)
    if region not in image.registries:
        rule = f"must be one of {', '.join(sorted(image.registries))} for {framework} {version}"
        return Problem("region", rule, region, _elsewhere(framework, region))
    return f"{image.registries[region]}.dkr.ecr.{region}.{dns_suffix(region)}/{str.__str__(image.name)}"


def newest_version(framework: str) -> str:
    """Returns the newest version of a framework, which is the default for :data:`MODEL_SERVERS`."""
    versions: Mapping[str, object] = _scope(framework, "inference")["versions"]
    return max(versions, key=_version_key)


def family_of(instance_type: str | None) -> str:
    """Returns the family of an instance type, such as ``g5``; empty for a serverless variant."""
    return derived((instance_type or "").removeprefix("ml.").partition(".")[0], instance_type)


def is_arm(family: str) -> bool:
    """Tells whether a family has an ARM processor: AWS's own, or NVIDIA's Grace."""
    return _GRAVITON.fullmatch(family) is not None or family.startswith(_GRACE)


def shared_image_uri(
    framework: str, version: str, region: str, instance_types: Sequence[str | None]
) -> str | list[Problem]:
    """Returns the URI of the image that serves on all instance types, or what is wrong; see :func:`image_uri`."""
    answers = [image_uri(framework, version, region, instance_type) for instance_type in instance_types]
    problems = [answer for answer in answers if isinstance(answer, Problem)]
    uris = sorted({answer for answer in answers if isinstance(answer, str)})
    if not problems and len(uris) > 1:
        problems = [Problem("framework", f"must have one image for all instance types, not {', '.join(uris)}")]
    return problems or uris[0]


def region_problem(uri: str, region: str | None) -> Problem | None:
    """Returns what is wrong if an image of ECR's is in another region than the endpoint, else None.

    SageMaker says "Cross region ECR image pulls are not allowed" when the model is made
    (aws/sagemaker-pytorch-inference-toolkit#7).

    Args:
        uri: URI of the image; one that is not ECR's is in no region.
        region: The endpoint's region, or None if it is not known.
    """
    registry = _REGISTRY.match(uri)
    if registry is None or region in (None, "", registry["region"]):
        return None
    fix = (
        f"SageMaker pulls no image from another region. Name an image in {region}, or set framework and "
        "framework_version, which find AWS's image there."
    )
    return Problem("image", f"must be in the endpoint's region, {region}", uri, fix)


def _look_up(framework: str, version: str, family: str, scope: str) -> _Image | Problem:
    if framework not in FRAMEWORKS:
        fix = did_you_mean(framework, FRAMEWORKS) or "For any other framework, set image."
        return Problem("framework", f"must be one of {', '.join(FRAMEWORKS)}", framework, fix)
    table = _scope(framework, scope)
    if not table or family.startswith(_OTHER_PROCESSORS):
        rule = f"must have an x86 CPU or a GPU for AWS's {framework} images"
        return Problem("instance_type", rule, derived(f"ml.{family}", family))
    full_version = table.get("version_aliases", {}).get(version, version)
    config = table["versions"].get(full_version)
    if config is None:
        versions, capacity = ", ".join(table["versions"]), f"ml.{family}" if family else "serverless"
        return Problem("framework_version", f"must be one of {versions} for {framework} on {capacity}", version)
    if framework != "huggingface":
        prefix = config.get("tag_prefix", version)
        return _Image(prefix, config, table.get("processors") or config.get("processors") or ())
    bases = [base for base in config if base != "version_aliases"]
    if len(bases) > 1:
        rule = f"is ambiguous: {version!r} has an image for each of {', '.join(bases)}"
        return Problem("framework_version", rule, fix="Set image to the URI of one of them, or take a newer version.")
    return _Image(
        f"{bases[0].removeprefix('pytorch')}-transformers{full_version}", config[bases[0]], table["processors"]
    )


def _wrong_processor(framework: str, version: str, instance_type: str | None, processors: Sequence[str]) -> Problem:
    """Returns the problem of an image that does not run on an instance type, or without instances."""
    needed = f"a {' or '.join(processors)} for {framework} {version}"
    if instance_type is None:
        fix = f"Set instance_type instead, such as {GPU_INSTANCE}: serverless endpoints have no GPUs."
        return Problem("serverless_config", f"cannot be set for what must have {needed}", fix=fix)
    other = {"huggingface-tei": "huggingface-tei-cpu", "huggingface-tei-cpu": "huggingface-tei"}.get(framework)
    instance = GPU_INSTANCE if "gpu" in processors else CPU_INSTANCE
    fix = f"Set it to one that has, such as {instance}" + (f", or set framework to {other}." if other else ".")
    return Problem("instance_type", f"must have {needed}", instance_type, fix)


def _elsewhere(framework: str, region: str) -> str:
    """Returns what to do where a region does not have a version of an image."""
    versions = _scope(framework, "inference")["versions"]
    there = [version for version, config in versions.items() if region in config.get("registries", {})]
    if not there:
        return f"No version of {framework} is there: copy an image to a registry of your own, and set image."
    return f"Set framework_version to {max(there, key=_version_key)}, the newest that AWS has there."


def _version_key(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _scope(framework: str, scope: str) -> Mapping[str, Any]:
    """Returns the part of a table for inference, or for inference on Graviton; empty if there is none."""
    table = _table(framework)
    part: Mapping[str, Any] = table if scope in table.get("scope", ()) else table.get(scope, {})
    return part


@cache
def _table(framework: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((_TABLES / f"{framework}.json").read_text())
    return table
