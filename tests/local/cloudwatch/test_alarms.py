import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.local import control
from sagebridge.local.cloudwatch.alarms import EXTRA_PERIODS, Alarms, Finding, Rule, evaluate
from sagebridge.local.cloudwatch.metrics import Metrics, metric, point
from sagebridge.local.cloudwatch.queries import Query
from sagebridge.local.shapes import AwsError
from sagebridge.local.times import Times
from tests.local.account import Account, until

NAME = metric("Test", "Value", {}, "None")
START = 1_800_000_000.0  # a whole minute
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"
POLICY = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:resource/sagemaker/x:policyName/p"
RULE = Rule(
    name="alarm",
    arn="arn:aws:cloudwatch:us-east-1:123456789012:alarm:alarm",
    queries=(Query("m1", metric=NAME, statistic="Sum", period=60),),
    comparison="GreaterThanThreshold",
    threshold=5.0,
    periods=3,
    datapoints=3,
    missing="missing",
    enabled=True,
    actions={"ALARM": (TOPIC, POLICY)},
    state="INSUFFICIENT_DATA",
    reason="",
    notice_members={},
)
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def points(drawn: str) -> list[tuple[float, float | None]]:
    """Reads data points as AWS's guide draws them: 0 does not breach, X does, - is missing."""
    values = {"0": 1.0, "X": 9.0, "-": None}
    return [(START + 60 * number, values[mark]) for number, mark in enumerate(drawn.split())]


# "Configuring how CloudWatch alarms treat missing data", both tables: 3 out of 3, and 2 out of 3; None is "Retain
# current state"
@pytest.mark.parametrize(
    ("datapoints", "drawn", "states"),
    [
        (3, "0 - X - X", ["OK", "OK", "OK", "OK"]),
        (3, "0 - - - -", ["OK", "OK", "OK", "OK"]),
        (3, "- - - - -", ["INSUFFICIENT_DATA", None, "ALARM", "OK"]),
        (3, "0 X X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (3, "- - X - -", ["ALARM", None, "ALARM", "OK"]),
        (2, "0 - X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (2, "0 0 X 0 X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (2, "0 - X - -", ["OK", "OK", "ALARM", "OK"]),
        (2, "- - - - 0", ["OK", "OK", "ALARM", "OK"]),
        (2, "- - - X -", ["ALARM", None, "ALARM", "OK"]),
        (3, "- - - - X", ["OK", None, "ALARM", "OK"]),  # "Avoiding premature transitions to alarm state"
    ],
)
def test_the_tables_of_the_guide(datapoints: int, drawn: str, states: list[str | None]) -> None:
    evaluated = [
        evaluate(replace(RULE, datapoints=datapoints, missing=treatment), points(drawn)).state
        for treatment in TREATMENTS
    ]
    assert evaluated == states


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [6]),
        ("GreaterThanOrEqualToThreshold", [5, 6]),
        ("LessThanThreshold", [4]),
        ("LessThanOrEqualToThreshold", [4, 5]),
    ],
)
def test_comparisons(comparison: str, breaching: list[int]) -> None:
    rule = replace(RULE, periods=1, datapoints=1, comparison=comparison)
    assert [value for value in (4, 5, 6) if evaluate(rule, [(START, value)]).state == "ALARM"] == breaching


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 10)), min_size=3 + EXTRA_PERIODS, max_size=3 + EXTRA_PERIODS),
    st.integers(1, 3),
    st.sampled_from(TREATMENTS),
)
def test_more_breaching_data_never_ends_an_alarm(values: list[float | None], datapoints: int, treatment: str) -> None:
    rule = replace(RULE, datapoints=datapoints, missing=treatment)
    order = {"OK": 0, "INSUFFICIENT_DATA": 0, None: 1, "ALARM": 2}

    def rank(data: Sequence[float | None]) -> int:
        return order[evaluate(rule, [(START + 60 * n, value) for n, value in enumerate(data)]).state]

    for place, value in enumerate(values):
        if value is not None:
            assert rank([*values[:place], 9.0, *values[place + 1 :]]) >= rank(values)


