import time
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.local.cloudwatch.endpoints import EndpointMetrics, Gauges
from sagebridge.local.cloudwatch.metrics import FINE_SECONDS, KEPT_SECONDS, Metrics, metric, point
from sagebridge.local.cloudwatch.queries import Query, answer
from sagebridge.local.serving.invocations import Invocation
from sagebridge.local.shapes import AwsError
from sagebridge.local.times import Times
from tests.local.account import Account, echo, until

NAME = metric("Test", "Value", {"Of": "one"}, "Count")
START = 1_800_000_000.0  # a whole minute


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    return Metrics(tmp_path / "metrics.jsonl")


def values(metrics: Metrics, expression: str, seconds: float = 300) -> list[float]:
    """Returns the values of an expression over `one`, the sums of NAME by minute."""
    queries = [Query("one", metric=NAME, statistic="Sum", period=60), Query("asked", expression)]
    return list(answer(metrics, queries, START, START + seconds)["asked"].values())


@given(st.lists(st.tuples(st.integers(0, 599), st.integers(1, 999)), min_size=1))
def test_statistics_are_those_of_the_values_in_each_period(data: list[tuple[int, int]]) -> None:
    metrics = Metrics(NOWHERE)
    for offset, value in data:
        metrics.add(NAME, point(START + offset, value))
    for begin, merged in metrics.points(NAME, START, START + 600, 60).items():
        period_values = sorted(value for offset, value in data if 0 <= START + offset - begin < 60)
        assert merged.statistic("Sum") == sum(period_values)
        assert merged.statistic("SampleCount") == len(period_values)
        assert merged.statistic("Average") == pytest.approx(sum(period_values) / len(period_values))
        assert (merged.statistic("Minimum"), merged.statistic("Maximum")) == (period_values[0], period_values[-1])
        assert merged.statistic("p100") == period_values[-1]
        assert merged.statistic("p50") in period_values


class _Nowhere:
    """A file that takes everything and keeps nothing."""

    def exists(self) -> bool:
        return False

    def open(self, _: str) -> Any:
        return open("/dev/null", "w")  # noqa: PTH123 - closed by who uses it


NOWHERE: Any = _Nowhere()


def test_a_metric_is_named_by_all_of_its_dimensions(metrics: Metrics) -> None:
    more = metric("Test", "Value", {"Of": "one", "And": "two"}, "Count")
    metrics.add(more, point(START, 7))
    assert metrics.points(NAME, START, START + 60, 60) == {}
    assert list(metrics.points(more, START, START + 60, 60)) == [START]


def test_data_survives_and_a_line_cut_short_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    metrics = Metrics(file)
    now = time.time()
    for value in (1, 2, 3):
        metrics.add(NAME, point(now, value))
    metrics.flush()
    with file.open("a") as opened:
        opened.write('["Test", "Value", [["Of", "on')
    (saved_point,) = Metrics(file).points(NAME, now - 60, now + 60, 120).values()
    assert (saved_point.statistic("Sum"), saved_point.statistic("p50")) == (6, 2)


def test_old_data_becomes_coarse_and_then_goes(metrics: Metrics) -> None:
    now = START + KEPT_SECONDS
    for age in (10.0, FINE_SECONDS + 70, FINE_SECONDS + 71, KEPT_SECONDS + 120):
        metrics.add(NAME, point(now - age, 1))
    metrics.flush()
    metrics.prune(now)
    counts = [saved_point.count for saved_point in metrics.points(NAME, START - 600, now, 1).values()]
    assert counts == [2, 1]


def test_what_is_kept_does_not_grow_with_the_traffic(tmp_path: Path) -> None:
    sizes = []
    for number in (10_000, 100_000):
        file = tmp_path / f"{number}.jsonl"
        metrics = Metrics(file)
        for value in range(number):
            metrics.add(NAME, point(START + value * 60 / number, value % 100))
        metrics.flush()
        (merged_point,) = metrics.points(NAME, START, START + 60, 60).values()
        assert merged_point.count == number
        sizes.append(file.stat().st_size)
    assert sizes[1] < sizes[0] * 1.5


