"""CloudWatch in moto: moto takes the requests, this package's metrics answer them, and moto's alarms become rules.

moto itself merges metric data from the first data point on, whatever the period, matches some dimensions where AWS
matches all, and has no percentiles and no metric math. It puts an alarm into OK at first, and again at each update.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, ValidationError
from moto.cloudwatch.models import (
    Alarm,
    CloudWatchBackend,
    Dimension,
    Metric,
    MetricDataQuery,
    MetricStat,
    cloudwatch_backends,
)
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.cloudwatch.alarms import Rule
from sagebridge.local.cloudwatch.metrics import Metric as Name
from sagebridge.local.cloudwatch.metrics import Metrics, Point, metric, point
from sagebridge.local.cloudwatch.queries import Query, answer, first_period
from sagebridge.local.shapes import AwsError
from sagebridge.local.store import Moto

HISTORY = 100
"""Changes of state that an alarm remembers."""
_MOTOS_NAMESPACE = "AWS/S3"
"""The namespace whose metrics moto makes up when they are asked for."""


class AlarmBook:
    """The alarms of the account in a region, in moto.

    Args:
        moto: keeps them.
        region: the region.
    """

    def __init__(self, moto: Moto, region: str = REGION) -> None:
        self._moto = moto
        self._region = region
        self._rules: dict[str, tuple[Alarm, tuple[object, ...], Rule]] = {}
        """The rule of each alarm, with the alarm and the state from which it was made."""

    def rules(self) -> list[Rule]:
        """Returns all metric alarms."""
        with self._moto.reading():
            rules, self._rules = self._rules, {}
            for name, alarm in self._backend().alarms.items():
                if alarm.rule is None:
                    state = (alarm.state_value, alarm.state_reason, alarm.actions_enabled)
                    before = rules.get(name)
                    if before is None or before[0] is not alarm or before[1] != state:
                        before = (alarm, state, _rule(alarm))
                    self._rules[name] = before
            return [rule for _, _, rule in self._rules.values()]

    def move(self, name: str, state: str, reason: str, data: str) -> None:
        """Changes the state of an alarm, unless it was deleted."""
        with self._moto.changing("monitoring"):
            if alarm := self._backend().alarms.get(name):
                alarm.update_state(reason, data, state)
                del alarm.history[:-HISTORY]

    def publish(self, topic_arn: str, message: str) -> None:
        """Publishes to an SNS topic."""
        self._moto.publish(topic_arn, message)

    def put(self, members: Mapping[str, Any]) -> str:
        """Makes an alarm of the members of PutMetricAlarm that a scaling policy needs, and returns its ARN."""
        stats = [(query, query.get("MetricStat")) for query in members.get("Metrics", ())]
        queries = [
            MetricDataQuery(
                query["Id"],
                query.get("Label"),
                None,  # type: ignore[arg-type] # these queries have no period
                query.get("ReturnData", True),
                query.get("Expression"),
                MetricStat(
                    Metric(
                        stat["Metric"]["MetricName"],
                        stat["Metric"]["Namespace"],
                        [Dimension(pair["Name"], pair["Value"]) for pair in stat["Metric"].get("Dimensions", ())],
                    ),
                    stat["Period"],
                    stat["Stat"],
                    stat.get("Unit"),
                )
                if stat
                else None,
            )
            for query, stat in stats
        ]
        with self._moto.changing("monitoring"):
            alarm = self._backend().put_metric_alarm(
                members["AlarmName"],
                namespace=members.get("Namespace"),  # type: ignore[arg-type] # None for one with queries
                metric_name=members.get("MetricName"),  # type: ignore[arg-type] # None for one with queries
                statistic=members.get("Statistic"),  # type: ignore[arg-type] # None for one with queries
                period=members.get("Period"),  # type: ignore[arg-type] # None for one with queries
                dimensions=members.get("Dimensions", []),
                unit=members.get("Unit"),
                metric_data_queries=queries,
                comparison_operator=members["ComparisonOperator"],
                evaluation_periods=members["EvaluationPeriods"],
                threshold=members["Threshold"],
                description=members["AlarmDescription"],
                alarm_actions=members["AlarmActions"],
            )
        return alarm.alarm_arn

    def delete(self, names: Iterable[str]) -> None:
        """Deletes alarms, as far as they exist."""
        with self._moto.changing("monitoring"):
            self._backend().delete_alarms(list(names))

    def _backend(self) -> CloudWatchBackend:
        return cloudwatch_backends[ACCOUNT][self._region]


class _Answers:
    """The methods that replace moto's; each is called with moto's object first.

    Args:
        metrics: the metric data that they answer from.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def put_metric_data(self, backend: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, start=1):
            backend._validate_parameters_put_metric_data(datum, number)  # noqa: SLF001 - moto's own checks
        for datum in metric_data:
            dimensions = _pairs(datum.get("Dimensions", ()))
            name = metric(namespace, datum["MetricName"], dimensions, datum.get("Unit") or "None")
            for datum_point in _points(datum):
                self._metrics.add(name, datum_point)
        self._metrics.flush()

    def get_metric_data(
        self,
        _: CloudWatchBackend,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampDescending",
    ) -> list[dict[str, Any]]:
        start, end = _span(start_time, end_time)
        parsed = [_query(query) for query in queries]
        try:
            answers = answer(self._metrics, parsed, start, end)
        except AwsError as error:
            raise ValidationError(error.message) from error
        return [
            {
                "Id": query.id,
                "Label": query.label or (query.metric.name if query.metric else query.id),
                "Timestamps": [_when(time) for time in times],
                "Values": [answers[query.id][time] for time in times],
                "StatusCode": "Complete",
            }
            for query in parsed
            if query.returned
            for times in [sorted(answers[query.id], reverse=scan_by != "TimestampAscending")]
        ]

    def get_metric_statistics(self, response: CloudWatchResponse) -> ActionResult:
        asked = response._get_params()  # noqa: SLF001 - as moto's own methods do
        if asked["Namespace"] == _MOTOS_NAMESPACE:
            return _MOTOS_STATISTICS(response)
        names = [*asked.get("Statistics", []), *asked.get("ExtendedStatistics", [])]
        if not names:
            raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
        start, end = _span(asked["StartTime"], asked["EndTime"])
        period = int(asked["Period"])
        asked_metric = metric(asked["Namespace"], asked["MetricName"], _pairs(asked.get("Dimensions", ())))
        matching = [name for name in self._metrics.names() if name[:3] == asked_metric[:3]]
        begin = first_period(start, period)
        datapoints = [
            _datapoint(period_point, name.unit, names)
            for name in matching
            if asked.get("Unit") in (None, name.unit)
            for period_point in self._metrics.points(name, begin, end, period, any_unit=False).values()
        ]
        return ActionResult({"Label": asked["MetricName"], "Datapoints": datapoints})

    def get_filtered_metrics(
        self, backend: CloudWatchBackend, metric_name: str, namespace: str, dimensions: list[dict[str, str]]
    ) -> list[Any]:
        names = {name[:3] for name in self._metrics.names() if _fits(name, namespace, metric_name, dimensions)}
        listed = [
            {"Namespace": space, "MetricName": name, "Dimensions": _dimensions(pairs)}
            for space, name, pairs in sorted(names)
        ]
        return listed + list(_MOTOS["get_filtered_metrics"](backend, metric_name, namespace, dimensions))

    def put_metric_alarm(self, backend: CloudWatchBackend, name: str, **members: Any) -> Alarm:  # noqa: ANN401 - moto's
        """Puts an alarm as AWS does: a new one has no data yet, one that exists keeps its state."""
        before = backend.alarms.get(name)
        alarm: Alarm = _MOTOS["put_metric_alarm"](backend, name, **members)
        if before is None:
            alarm.state_value = "INSUFFICIENT_DATA"
        else:
            vars(alarm).update({member: getattr(before, member) for member in _STATE})
        return alarm

    def delete_alarms(self, backend: CloudWatchBackend, alarm_names: list[str]) -> None:
        """Deletes alarms with their tags."""
        for name in alarm_names:
            if name in backend.alarms:
                backend.tagger.delete_all_tags_for_resource(backend.alarms[name].alarm_arn)
        _MOTOS["delete_alarms"](backend, alarm_names)


