"""Property-based: any arguments either build, into requests that AWS's own model allows, or are refused by name."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagebridge import SageMakerEndpoint
from sagebridge._aws import shapes
from sagebridge.endpoint import schema as fields
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.spec import COMPRESSION_TYPE
from tests.endpoint.endpoints import requests
from tests.endpoint.examples import BUCKET, EXAMPLES, OTHER_ARCHIVE
from tests.mocks import Monitor, World, monitored
from tests.properties import examples

FIXED: dict[str, Any] = {"any": 0.5, "tags": {}, "[any]": [], "{ScheduleArgs}": {}}
JUNK = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    *(st.lists(st.text(max_size=3), max_size=2), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)),
)
NEVER = {"framework", "framework_version", "autoscaling", "import_endpoint"}
"""Fields whose own modules' tests show them: what they need does not come by chance."""


def good(shape: str) -> st.SearchStrategy[Any]:
    """Returns values that are right by themselves."""
    shape = shape.lstrip("!")
    if shape in fields.tables():
        return structure(shape, good)
    if shape in FIXED:
        return st.just(FIXED[shape])
    if shape in EXAMPLES:
        return st.sampled_from(EXAMPLES[shape])
    return _of_botocores(shape, shapes()[shape])


def _of_botocores(shape: str, rule: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if rule["type"] == "list":
        most = min(2, rule.get("max", 2))
        return st.lists(good(rule["member"]["shape"]), min_size=max(1, rule.get("min", 0)), max_size=most)
    if rule["type"] == "map":
        return st.dictionaries(good(rule["key"]["shape"]), good(rule["value"]["shape"]), max_size=2)
    if rule["type"] == "structure":
        return good(next(iter(rule["members"].values()))["shape"])
    if rule["type"] == "integer":
        step = 1024 if "Memory" in shape else 1
        least, most = rule.get("min", 0) // step, min(rule.get("max", 50), 4096) // step
        return st.integers(least, most).map(lambda n: n * step)
    others = {"boolean": st.booleans(), "float": st.floats(0, 10, width=32)}
    return others.get(rule["type"], st.sampled_from(rule.get("enum", ["name"])))


def any_(shape: str) -> st.SearchStrategy[Any]:
    """Returns values of which some are right, some only look so, and some are nonsense."""
    inner = structure(shape, any_) if shape.lstrip("!") in fields.tables() else good(shape)
    return st.one_of(inner, inner, JUNK)


def structure(shape: str, values: Any) -> st.SearchStrategy[dict[str, Any]]:
    shape = shape.lstrip("!")
    table = {field: inner for field, inner in fields.tables()[shape].items() if field not in NEVER}
    required = fields.required(shape) | ({"image"} if shape == "SageMakerEndpointArgs" else set())
    optional = st.sets(st.sampled_from(sorted(set(table) - required) or [""]), max_size=3)
    return optional.flatmap(
        lambda some: st.fixed_dictionaries({field: values(table[field]) for field in sorted(required | some) if field})
    )


def build(args: Mapping[str, Any]) -> Monitor:
    """Runs a program with the endpoint, with mocks."""
    world = World()
    world.archives |= {BUCKET, OTHER_ARCHIVE}
    with monitored(world) as monitor:
        monitor.run(lambda: SageMakerEndpoint("endpoint", args) and None)  # type: ignore[arg-type]
    return monitor


def is_one_file(value: Any) -> bool:
    """Returns whether a model's data is a single object that is no archive."""
    if isinstance(value, dict):
        compression = value.get("compression_type", COMPRESSION_TYPE)
        return (value.get("s3_data_type"), compression) == ("S3Object", "None") or any(map(is_one_file, value.values()))
    return isinstance(value, list) and any(map(is_one_file, value))


@given(args=structure("SageMakerEndpointArgs", any_))
@settings(examples(400), suppress_health_check=[HealthCheck.too_slow])
def test_any_arguments_are_judged_without_a_stray_exception(args: Any) -> None:
    for problem in validate("endpoint", args):
        assert problem.property
        assert problem.rule


@given(args=structure("SageMakerEndpointArgs", good))
@settings(examples(150), suppress_health_check=[HealthCheck.too_slow])
def test_what_is_not_refused_builds_what_aws_allows(args: Any) -> None:
    if problems := validate("endpoint", args):
        with pytest.raises(pulumi.RunError) as refused:
            build(args)
        assert all(str(problem) in str(refused.value) for problem in problems)
    elif not is_one_file(args):  # that has no handler, which only a look at S3 tells; tests of images/ show it
        requests(build(args))
