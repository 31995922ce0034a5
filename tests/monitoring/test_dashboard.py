"""Pure and mocks: the dashboard of an endpoint."""

import json
from collections.abc import Callable
from typing import Any, get_args

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge import SageMakerEndpoint
from sagebridge.endpoint.spec import Kind
from sagebridge.monitoring.dashboard import body
from tests.endpoint.endpoints import args
from tests.mocks import Monitor

KINDS: tuple[Kind, ...] = get_args(Kind)
STATISTICS = {"SampleCount", "Average", "Sum", "Minimum", "Maximum", "p50", "p99"}


CPU, GPU = "ml.m5.xlarge", "ml.g5.12xlarge"


def graphs(kind: Kind, *variants: str, **runs_on: str) -> Any:
    named = dict.fromkeys(variants, CPU) | runs_on or {"AllTraffic": CPU}
    widgets = body(kind, "boston", "eu-central-1", named)["widgets"]
    return {widget["properties"]["title"]: widget["properties"]["metrics"] for widget in widgets}


@given(
    kind=st.sampled_from(KINDS),
    variants=st.dictionaries(
        st.text(min_size=1, max_size=9), st.sampled_from([CPU, GPU, "ml.p9.48xlarge"]), min_size=1, max_size=10
    ),
)
def test_the_body_is_one_that_cloudwatch_takes(kind: Kind, variants: dict[str, str]) -> None:
    """The rules are those of "Dashboard Body Structure and Syntax"."""
    whole: Any = body(kind, "boston", "eu-central-1", variants)
    assert json.loads(json.dumps(whole)) == whole
    places = set()
    for widget in whole["widgets"]:
        assert widget["type"] == "metric"
        assert 0 <= widget["x"] <= 23
        assert 1 <= widget["width"] <= 24 - widget["x"]
        assert 1 <= widget["height"] <= 1000
        places.add((widget["x"], widget["y"]))
        properties = widget["properties"]
        assert properties["region"] == "eu-central-1"
        assert properties["view"] == "timeSeries"
        assert properties["period"] % 60 == 0
        assert 1 <= len(properties["metrics"]) <= 500
        for namespace, metric, *dimensions, shown in properties["metrics"]:
            assert namespace in ("AWS/SageMaker", "/aws/sagemaker/Endpoints")
            assert metric
            assert dict(zip(dimensions[::2], dimensions[1::2], strict=True))["EndpointName"] == "boston"
            assert shown["stat"] in STATISTICS
    assert len(places) == len(whole["widgets"])  # none above another


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown(kind: Kind) -> None:
    instances = [] if kind == "serverless" else ["Instances"]
    assert list(graphs(kind)) == ["Invocations", "Error rates", "Model latency", "Saturation", *instances]
    assert [shown["stat"] for *_, shown in graphs(kind)["Model latency"]] == ["p50", "p99"]


def test_each_variant_has_its_line_and_the_queue_one_for_all() -> None:
    shown = graphs("async", "blue", "green")
    assert [row[5] for row in shown["Invocations"]] == ["blue", "green"]
    assert [row[:4] for row in shown["Saturation"]] == [
        ["AWS/SageMaker", "ApproximateAgeOfOldestRequest", "EndpointName", "boston"],
        ["AWS/SageMaker", "ApproximateBacklogSizePerInstance", "EndpointName", "boston"],
    ]


def test_gpus_are_shown_of_the_variants_that_have_them() -> None:
    shown = graphs("real-time", small=CPU, large=GPU, next="ml.g99.xlarge", neurons="ml.inf2.xlarge")
    assert [(*row[:2], row[5], row[6]["stat"]) for row in shown["GPUs"]] == [
        ("/aws/sagemaker/Endpoints", "GPUUtilization", "large", "Average"),
        ("/aws/sagemaker/Endpoints", "GPUUtilization", "next", "Average"),
        ("/aws/sagemaker/Endpoints", "GPUMemoryUtilization", "large", "Maximum"),
        ("/aws/sagemaker/Endpoints", "GPUMemoryUtilization", "next", "Maximum"),
    ]
    assert not any(row[1].startswith("GPU") for title, rows in shown.items() if title != "GPUs" for row in rows)
    assert "GPUs" not in graphs("async", small=CPU)


def test_an_instance_type_may_be_an_output(run: Callable[[Callable[[], object]], Monitor]) -> None:
    late = {"instance_type": pulumi.Output.from_input(GPU), "dashboard": True}
    seen = run(lambda: SageMakerEndpoint("endpoint", args(**late)))
    made = seen.of_type("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"]
    assert "GPUMemoryUtilization" in made


@pytest.mark.parametrize(("kind", "published"), [("serverless", "Invocations"), ("async", "InvocationsProcessed")])
def test_only_what_the_kind_publishes_is_shown(kind: Kind, published: str) -> None:
    (row,) = graphs(kind)["Invocations"]
    assert row[1] == published
    named = {row[1] for rows in graphs(kind).values() for row in rows}
    assert "ConcurrentRequestsPerModel" not in named


def test_names_that_are_not_known_yet_are_outputs(run: Callable[[Callable[[], object]], Monitor]) -> None:
    def program() -> None:
        late = body(
            "real-time", pulumi.Output.from_input("boston"), pulumi.Output.from_input("eu-central-1"), {"a": CPU}
        )
        aws.cloudwatch.Dashboard("it", dashboard_name="boston", dashboard_body=pulumi.Output.json_dumps(late))

    made = run(program).of_type("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"]
    assert json.loads(made) == body("real-time", "boston", "eu-central-1", {"a": CPU})