_STATE = ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history")
"""The attributes of moto's alarms that are their state."""
_MOTOS: dict[str, Callable[..., Any]] = {
    name: getattr(CloudWatchBackend, name)
    for name in vars(_Answers)
    if hasattr(CloudWatchBackend, name) and name[0] != "_"
}
"""moto's methods that are replaced."""
_MOTOS_STATISTICS = CloudWatchResponse.get_metric_statistics


_ANSWERS: dict[str, _Answers] = {}
"""What answers in each region in which SageMaker is used."""


def install(metrics: Metrics, region: str = REGION) -> None:
    """Makes moto answer CloudWatch's requests in a region from these metrics."""
    _ANSWERS[region] = _Answers(metrics)

    def method(name: str) -> Callable[..., Any]:
        def called(backend: CloudWatchBackend, *arguments: object, **members: object) -> object:
            if answers := _ANSWERS.get(backend.region_name):
                return getattr(answers, name)(backend, *arguments, **members)
            return _MOTOS[name](backend, *arguments, **members)

        return called

    def get_metric_statistics(response: CloudWatchResponse) -> ActionResult:
        answers = _ANSWERS.get(response.cloudwatch_backend.region_name)
        return answers.get_metric_statistics(response) if answers else _MOTOS_STATISTICS(response)

    for name in _MOTOS.keys() - {"get_metric_statistics"}:
        setattr(CloudWatchBackend, name, method(name))
    CloudWatchResponse.get_metric_statistics = get_metric_statistics  # type: ignore[method-assign, assignment]


