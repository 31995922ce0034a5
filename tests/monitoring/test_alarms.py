"""Pure and mocks: the alarms of an endpoint."""

from collections.abc import Callable
from typing import Any, cast, get_args

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.endpoint.args import AlarmsArgs
from sagebridge.endpoint.names import alarm_in_aws
from sagebridge.endpoint.spec import Kind, alarms_of
from sagebridge.monitoring.alarms import alarms, first_token_threshold, problems
from sagebridge.validation import problem
from tests.images.requests import request
from tests.mocks import Monitor

KINDS: tuple[Kind, ...] = get_args(Kind)
TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"


def requests(kind: Kind, **args: Any) -> dict[str, dict[str, Any]]:
    declared = alarms_of(kind, cast("AlarmsArgs", args))
    built = alarms(kind, declared, "boston", "AllTraffic", {"team": "ml"})
    return {what: request("cloudwatch", "PutMetricAlarm", alarm) for what, alarm in built.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_variant_has_four_alarms_with_stable_names(kind: Kind) -> None:
    assert [alarm["AlarmName"] for alarm in requests(kind).values()] == [
        "boston-AllTraffic-latency",
        "boston-AllTraffic-4xx",
        "boston-AllTraffic-5xx",
        "boston-AllTraffic-saturation",
    ]


@pytest.mark.parametrize(
    ("kind", "namespace", "metric", "threshold", "dimensions"),
    [
        ("real-time", "/aws/sagemaker/Endpoints", "MemoryUtilization", 90, {"EndpointName", "VariantName"}),
        (
            "serverless",
            "AWS/SageMaker",
            "ServerlessConcurrentExecutionsUtilization",
            0.8,
            {"EndpointName", "VariantName"},
        ),
        ("async", "AWS/SageMaker", "ApproximateAgeOfOldestRequest", 900, {"EndpointName"}),
    ],
)
def test_each_kind_has_its_own_sign_of_saturation(
    kind: Kind, namespace: str, metric: str, threshold: float, dimensions: set[str]
) -> None:
    alarm = requests(kind)["saturation"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == (namespace, metric, threshold)
    assert {dimension["Name"] for dimension in alarm["Dimensions"]} == dimensions
    assert alarm["Statistic"] == "Maximum"


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_rates_of_a_variant_and_latency_is_in_microseconds(kind: Kind) -> None:
    made = requests(kind, model_latency=250, error_rate_4xx=0.2)
    variant = [{"Name": "EndpointName", "Value": "boston"}, {"Name": "VariantName", "Value": "AllTraffic"}]
    assert all(made[what]["Dimensions"] == variant for what in ("latency", "4xx", "5xx"))
    assert (made["latency"]["ExtendedStatistic"], made["latency"]["Threshold"]) == ("p99", 250_000)
    assert (made["4xx"]["Statistic"], made["4xx"]["Threshold"]) == ("Average", 0.2)
    assert (made["5xx"]["Statistic"], made["5xx"]["Threshold"]) == ("Average", 0.01)


def test_an_alarm_can_ring_within_five_minutes_tells_whom_it_should_and_is_quiet_without_requests() -> None:
    for alarm in requests("real-time", alarm_actions=[TOPIC]).values():
        assert alarm["AlarmActions"] == [TOPIC]
        assert alarm["Period"] * alarm["EvaluationPeriods"] == 300
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["Tags"] == [{"Key": "team", "Value": "ml"}]


@given(endpoint=st.from_regex(r"\A[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}\Z"), what=st.sampled_from(list(requests("async"))))
def test_the_longest_name_is_one_that_can_roll_back(endpoint: str, what: str) -> None:
    name = alarm_in_aws(endpoint[:63], "v" * 63, what)
    assert problem("alarm", name, "AlarmName") is None


@pytest.mark.parametrize(
    ("kind", "args", "property_", "allowed"),
    [
        ("real-time", {"model_latency": 0}, "alarms.model_latency", "above 0"),
        ("real-time", {"error_rate_4xx": 1.5}, "alarms.error_rate_4xx", "between 0 and 1"),
        ("real-time", {"error_rate_5xx": -0.1}, "alarms.error_rate_5xx", "between 0 and 1"),
        ("real-time", {"error_rate_5xx": True}, "alarms.error_rate_5xx", "a number"),
        ("real-time", {"time_to_first_token": 0}, "alarms.time_to_first_token", "above 0"),
        ("real-time", {"saturation": 101}, "alarms.saturation", "between 0 and 100"),
        ("serverless", {"saturation": 80}, "alarms.saturation", "between 0 and 1, not 80"),
        ("async", {"saturation": "15 min"}, "alarms.saturation", "a number"),
        ("async", {"alarm_actions": [TOPIC] * 6}, "alarms.alarm_actions", "at most 5"),
        ("async", {"alarm_actions": ["on-call"]}, "alarms.alarm_actions[0]", "an ARN"),
        ("async", {"alarm_actions": [""]}, "alarms.alarm_actions[0]", "not be empty"),
        ("async", {"alarm_actions": ["arn:" * 257]}, "alarms.alarm_actions[0]", "1 to 1024 characters"),
    ],
)
def test_each_problem_is_named(kind: Kind, args: AlarmsArgs, property_: str, allowed: str) -> None:
    (found,) = problems("alarms", kind, args)
    assert found.property == property_
    assert allowed in str(found)


@given(
    kind=st.sampled_from(KINDS),
    args=st.fixed_dictionaries(
        {},
        optional={
            name: st.floats() | st.integers() | st.booleans() | st.none() | st.text(max_size=3)
            for name in ("model_latency", "error_rate_4xx", "error_rate_5xx", "saturation")
        }
        | {"alarm_actions": st.lists(st.sampled_from([TOPIC, "", "x"]), max_size=7)},
    ),
)
def test_arguments_are_refused_or_make_alarms_that_aws_allows(kind: Kind, args: dict[str, Any]) -> None:
    given = {name: value for name, value in args.items() if value is not None}
    if problems("alarms", kind, cast("AlarmsArgs", given)) == []:
        assert len(requests(kind, **given)) == 4


@pytest.mark.parametrize("late", [False, True])
def test_the_time_to_the_first_token_is_watched_by_a_query_of_the_variant(
    run: Callable[[Callable[[], object]], Monitor], *, late: bool
) -> None:
    def program() -> None:
        threshold = pulumi.Output.from_input(1500.0) if late else 1500
        declared = alarms_of("real-time", {"time_to_first_token": threshold, "alarm_actions": [TOPIC]})
        built = alarms("real-time", declared, "boston", "Most", {"team": "ml"})
        aws.cloudwatch.MetricAlarm("it", built["first-token"])

    made = run(program).of_type("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert made["name"] == "boston-Most-first-token"
    assert made["alarmActions"] == [TOPIC]
    assert made["tags"] == {"team": "ml"}
    assert made["evaluationCriteria"]["promqlCriteria"]["query"] == (
        "histogram_quantile(0.99, sum by (le) (rate(vllm_time_to_first_token_seconds_bucket"
        "{'aws.sagemaker.endpoint.name'=\"boston\",'aws.sagemaker.variant.name'=\"Most\"}[5m]))) > 1.5"
    )
    assert "metricName" not in made


@given(st.integers(1, 100_000) | st.floats(1, 100_000).map(lambda number: round(number, 3)))
def test_the_threshold_of_the_query_is_read_again(milliseconds: float) -> None:
    declared = alarms_of("real-time", {"time_to_first_token": milliseconds})
    criteria: Any = alarms("real-time", declared, "boston", "Most")["first-token"].evaluation_criteria
    assert first_token_threshold(criteria.promql_criteria.query) == milliseconds


def test_another_query_has_no_threshold() -> None:
    assert first_token_threshold("avg(cpu_utilization_percent) > 80") is None


@pytest.mark.parametrize("kind", ["serverless", "async"])
def test_only_real_time_endpoints_have_a_time_to_the_first_token(kind: Kind) -> None:
    (refused,) = problems("alarms", kind, {"time_to_first_token": 500})
    assert f"{kind} endpoint" in str(refused)


def test_values_and_names_that_are_not_known_yet_are_outputs(
    run: Callable[[Callable[[], object]], Monitor],
) -> None:
    def program() -> None:
        args: AlarmsArgs = {
            "model_latency": pulumi.Output.from_input(3.0),
            "error_rate_4xx": pulumi.Output.from_input(2.0),
            "alarm_actions": [pulumi.Output.from_input(TOPIC)],
        }
        assert problems("alarms", "real-time", args) == []
        declared = alarms_of("real-time", args)
        built = alarms("real-time", declared, pulumi.Output.from_input("boston-1234567"), "AllTraffic")
        aws.cloudwatch.MetricAlarm("latency", built["latency"])

    alarm = run(program).of_type("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert alarm["name"] == "boston-1234567-AllTraffic-latency"
    assert alarm["threshold"] == 3000
    assert alarm["alarmActions"] == [TOPIC]