@given(st.lists(st.floats(0, 10), min_size=5, max_size=5), st.integers(1, 3), st.sampled_from(TREATMENTS))
def test_with_all_data_there_the_newest_count(values: list[float], datapoints: int, treatment: str) -> None:
    rule = replace(RULE, datapoints=datapoints, missing=treatment)
    finding = evaluate(rule, [(START + 60 * n, value) for n, value in enumerate(values)])
    assert finding.state == ("ALARM" if sum(value > 5 for value in values[-3:]) >= datapoints else "OK")


@pytest.mark.parametrize(
    ("drawn", "changes", "reason"),
    [
        (
            "0 0 0 X X",
            {"datapoints": 2},
            (
                "Threshold Crossed: 2 out of the last 3 datapoints [9.0 (15/01/27 08:04:00), 9.0 (15/01/27 08:03:00)] "
                "were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
            ),
        ),
        (
            "X",
            {"periods": 1, "datapoints": 1},
            (
                "Threshold Crossed: 1 out of the last 1 datapoints [9.0 (15/01/27 08:00:00)] was greater than the "
                "threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition)."
            ),
        ),
        (
            "- - X",
            {"datapoints": 1, "missing": "notBreaching"},
            (
                "Threshold Crossed: 1 out of the last 3 datapoints [9.0 (15/01/27 08:02:00)] was greater than the "
                "threshold (5.0) and 2 missing datapoints were treated as [NonBreaching] "
                "(minimum 1 datapoint for OK -> ALARM transition)."
            ),
        ),
        (
            "- -",
            {"periods": 2, "datapoints": 2, "missing": "breaching"},
            (
                "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
                "[Breaching]."
            ),
        ),
        ("-", {"periods": 1, "datapoints": 1}, "Insufficient Data: 1 datapoint was unknown."),
    ],
)
def test_reasons_are_worded_as_aws_words_them(drawn: str, changes: dict[str, Any], reason: str) -> None:
    assert evaluate(replace(RULE, **changes), points(drawn)).reason == reason


class Book:
    """Alarms in memory."""

    def __init__(self, *rules: Rule) -> None:
        self.alarms = {rule.name: rule for rule in rules}
        self.published: list[dict[str, Any]] = []

    def rules(self) -> list[Rule]:
        return list(self.alarms.values())

    def move(self, name: str, state: str, reason: str, data: str) -> None:
        assert json.loads(data)["version"] == "1.0"
        self.alarms[name] = replace(self.alarms[name], state=state, reason=reason)

    def publish(self, topic_arn: str, message: str) -> None:
        if topic_arn != TOPIC:
            raise AwsError("NotFound", "Topic does not exist")
        self.published.append(json.loads(message))