def test_the_journal_is_written_anew_when_most_of_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagebridge.local.cloudwatch.metrics._SPARE", 10)
    file = tmp_path / "metrics.jsonl"
    metrics = Metrics(file)
    for second in range(100):
        metrics.add(NAME, point(START + second, 1))
        metrics.flush()
    metrics.prune(START + 1000)
    assert len(file.read_text().splitlines()) == 2  # two minutes
    metrics.prune(START + KEPT_SECONDS + 1000)
    assert metrics.names() == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("one * 2 + 1", [3, 5]),
        ("FILL(one, 0)", [1, 0, 2, 0, 0]),
        ("FILL(one, REPEAT)", [1, 1, 2, 2, 2]),
        ("IF(one > 1, 10, 20)", [20, 10]),
        ("IF(one = 1 && one < 2, one)", [1]),
        ("SUM([one, one])", [2, 4]),
        ("MAX(METRICS())", [1, 2]),
        ("one / AVG(one)", [1 / 1.5, 2 / 1.5]),
        ("1 / (one - 1)", [1]),
        ("-one ^ 2", [-1, -4]),
        ("CEIL(one / 4)", [1, 1]),
    ],
)
def test_metric_math(metrics: Metrics, expression: str, expected: list[float]) -> None:
    metrics.add(NAME, point(START + 10, 1))
    metrics.add(NAME, point(START + 130, 2))
    assert values(metrics, expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    "expression", ["one +", "other * 2", "asked", "ANOMALY_DETECTION_BAND(one)", "one.real", "'x'"]
)
def test_metric_math_that_is_not_understood_is_refused(metrics: Metrics, expression: str) -> None:
    with pytest.raises(AwsError, match="Error in expression 'asked'"):
        values(metrics, expression)


def described(variant: dict[str, object], **members: object) -> Any:
    def sagemaker(operation: str, _: dict[str, Any]) -> dict[str, Any]:
        if operation == "ListEndpoints":
            return {"Endpoints": [{"EndpointName": "it", "LastModifiedTime": 1.0}]}
        return {"EndpointStatus": "InService", "ProductionVariants": [{"VariantName": "v", **variant}], **members}

    return sagemaker


def published(metrics: Metrics, moment: float) -> dict[str, float]:
    """Returns the sums of all metrics, by name."""
    sums: defaultdict[str, float] = defaultdict(float)
    for name in metrics.names():
        for merged in metrics.points(name, moment - 3600, moment + 3600, 7200).values():
            sums[name.name] += merged.total
    return dict(sums)


def test_an_invocation_becomes_the_metrics_of_a_real_time_endpoint(metrics: Metrics) -> None:
    invocations = deque(
        [
            Invocation("it", "v", START, 200, latency=0.25, overhead=0.002),
            Invocation("it", "v", START, 424, latency=0.25, overhead=0.002, model_status=500),
        ]
    )
    watching = EndpointMetrics(metrics, invocations, described({"CurrentInstanceCount": 2}), Times, Gauges())
    watching.flush()
    assert published(metrics, START) == pytest.approx(
        {
            "Invocations": 2,
            "Invocation4XXErrors": 0,
            "Invocation5XXErrors": 1,
            "InvocationModelErrors": 1,
            "InvocationsPerInstance": 1,
            "ModelLatency": 500_000,
            "OverheadLatency": 4_000,
        }
    )
    units = {name.name: name.unit for name in metrics.names()}
    assert units["ModelLatency"] == "Microseconds"
    assert all(dict(name.dimensions) == {"EndpointName": "it", "VariantName": "v"} for name in metrics.names())


@pytest.mark.parametrize(("instances", "starved"), [(0, 1), (2, 0)])
def test_a_queue_becomes_the_metrics_of_an_asynchronous_endpoint(
    metrics: Metrics, instances: int, starved: float
) -> None:
    sagemaker = described({"CurrentInstanceCount": instances}, AsyncInferenceConfig={})
    gauges = Gauges(backlog=lambda _: 6, waited=lambda _: 2.5)
    invocations = deque([Invocation("it", "v", START, 200, latency=0.25, overhead=0.002)])
    watching = EndpointMetrics(metrics, invocations, sagemaker, lambda: Times(pace=60), gauges)
    watching.tick(START)
    sums = published(metrics, START)
    assert (sums["ApproximateBacklogSize"], sums["HasBacklogWithoutCapacity"]) == (6, starved)
    assert sums.get("ApproximateBacklogSizePerInstance") == (3 if instances else None)
    assert (sums["ApproximateAgeOfOldestRequest"], sums["InvocationsProcessed"]) == (150, 1)
    assert not {"Invocations", "OverheadLatency", "InvocationsPerInstance"} & sums.keys()


