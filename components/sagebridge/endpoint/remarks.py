"""Tells what a preview says of an endpoint that is not refused: what was chosen, and what to think about. Pure."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.parts import field_path
from sagebridge.endpoint.placements import Placement, framework_version, placements
from sagebridge.images.compatibility import judge
from sagebridge.images.uris import MODEL_SERVERS


class Remark(NamedTuple):
    """A line of the preview."""

    level: Literal["info", "warn"]
    text: str


def remarks(args: SageMakerEndpointArgs) -> list[Remark]:
    """Returns what a preview says, each line once.

    Args:
        args: The arguments as ``schema.check`` returns them.
    """
    found = [remark for placement in placements(args) for remark in _of(placement)]
    return list(dict.fromkeys(found))


def _of(placement: Placement) -> Iterator[Remark]:
    combination = placement.combination
    judgement = judge(combination) if combination else None
    chosen = [f"{field} is {value}" for field, value in _chosen(placement)]
    if chosen:
        reason = f" {judgement.reason}." if judgement else ""
        yield Remark("info", f"By default, {'; '.join(chosen)}.{reason}")
    for problem in judgement.warnings if judgement else ():
        yield Remark("warn", f"{placement.located(problem)}")


def _chosen(placement: Placement) -> Iterator[tuple[str, str | int]]:
    """Lists the fields that the component chose, each with its value."""
    framework, version = placement.container.get("framework"), framework_version(placement.container)
    if framework in MODEL_SERVERS and "framework_version" not in placement.container and version is not None:
        newest = f"{version} (the newest of {framework} that is known here)"
        yield field_path(placement.path, "framework_version"), newest
    for field, value in placement.defaults.chosen():
        if field not in placement.variant:
            yield field_path(placement.variant_path, field), value
