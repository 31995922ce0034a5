"""CloudWatch alarms of an endpoint: latency, errors, and the kind's own sign that it is full.

Each looks at the last five minutes and rings when three of them are over the threshold, so that it can ring within a
rollout's bake time. No requests, no alarm: missing data counts as good (SageMaker Developer Guide, "Auto-Rollback
Configuration and Monitoring").
"""

import re
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from sagebridge._aws import shapes
from sagebridge.endpoint import names
from sagebridge.endpoint.args import AlarmsArgs
from sagebridge.endpoint.spec import Alarms, Kind, Tags
from sagebridge.limits import Limits, outside
from sagebridge.monitoring.metrics import ERRORS_4XX, ERRORS_5XX, MODEL_LATENCY, SATURATION, Metric
from sagebridge.redaction import derived
from sagebridge.validation import Problem, problem

_SATURATED: Mapping[Kind, str] = {
    "real-time": "An instance's memory is nearly full.",
    "serverless": "Nearly as many requests run at once as may.",
    "async": "Requests wait too long in the queue.",
}


FIRST_TOKEN = "first-token"  # noqa: S105 - no password
"""Names the alarm on the time to the first token, which is on a query instead of a metric."""


_MILLISECONDS = 1000


class Watch(NamedTuple):
    """One thing that is watched."""

    metric: Metric
    statistic: str
    """One of CloudWatch's five statistics, or a percentile."""
    threshold: pulumi.Input[float]
    """In the metric's own unit."""
    description: str


def problems(path: str, kind: Kind, args: AlarmsArgs) -> list[Problem]:
    """Returns every problem of the arguments; values that are not known yet are passed over.

    Limits of the actions come from botocore's CloudWatch model. The thresholds' come from what the metrics can be
    (``metrics.py``): over that an alarm never rings, as AWS's own example, an average of errors over 1, never does.

    Args:
        path: Where the arguments stand, for the message.
        kind: The endpoint's kind.
        args: See :class:`AlarmsArgs`.
    """
    limits = {
        "model_latency": Limits(above=True),
        "error_rate_4xx": Limits(most=1),
        "error_rate_5xx": Limits(most=1),
        "saturation": Limits(most={"real-time": 100, "serverless": 1, "async": None}[kind]),
    }
    values: Mapping[str, object] = args
    if values.get("time_to_first_token") is not None:
        limits["time_to_first_token"] = Limits(above=True)
    thresholds = (outside(f"{path}.{name}", values.get(name), limit) for name, limit in limits.items())
    return [
        *chain.from_iterable(thresholds),
        *_first_token_problems(f"{path}.time_to_first_token", kind, values),
        *_list_problems(f"{path}.alarm_actions", args.get("alarm_actions")),
    ]


def _first_token_problems(path: str, kind: Kind, args: Mapping[str, object]) -> list[Problem]:
    """Checks that there is the metric: detailed observability is of real-time endpoints only."""
    if args.get("time_to_first_token") is None or kind == "real-time":
        return []
    article = "an" if kind == "async" else "a"
    return [Problem(path, f"cannot be set on {article} {kind} endpoint, of which AWS publishes no such metric")]


def _list_problems(path: str, actions: object) -> list[Problem]:
    if not isinstance(actions, list | tuple):
        return []
    most = shapes("cloudwatch")["ResourceList"]["max"]
    count = derived(len(actions), actions)
    too_many = [Problem(path, f"must have at most {most} entries", count)] if count > most else []
    by_action = (_action_problems(f"{path}[{position}]", action) for position, action in enumerate(actions))
    return [*too_many, *chain.from_iterable(by_action)]


def _action_problems(path: str, action: object) -> list[Problem]:
    if not isinstance(action, str):
        return []
    if malformed := problem(path, action, "ResourceName", "cloudwatch"):
        return [malformed]
    return [] if action.startswith("arn:") else [Problem(path, "must be an ARN, such as that of an SNS topic", action)]


def watches(kind: Kind, declared: Alarms) -> dict[str, Watch]:
    """Returns what is watched of each variant, by a name that is part of the alarm's."""
    latency = _microseconds(declared.model_latency)
    return {
        "latency": Watch(MODEL_LATENCY, "p99", latency, "99 of 100 answers take too long."),
        "4xx": Watch(ERRORS_4XX, "Average", declared.error_rate_4xx, "Too many requests are refused."),
        "5xx": Watch(ERRORS_5XX, "Average", declared.error_rate_5xx, "Too many requests fail."),
        "saturation": Watch(SATURATION[kind], "Maximum", declared.saturation, _SATURATED[kind]),
    }