def _rule(alarm: Alarm) -> Rule:
    if alarm.metric_data_queries:
        queries = tuple(_alarm_query(query) for query in alarm.metric_data_queries)
    else:
        name = metric(alarm.namespace, alarm.metric_name, _motos_pairs(alarm.dimensions), alarm.unit or "None")
        statistic = alarm.statistic or alarm.extended_statistic or ""
        queries = (Query("m1", None, name, statistic, float(alarm.period), any_unit=alarm.unit is None),)
    actions = {
        "ALARM": tuple(alarm.alarm_actions),
        "OK": tuple(alarm.ok_actions),
        "INSUFFICIENT_DATA": tuple(alarm.insufficient_data_actions),
    }
    trigger = {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "StatisticType": "Statistic" if alarm.statistic else "ExtendedStatistic",
        "Statistic": (alarm.statistic or alarm.extended_statistic or "").upper(),
        "Unit": alarm.unit,
        "Dimensions": [{"value": dimension.value, "name": dimension.name} for dimension in alarm.dimensions],
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "missing",
    }
    return Rule(
        name=alarm.name,
        arn=alarm.alarm_arn,
        queries=queries,
        comparison=alarm.comparison_operator if alarm.threshold is not None else "",
        threshold=alarm.threshold or 0.0,
        periods=int(alarm.evaluation_periods),
        datapoints=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        missing=alarm.treat_missing_data or "missing",
        enabled=alarm.actions_enabled,
        actions=actions,
        state=alarm.state_value,
        reason=alarm.state_reason,
        notice_members={
            "AlarmDescription": alarm.description,
            "AWSAccountId": ACCOUNT,
            "AlarmConfigurationUpdatedTimestamp": str(alarm.configuration_updated_timestamp),
            "OKActions": alarm.ok_actions,
            "AlarmActions": alarm.alarm_actions,
            "InsufficientDataActions": alarm.insufficient_data_actions,
            "Trigger": trigger,
        },
    )


def _alarm_query(query: MetricDataQuery) -> Query:
    returned = query.return_data in (None, True, "true")
    if query.metric_stat is None:
        return Query(query.id, query.expression, period=float(query.period or 60), returned=returned)
    stat = query.metric_stat
    name = metric(
        stat.metric.namespace, stat.metric.metric_name, _motos_pairs(stat.metric.dimensions), stat.unit or "None"
    )
    return Query(query.id, None, name, stat.stat, float(stat.period), any_unit=not stat.unit, returned=returned)


def _query(asked: Mapping[str, Any]) -> Query:
    """Reads a query of GetMetricData."""
    returned, label = asked.get("ReturnData", True), asked.get("Label")
    if "MetricStat" not in asked:
        return Query(asked["Id"], asked["Expression"], returned=returned, label=label)
    stat = asked["MetricStat"]
    dimensions = _pairs(stat["Metric"].get("Dimensions", ()))
    name = metric(stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], dimensions, stat.get("Unit") or "None")
    period = float(stat["Period"])
    return Query(asked["Id"], None, name, stat["Stat"], period, not stat.get("Unit"), returned, label)


def _points(datum: Mapping[str, Any]) -> list[Point]:
    """Reads the points of a datum of PutMetricData."""
    stamp = datum.get("Timestamp")
    when = _seconds(stamp) if stamp else datetime.now(UTC).timestamp()
    if stats := datum.get("StatisticValues"):
        count, total, least, most = (float(stats[name]) for name in ("SampleCount", "Sum", "Minimum", "Maximum"))
        return [point(when, least, count) if least == most else Point(when, count, total, least, most)]
    values = datum.get("Values") or [datum.get("Value", 0.0)]
    counts = datum.get("Counts") or [1.0] * len(values)
    return [point(when, float(value), float(count)) for value, count in zip(values, counts, strict=True)]


def _datapoint(period_point: Point, unit: str, names: Sequence[str]) -> dict[str, Any]:
    values = {name: value for name in names if (value := period_point.statistic(name)) is not None}
    plain = {name: value for name, value in values.items() if name[0].isupper()}
    percentiles = {name: value for name, value in values.items() if name not in plain}
    extended = {"ExtendedStatistics": percentiles} if percentiles else {}
    return {"Timestamp": _when(period_point.time), "Unit": unit, **plain, **extended}


def _fits(name: Name, namespace: str | None, metric_name: str | None, dimensions: Sequence[Mapping[str, Any]]) -> bool:
    pairs = dict(name.dimensions)
    return (
        namespace in (None, name.namespace)
        and metric_name in (None, name.name)
        and all(
            dimension["Name"] in pairs and dimension.get("Value") in (None, pairs[dimension["Name"]])
            for dimension in dimensions
        )
    )


def _pairs(dimensions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in dimensions}


def _dimensions(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in pairs]


def _motos_pairs(dimensions: Iterable[Dimension]) -> dict[str, str]:
    return {str(dimension.name): str(dimension.value) for dimension in dimensions}


def _span(start: datetime, end: datetime) -> tuple[float, float]:
    begin, until = _seconds(start), math.floor(_seconds(end))
    if begin >= until:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
    return begin, until


def _seconds(when: datetime) -> float:
    """Returns seconds since the epoch; moto reads times as UTC without saying so."""
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