def test_what_is_under_way_becomes_metrics_of_concurrency(metrics: Metrics) -> None:
    serverless = {"MaxConcurrency": 4, "MemorySizeInMB": 1024, "ProvisionedConcurrency": 2}
    variants: list[dict[str, object]] = [
        {"CurrentInstanceCount": 2},
        {"CurrentInstanceCount": 0, "CurrentServerlessConfig": serverless},
    ]
    for variant in variants:
        gauges = Gauges(loads=lambda: {("it", "v"): 3})
        EndpointMetrics(metrics, deque(), described(variant), Times, gauges).tick(START)
    sums = published(metrics, START)
    assert sums["ConcurrentRequestsPerModel"] == 1.5
    assert sums["ServerlessConcurrentExecutionsUtilization"] == 0.75
    assert sums["ServerlessProvisionedConcurrencyUtilization"] == 1


def test_a_scaled_variant_without_traffic_has_zeros_for_each_minute(metrics: Metrics) -> None:
    invocations: deque[Invocation] = deque()
    gauges = Gauges(scaled=lambda: {"it": {"v"}})
    watching = EndpointMetrics(metrics, invocations, described({"CurrentInstanceCount": 1}), Times, gauges)
    for second in range(0, 240, 10):
        if second == 70:
            invocations.append(Invocation("it", "v", START + second, 200, latency=0.1, overhead=0.1))
        watching.tick(START + second)
    name = metric("AWS/SageMaker", "InvocationsPerInstance", {"EndpointName": "it", "VariantName": "v"}, "None")
    counts = [minute.statistic("Sum") for minute in metrics.points(name, START, START + 240, 60).values()]
    assert counts == [0, 1, 0]


# On a server


@pytest.fixture
def cloudwatch(account: Account) -> Any:
    return account.client("cloudwatch")


def span() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}


@pytest.mark.server
def test_put_data_is_answered_in_every_statistic(account: Account, cloudwatch: Any) -> None:
    name = account.name("Metric")
    moment = datetime.now(UTC) - timedelta(minutes=2)
    data = [{"MetricName": name, "Values": [1, 2, 3, 4], "Counts": [1, 1, 1, 7], "Unit": "Count", "Timestamp": moment}]
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=data)
    asked = {"Namespace": "Mine", "MetricName": name, **span(), "Period": 60}
    (datapoint,) = cloudwatch.get_metric_statistics(
        **asked,
        Statistics=["Sum", "Average", "Minimum", "Maximum", "SampleCount"],
        ExtendedStatistics=["p10", "p50", "p99"],
    )["Datapoints"]
    assert datapoint.pop("Timestamp") == moment.replace(second=0, microsecond=0)
    assert datapoint == {
        "Unit": "Count",
        "Sum": 34,
        "Average": 3.4,
        "Minimum": 1,
        "Maximum": 4,
        "SampleCount": 10,
        "ExtendedStatistics": {"p10": 1, "p50": 4, "p99": 4},
    }
    other = {**asked, "Dimensions": [{"Name": "Of", "Value": "other"}], "Statistics": ["Sum"]}
    assert cloudwatch.get_metric_statistics(**other)["Datapoints"] == []


@pytest.mark.server
def test_much_data_comes_compressed(account: Account, cloudwatch: Any) -> None:
    name = account.name("Metric")
    data = [{"MetricName": name, "Value": 1, "Dimensions": [{"Name": "Of", "Value": str(n)}]} for n in range(200)]
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=data)  # boto3 compresses it from 10 KB on
    assert len(cloudwatch.list_metrics(Namespace="Mine", MetricName=name)["Metrics"]) == 200


@pytest.mark.server
def test_invocations_are_listed_and_answered_as_metrics(account: Account, cloudwatch: Any) -> None:
    endpoint = account.deploy(account.config(account.upload(echo("x"))))["EndpointName"]
    for _ in range(5):
        account.invoke(endpoint)
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}]
    query = {
        "Id": "calls",
        "MetricStat": {
            "Metric": {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions},
            "Period": 300,
            "Stat": "Sum",
        },
        "ReturnData": False,
    }
    queries = [query, {"Id": "half", "Expression": "calls / 2"}]

    def seen() -> bool:
        (result,) = cloudwatch.get_metric_data(MetricDataQueries=queries, **span())["MetricDataResults"]
        assert result["Id"] == "half"
        return bool(sum(result["Values"]) == 2.5)

    until(seen)
    listed = cloudwatch.list_metrics(Namespace="AWS/SageMaker", Dimensions=dimensions)["Metrics"]
    assert {listing["MetricName"] for listing in listed} >= {"Invocations", "ModelLatency", "OverheadLatency"}


@pytest.mark.server
def test_a_wrong_expression_and_a_wrong_span_are_refused(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="Error in expression 'e'"):
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "f + 1"}], **span())
    turned = {"StartTime": span()["EndTime"], "EndTime": span()["StartTime"]}
    with pytest.raises(ClientError, match="StartTime must be less than"):
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "1"}], **turned)