def _microseconds(milliseconds: pulumi.Input[float]) -> pulumi.Input[float]:
    if isinstance(milliseconds, int | float):
        return milliseconds * 1000
    return pulumi.Output.all(milliseconds).apply(lambda numbers: float(numbers[0]) * 1000)


def alarms(
    kind: Kind, declared: Alarms, endpoint_name: pulumi.Input[str], variant_name: str, tags: Tags | None = None
) -> "dict[str, aws.cloudwatch.MetricAlarmArgs]":  # quoted, as importing the module takes 50 ms
    """Returns the arguments of a variant's alarms, by what each watches.

    That is latency, 4xx, 5xx, saturation and, if it is declared, the time to the first token.

    The names are stable, so an alarm is changed in place and what refers to it stays. Alarms that roll an update back
    are made before the endpoint, from a name that is plain; others may be made from the endpoint's own output.

    Args:
        kind: The endpoint's kind.
        declared: What the endpoint declares of its alarms.
        endpoint_name: The endpoint's name.
        variant_name: The variant's name, part of the alarms' names even where the metric is the endpoint's.
        tags: Tags of each alarm.
    """
    metric_alarms = {
        what: aws.cloudwatch.MetricAlarmArgs(
            name=names.alarm_in_aws(endpoint_name, variant_name, what),
            alarm_description=watch.description,
            alarm_actions=declared.actions,
            namespace=watch.metric.namespace,
            metric_name=watch.metric.name,
            dimensions=watch.metric.dimensions(endpoint_name, variant_name),
            statistic=None if watch.statistic == "p99" else watch.statistic,
            extended_statistic="p99" if watch.statistic == "p99" else None,
            threshold=watch.threshold,
            comparison_operator="GreaterThanThreshold",
            period=60,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            treat_missing_data="notBreaching",
            tags=tags,
        )
        for what, watch in watches(kind, declared).items()
    }
    if declared.time_to_first_token is None:
        return metric_alarms
    query = _first_token_query(endpoint_name, variant_name, declared.time_to_first_token)
    return {**metric_alarms, FIRST_TOKEN: _first_token_alarm(declared, endpoint_name, variant_name, query, tags)}


def _first_token_alarm(
    declared: Alarms,
    endpoint_name: pulumi.Input[str],
    variant_name: str,
    query: pulumi.Input[str],
    tags: Tags | None,
) -> "aws.cloudwatch.MetricAlarmArgs":
    """Returns the arguments of an alarm that rings when its query has had a result for three minutes."""
    criteria = aws.cloudwatch.MetricAlarmEvaluationCriteriaPromqlCriteriaArgs(
        query=query, pending_period=180, recovery_period=180
    )
    return aws.cloudwatch.MetricAlarmArgs(
        name=names.alarm_in_aws(endpoint_name, variant_name, FIRST_TOKEN),
        alarm_description="The first token of 99 of 100 answers takes too long.",
        alarm_actions=declared.actions,
        evaluation_criteria=aws.cloudwatch.MetricAlarmEvaluationCriteriaArgs(promql_criteria=criteria),
        evaluation_interval=60,
        tags=tags,
    )


def _first_token_query(
    endpoint_name: pulumi.Input[str], variant_name: str, milliseconds: pulumi.Input[float]
) -> pulumi.Input[str]:
    """Returns a query that has a result while the first token takes longer than it may.

    Metric and labels are those of the example "TTFT P99" in the SageMaker Developer Guide,
    monitoring-detailed-observability-promql. Detailed observability is on in each new endpoint configuration (API:
    MetricsConfig.EnableDetailedObservability), and has the metrics that vLLM publishes.
    """

    def query(name: str, threshold: float) -> str:
        labels = f"'aws.sagemaker.endpoint.name'=\"{name}\",'aws.sagemaker.variant.name'=\"{variant_name}\""
        rate = f"rate(vllm_time_to_first_token_seconds_bucket{{{labels}}}[5m])"
        return f"histogram_quantile(0.99, sum by (le) ({rate})) > {threshold / _MILLISECONDS}"

    if isinstance(endpoint_name, str) and isinstance(milliseconds, int | float):
        return query(endpoint_name, milliseconds)
    return pulumi.Output.all(endpoint_name, milliseconds).apply(lambda values: query(*values))


def first_token_threshold(query: str) -> float | None:
    """Returns the milliseconds that the query of an alarm allows; None if it is another query."""
    match = re.fullmatch(r"histogram_quantile\(0\.99, .*vllm_time_to_first_token_seconds_bucket.*\) > (\S+)", query)
    return round(float(match[1]) * _MILLISECONDS, 6) if match else None
