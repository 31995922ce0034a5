"""Tells what a preview says of an endpoint that is not refused: what was chosen, and what to think about. Pure."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.parts import field_path
from sagebridge.endpoint.placements import Placement, framework_version, placements
from sagebridge.images.compatibility import judge
from sagebridge.images.uris import MODEL_SERVERS
from sagebridge.redaction import derived
from sagebridge.validation import Problem


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
    for problem in _scaling_problems(placement):
        yield Remark("warn", f"{placement.located(problem)}")


def _scaling_problems(placement: Placement) -> Iterator[Problem]:
    """Lists what does not fit in the scaling of a language model's server, which works on many requests at once.

    Requests by the minute tell little of its load, as requests take very different times (AWS Machine Learning Blog,
    2024-07, "Amazon SageMaker inference launches faster auto scaling for generative AI models").
    """
    scaling, server = placement.variant.get("autoscaling"), placement.server
    if not isinstance(scaling, Mapping) or server is None or server.concurrency is None:
        return
    if scaling.get("invocations_per_instance") is not None:
        rule = "counts requests by the minute, which take a language model very different times"
        yield Problem("autoscaling.invocations_per_instance", rule, fix="Use concurrent_requests_per_model.")
    environment = placement.container.get("environment")
    declared = environment.get(server.concurrency.name) if isinstance(environment, Mapping) else None
    target = scaling.get("concurrent_requests_per_model")
    if not isinstance(declared, str) or not declared.isdecimal() or not isinstance(target, int | float):
        return
    if target > (most := derived(int(str.__str__(declared)), declared)):
        rule = f"should be at most {most} ({server.concurrency.name})"
        fix = "The server works on so many requests at once, and lets the others wait before an instance is added."
        yield Problem("autoscaling.concurrent_requests_per_model", rule, target, fix)


def _chosen(placement: Placement) -> Iterator[tuple[str, str | int]]:
    """Lists the fields that the component chose, each with its value."""
    framework, version = placement.container.get("framework"), framework_version(placement.container)
    if framework in MODEL_SERVERS and "framework_version" not in placement.container and version is not None:
        newest = f"{version} (the newest of {framework} that is known here)"
        yield field_path(placement.path, "framework_version"), newest
    for field, value in placement.defaults.chosen():
        if field not in placement.variant:
            yield field_path(placement.variant_path, field), value
