"""Finds the URIs of AWS's own images by framework, version and region.

The tables are AWS's own; ``tables/README.md`` names their source, licence and date, and ``make images`` renews them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from botocore.regions import EndpointResolver

from sagebridge._aws import LOADER
from sagebridge.redaction import derived
from sagebridge.validation import Problem

FRAMEWORKS = ("huggingface", "pytorch", "sklearn", "tensorflow", "xgboost")
"""The names of the tables."""

_TABLES = Path(__file__).parent / "tables"
_REGISTRY = re.compile(r"\d{12}\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.")
"""The beginning of the URI of an image in ECR."""
_GRAVITON = re.compile(r"[a-z]+\d+g[a-z]*")
"""Families with AWS's own ARM processor: c6g, m7gd, r8g."""


class _Image(NamedTuple):
    """An image as the tables describe it."""

    prefix: str
    """The beginning of its tag."""
    config: Mapping[str, Any]
    """The entry of its version in the table."""
    processors: Sequence[str]
    """The processors that have an image each, named in its tag; empty if one image is for all."""


def image_uri(framework: str, version: str, region: str, instance_type: str | None = None) -> str | Problem:
    """Returns the URI of an inference image, or what is wrong.

    Args:
        framework: one of :data:`FRAMEWORKS`.
        version: as AWS writes it: ``1.9-0`` (sklearn), ``3.2-0`` (xgboost), ``2.6`` or ``2.6.0`` (pytorch, tensorflow);
            for huggingface, the version of Transformers.
        region: AWS region, which decides the account of the registry.
        instance_type: instance type, which decides between the images for CPU, GPU and Graviton; None for a serverless
            variant, which has CPUs.
    """
    family = derived((instance_type or "").removeprefix("ml.").partition(".")[0], instance_type)
    graviton = _GRAVITON.fullmatch(family) is not None
    image = _look_up(framework, version, family, "inference_graviton" if graviton else "inference")
    if isinstance(image, Problem):
        return image
    processor = "gpu" if family[:1] in ("g", "p") else "cpu"
    if image.processors and processor not in image.processors:
        rule = f"must have a {' or '.join(image.processors)} for {framework} {version}"
        return Problem("instance_type", rule, instance_type)
    if not region:
        fix = "Set aws:region (`pulumi config set aws:region …`), or name the image's URI in image."
        return Problem("region", "must be known to find AWS's image", fix=fix)
    if region not in image.config["registries"]:
        return Problem("region", f"must be one of {', '.join(sorted(image.config['registries']))}", region)
    tag = [image.prefix, processor if image.processors else None, *image.config.get("py_versions", [])[-1:]]
    if "container_version" in image.config:
        tag += [image.config["container_version"][processor], "sagemaker" if graviton else None]
    elif graviton:
        tag.insert(1, "arm64")
    host = f"{image.config['registries'][region]}.dkr.ecr.{region}.{_dns_suffix(region)}"
    return f"{host}/{image.config['repository']}:{'-'.join(filter(None, tag))}"


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
        fix = "For any other framework, set image."
        return Problem("framework", f"must be one of {', '.join(FRAMEWORKS)}", framework, fix)
    table = _table(framework).get(scope)
    if table is None or family.startswith(("inf", "trn")):
        rule = f"must have an x86 CPU or a GPU for AWS's {framework} images"
        return Problem("instance_type", rule, f"ml.{family}")
    full_version = table.get("version_aliases", {}).get(version, version)
    config = table["versions"].get(full_version)
    if config is None:
        versions, capacity = ", ".join(table["versions"]), f"ml.{family}" if family else "serverless"
        return Problem("framework_version", f"must be one of {versions} for {framework} on {capacity}", version)
    if framework != "huggingface":
        return _Image(version, config, table.get("processors") or config.get("processors") or ())
    bases = [base for base in config if base != "version_aliases"]
    if len(bases) > 1:
        rule = f"is ambiguous: {version!r} has an image for each of {', '.join(bases)}"
        return Problem("framework_version", rule, fix="Set image to the URI of one of them, or take a newer version.")
    return _Image(
        f"{bases[0].removeprefix('pytorch')}-transformers{full_version}", config[bases[0]], table["processors"]
    )


@cache
def _table(framework: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((_TABLES / f"{framework}.json").read_text())
    return table


def _dns_suffix(region: str) -> str:
    resolver = EndpointResolver(LOADER.load_data("endpoints"))
    suffix: str = resolver.get_partition_dns_suffix(resolver.get_partition_for_region(region))
    return suffix