def run(tmp_path: Path, rule: Rule, minutes: dict[int, float], until: int, pace: float = 1.0) -> tuple[Book, list[Any]]:
    """Evaluates an alarm for some minutes, with data in some of them."""
    book, asked = Book(rule), list[Any]()
    metrics = Metrics(tmp_path / "metrics.jsonl", lambda: 1 / pace)
    alarms = Alarms(book, metrics, lambda: Times(pace=pace), asked.append)
    for second in range(0, until * 60, 10):
        if second % 60 == 0 and (value := minutes.get(second // 60)) is not None:
            metrics.add(NAME, point(START + second / pace, value))
        alarms.tick(START + second / pace + 0.001)
    return book, asked


@pytest.mark.parametrize("pace", [1.0, 20.0])
def test_an_alarm_follows_its_metric(tmp_path: Path, pace: float) -> None:
    rule = replace(RULE, periods=1, datapoints=1, actions={"ALARM": (TOPIC,), "OK": (TOPIC,)})
    book, _ = run(tmp_path, rule, {1: 9.0, 2: 9.0, 3: 1.0}, 5, pace)
    assert [(notice["OldStateValue"], notice["NewStateValue"]) for notice in book.published] == [
        ("INSUFFICIENT_DATA", "ALARM"),
        ("ALARM", "OK"),
    ]
    assert "was greater than the threshold (5.0)" in book.published[0]["NewStateReason"]


def test_a_policy_is_asked_for_at_each_evaluation_in_alarm(tmp_path: Path) -> None:
    _, asked = run(tmp_path, replace(RULE, periods=1, datapoints=1), {1: 9.0, 2: 8.0, 3: 7.0, 4: 1.0}, 6)
    values = [finding.values[0][1] for ((rule, finding),) in asked if rule.state == "ALARM"]
    assert values == [9, 8, 7]


def test_actions_that_are_off_are_not_carried_out(tmp_path: Path) -> None:
    book, asked = run(tmp_path, replace(RULE, periods=1, datapoints=1, enabled=False), {1: 9.0}, 3)
    assert book.alarms["alarm"].state == "ALARM"
    assert (book.published, asked) == ([], [])


def test_a_topic_that_is_gone_harms_nothing(tmp_path: Path) -> None:
    gone = replace(RULE, periods=1, datapoints=1, actions={"ALARM": ("arn:aws:sns:us-east-1:1:gone", TOPIC)})
    book, _ = run(tmp_path, gone, {1: 9.0}, 3)
    assert len(book.published) == 1


def test_a_state_that_was_set_is_acted_upon_and_ends_with_the_next_evaluation(tmp_path: Path) -> None:
    book, asked = Book(replace(RULE, actions={"ALARM": (TOPIC, POLICY)})), list[list[tuple[Rule, Finding]]]()
    alarms = Alarms(book, Metrics(tmp_path / "metrics.jsonl"), Times, asked.append)
    alarms.tick(START + 1)
    book.move("alarm", "ALARM", "a test", '{"version": "1.0"}')
    alarms.tick(START + 2)
    assert book.alarms["alarm"].state == "ALARM"
    assert [notice["NewStateReason"] for notice in book.published] == ["a test"]
    assert [rule.state for ((rule, _),) in asked] == ["ALARM"]
    alarms.tick(START + 61)
    assert book.alarms["alarm"].state == "INSUFFICIENT_DATA"


def test_an_alarm_on_an_expression(tmp_path: Path) -> None:
    queries = (replace(RULE.queries[0], returned=False), Query("e1", "FILL(m1, 0) * 10", period=60))
    book, _ = run(tmp_path, replace(RULE, queries=queries, periods=2, datapoints=1), {1: 1.0}, 4)
    assert book.alarms["alarm"].state == "ALARM"


# On a server


@pytest.mark.server
def test_an_alarm_on_a_server_tells_a_queue_and_survives_a_restart(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    control.set_times(directory, pace=100)
    cloudwatch, sns, sqs = account.client("cloudwatch"), account.client("sns"), account.client("sqs")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:queue")
    cloudwatch.put_metric_alarm(
        AlarmName="high",
        Namespace="Mine",
        MetricName="Value",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[topic],
        Tags=[{"Key": "a", "Value": "b"}],
    )

    def described() -> dict[str, Any]:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=["high"])["MetricAlarms"]
        result: dict[str, Any] = alarm
        return result

    assert described()["StateValue"] == "INSUFFICIENT_DATA"
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Value", "Value": 9}])
    alarm = until(lambda: described() if described()["StateValue"] == "ALARM" else None)
    assert "[9.0 (" in alarm["StateReason"]
    assert json.loads(alarm["StateReasonData"])["recentDatapoints"] == [9.0]
    messages = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    notice = json.loads(json.loads(messages[0]["Body"])["Message"])
    assert (notice["AlarmName"], notice["NewStateValue"]) == ("high", "ALARM")
    control.stop(directory)
    account = Account(control.start(directory)[0].url)
    cloudwatch = account.client("cloudwatch")
    assert described()["StateValue"] == "ALARM"
    cloudwatch.set_alarm_state(AlarmName="high", StateValue="OK", StateReason="a test")
    assert described()["StateValue"] == "OK"


@pytest.mark.server
def test_an_updated_alarm_keeps_its_state_and_a_deleted_one_leaves_no_tags(account: Account) -> None:
    cloudwatch, name = account.client("cloudwatch"), account.name("alarm")
    members = {
        "AlarmName": name,
        "Namespace": "Mine",
        "MetricName": "None",
        "Statistic": "Sum",
        "Period": 86400,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "ignore",
    }
    cloudwatch.put_metric_alarm(**members, Threshold=1, Tags=[{"Key": "a", "Value": "b"}])
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    cloudwatch.put_metric_alarm(**members, Threshold=2)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"], alarm["Threshold"]) == ("ALARM", "a test", 2)
    cloudwatch.delete_alarms(AlarmNames=[name])
    cloudwatch.put_metric_alarm(**members, Threshold=1)
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == []
