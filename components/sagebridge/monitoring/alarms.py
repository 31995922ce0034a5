"""CloudWatch alarms of an endpoint: latency, errors, and the kind's own sign that it is full.

Each looks at the last five minutes and rings when three of them are over the threshold, so that it can ring within a
rollout's bake time. No requests, no alarm: missing data counts as good (SageMaker Developer Guide, "Auto-Rollback
Configuration and Monitoring").
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from sagebridge._aws import shapes
from sagebridge.limits import Limits, outside
from sagebridge.monitoring.metrics import ERRORS_4XX, ERRORS_5XX, MODEL_LATENCY, SATURATION, Kind, Metric
from sagebridge.validation import Problem, problem

LATENCY_DEFAULTS: Mapping[Kind, float] = {"real-time": 1000, "serverless": 1000, "async": 60_000}
"""Milliseconds. Asynchronous requests are those that may take longer than the 60 s of a real-time answer."""
SATURATION_DEFAULTS: Mapping[Kind, float] = {"real-time": 90, "serverless": 0.8, "async": 900}
"""Percent, part of 1, seconds. After 900 s AWS gives an asynchronous invocation up if nothing else is said
(Developer Guide, async-inference-invoke-endpoint)."""


class AlarmsArgs(TypedDict):
    """What the alarms of an endpoint watch for; ``{}`` is every alarm with its default."""

    alarm_actions: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of what an alarm starts, such as SNS topics; at most 5. Default none: alarms are seen, and can roll back."""
    model_latency: NotRequired[pulumi.Input[float]]
    """Milliseconds that 99 of 100 answers may take, more than 0. Default 1000; asynchronous 60 000."""
    error_rate_4xx: NotRequired[pulumi.Input[float]]
    """Part of the requests that may be answered with 4xx, 0 to 1. Default 0.05."""
    error_rate_5xx: NotRequired[pulumi.Input[float]]
    """Part of the requests that may be answered with 5xx, 0 to 1. Default 0.01."""
    saturation: NotRequired[pulumi.Input[float]]
    """Most that the kind's own metric may be. Real-time: percent of the memory (MemoryUtilization), default 90.
    Serverless: part of the maximum concurrency (ServerlessConcurrentExecutionsUtilization), default 0.8. Asynchronous:
    age of the oldest request in seconds (ApproximateAgeOfOldestRequest), default 900."""


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
        path: where the arguments stand, for the message.
        kind: the endpoint's kind.
        args: see :class:`AlarmsArgs`.
    """
    limits = {
        "model_latency": Limits(above=True),
        "error_rate_4xx": Limits(most=1),
        "error_rate_5xx": Limits(most=1),
        "saturation": Limits(most={"real-time": 100, "serverless": 1, "async": None}[kind]),
    }
    given: Mapping[str, object] = args
    found = [wrong for name, limit in limits.items() for wrong in outside(f"{path}.{name}", given.get(name), limit)]
    actions = args.get("alarm_actions")
    if isinstance(actions, list | tuple):
        several = shapes("cloudwatch")["ResourceList"]["max"]
        if len(actions) > several:
            found.append(Problem(f"{path}.alarm_actions", f"{len(actions)} actions", f"at most {several}"))
        for position, action in enumerate(actions):
            found += _action_problems(f"{path}.alarm_actions[{position}]", action)
    return found


def _action_problems(path: str, action: object) -> list[Problem]:
    if not isinstance(action, str):
        return []
    if wrong := problem(path, action, "ResourceName", "cloudwatch"):
        return [wrong]
    return [] if action.startswith("arn:") else [Problem(path, action, "an ARN, such as an SNS topic's")]


def alarm_name(endpoint_name: pulumi.Input[str], variant_name: str, what: str) -> pulumi.Input[str]:
    """Returns ``<endpoint>-<variant>-<what>``: a plain string if the endpoint's name is one, known before anything is.

    An auto-named endpoint has its name only once it is there, and so have its alarms: they cannot roll it back.
    """
    if isinstance(endpoint_name, str):
        return f"{endpoint_name}-{variant_name}-{what}"
    return pulumi.Output.concat(endpoint_name, f"-{variant_name}-{what}")


def watches(kind: Kind, args: AlarmsArgs) -> dict[str, Watch]:
    """Returns what is watched of each variant, by a name that is part of the alarm's."""
    latency = args.get("model_latency", LATENCY_DEFAULTS[kind])
    return {
        "latency": Watch(MODEL_LATENCY, "p99", _microseconds(latency), "99 of 100 answers take too long."),
        "4xx": Watch(ERRORS_4XX, "Average", args.get("error_rate_4xx", 0.05), "Too many requests are refused."),
        "5xx": Watch(ERRORS_5XX, "Average", args.get("error_rate_5xx", 0.01), "Too many requests fail."),
        "saturation": Watch(
            SATURATION[kind],
            "Maximum",
            args.get("saturation", SATURATION_DEFAULTS[kind]),
            {
                "real-time": "An instance's memory is nearly full.",
                "serverless": "Nearly as many requests run at once as may.",
                "async": "Requests wait too long in the queue.",
            }[kind],
        ),
    }


def _microseconds(milliseconds: pulumi.Input[float]) -> pulumi.Input[float]:
    if isinstance(milliseconds, int | float):
        return milliseconds * 1000
    return pulumi.Output.all(milliseconds).apply(lambda known: float(known[0]) * 1000)


def alarms(
    kind: Kind,
    endpoint_name: pulumi.Input[str],
    variant_name: str,
    args: AlarmsArgs,
    tags: Mapping[str, pulumi.Input[str]] | None = None,
) -> "dict[str, aws.cloudwatch.MetricAlarmArgs]":  # quoted, as importing the module takes 50 ms
    """Returns the arguments of a variant's alarms, by what each watches: latency, 4xx, 5xx, saturation.

    The names are stable, so an alarm is changed in place and what refers to it stays. Alarms that roll an update back
    are made before the endpoint, from a name that is plain; others may be made from the endpoint's own output.

    Args:
        kind: the endpoint's kind.
        endpoint_name: the endpoint's name.
        variant_name: the variant's name, part of the alarms' names even where the metric is the endpoint's.
        args: see :class:`AlarmsArgs`, free of problems.
        tags: tags of each alarm.
    """
    return {
        what: aws.cloudwatch.MetricAlarmArgs(
            name=alarm_name(endpoint_name, variant_name, what),
            alarm_description=watch.description,
            alarm_actions=args.get("alarm_actions", []),
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
        for what, watch in watches(kind, args).items()
    }
