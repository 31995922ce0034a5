"""A CloudWatch dashboard of an endpoint.

Source of the form: Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax".
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi

from sagebridge.endpoint.spec import Kind
from sagebridge.images.instances import may_have_gpus
from sagebridge.monitoring.metrics import (
    BACKLOG_AGE,
    BACKLOG_PER_INSTANCE,
    CONCURRENCY,
    CONCURRENT_REQUESTS,
    CPU,
    ERRORS_4XX,
    ERRORS_5XX,
    GPU,
    GPU_MEMORY,
    INVOCATIONS,
    MEMORY,
    MODEL_LATENCY,
    Metric,
)

WIDTH, HEIGHT = 12, 6
"""The size of a widget; a dashboard is 24 wide."""

Line = tuple[Metric, str, str]
"""A metric, its statistic and its label."""

SATURATION: Mapping[Kind, list[Line]] = {
    "real-time": [
        (CPU, "Average", "CPU, % of a core"),
        (MEMORY, "Maximum", "memory, %"),
        (CONCURRENT_REQUESTS, "Maximum", "concurrent requests"),
    ],
    "serverless": [(CONCURRENCY, "Maximum", "part of the maximum concurrency")],
    "async": [(BACKLOG_AGE, "Maximum", "oldest request, s"), (BACKLOG_PER_INSTANCE, "Average", "backlog per instance")],
}


Row = list[pulumi.Input[str] | dict[str, str]]
"""Namespace, name and dimensions of a metric, and how it is shown."""


class Properties(TypedDict):
    """What a widget shows."""

    title: str
    region: pulumi.Input[str]
    view: str
    period: int
    metrics: list[Row]


class Widget(TypedDict):
    """A graph, and where it stands."""

    type: str
    x: int
    y: int
    width: int
    height: int
    properties: Properties


class Body(TypedDict):
    """A dashboard's body."""

    widgets: list[Widget]


def body(kind: Kind, endpoint_name: pulumi.Input[str], region: pulumi.Input[str], runs_on: Mapping[str, str]) -> Body:
    """Returns a dashboard's body: invocations, errors, latency, saturation, and the instances and GPUs that there are.

    Serialize it with ``pulumi.Output.json_dumps``.

    Args:
        kind: The endpoint's kind.
        endpoint_name: The endpoint's name.
        region: The endpoint's region; a dashboard itself has none.
        runs_on: The instance type of each variant, or ``serverless``, by its name. Shadow variants are included.
    """
    graphs: dict[str, list[Line]] = {
        "Invocations": [(INVOCATIONS[kind], "Sum", "requests")],
        "Error rates": [(ERRORS_4XX, "Average", "4xx"), (ERRORS_5XX, "Average", "5xx")],
        "Model latency": [(MODEL_LATENCY, "p50", "p50"), (MODEL_LATENCY, "p99", "p99")],
        "Saturation": SATURATION[kind],
    }
    if kind != "serverless":
        # Each instance sends one sample a minute (Developer Guide, async-inference-troubleshooting).
        graphs["Instances"] = [(CPU, "SampleCount", "instances")]
    with_gpus = [variant for variant, instance_type in runs_on.items() if may_have_gpus(instance_type)]
    if with_gpus:
        graphs["GPUs"] = [(GPU, "Average", "in use, % of one GPU"), (GPU_MEMORY, "Maximum", "memory, % of one GPU")]
    return {
        "widgets": [
            {
                "type": "metric",
                "x": WIDTH * (position % 2),
                "y": HEIGHT * (position // 2),
                "width": WIDTH,
                "height": HEIGHT,
                "properties": {
                    "title": title,
                    "region": region,
                    "view": "timeSeries",
                    "period": 60,
                    "metrics": _rows(lines, endpoint_name, with_gpus if title == "GPUs" else list(runs_on)),
                },
            }
            for position, (title, lines) in enumerate(graphs.items())
        ]
    }


def _rows(lines: list[Line], endpoint_name: pulumi.Input[str], variant_names: Sequence[str]) -> list[Row]:
    """Returns a row for each metric and variant, and one row alone for a metric that the endpoint has as a whole."""
    rows: list[Row] = []
    for metric, statistic, label in lines:
        for variant in variant_names if metric.per_variant else [""]:
            dimensions = [part for pair in metric.dimensions(endpoint_name, variant).items() for part in pair]
            rows.append(
                [
                    metric.namespace,
                    metric.name,
                    *dimensions,
                    {"stat": statistic, "label": f"{variant} {label}".lstrip()},
                ]
            )
    return rows
