"""Alarms: their states as CloudWatch evaluates them, and what follows from a state.

Source: CloudWatch's user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

import json
import logging
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal, Protocol

from sagebridge.local.cloudwatch.metrics import Metrics
from sagebridge.local.cloudwatch.queries import Query, answer
from sagebridge.local.shapes import AwsError
from sagebridge.local.times import Times

log = logging.getLogger(__name__)
State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

EXTRA_PERIODS = 2
"""Periods that are evaluated beyond EvaluationPeriods, as in the tables of the user guide."""
MINUTE = 60.0
"""Seconds between two evaluations of an alarm."""
HIGH_RESOLUTION = 10.0
"""Seconds between two evaluations of an alarm with a period below a minute."""
_POLICY = ":scalingPolicy:"
"""A part of the ARN of every scaling policy."""
_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Rule:
    """A metric alarm."""

    name: str
    arn: str
    queries: tuple[Query, ...]
    """What it watches; the result of the query that is returned is compared with the threshold."""
    comparison: str
    """AWS's ComparisonOperator; an alarm with one of anomaly detection is never evaluated."""
    threshold: float
    periods: int
    """AWS's EvaluationPeriods."""
    datapoints: int
    """AWS's DatapointsToAlarm."""
    missing: str
    """AWS's TreatMissingData."""
    enabled: bool
    """Whether its actions are carried out."""
    actions: dict[str, tuple[str, ...]]
    """The ARNs of its actions, by state."""
    state: str
    """The state that it has now."""
    reason: str
    """AWS's StateReason."""
    notice_members: dict[str, object]
    """What notices say of it besides, by the names of their members."""

    @property
    def period(self) -> float:
        """The seconds of one period."""
        return max(query.period for query in self.queries)

    @property
    def result_id(self) -> str:
        """The id of the query whose result is compared."""
        return next(query.id for query in self.queries if query.returned)


@dataclass(frozen=True)
class Finding:
    """The result of an evaluation."""

    state: State | None
    """The state of the alarm; None if it keeps its state."""
    reason: str
    """AWS's StateReason."""
    values: tuple[tuple[float, float], ...]
    """The times and values of the data points, the newest first."""


def evaluate(rule: Rule, points: Sequence[tuple[float, float | None]]) -> Finding:
    """Evaluates an alarm.

    Args:
        rule: the alarm.
        points: the beginnings and values of the periods of the evaluation range, oldest first; None without data.
    """
    compare, _ = _COMPARISONS[rule.comparison]
    existing = [(begin, value) for begin, value in points if value is not None][-rule.periods :]
    values = tuple(reversed(existing))
    breaching = sum(compare(value, rule.threshold) for _, value in existing)
    missing = rule.periods - len(existing)
    if missing == 0 or rule.missing == "notBreaching":
        state: State | None = "ALARM" if breaching >= rule.datapoints else "OK"
    elif rule.missing == "breaching":
        state = "ALARM" if breaching + missing >= rule.datapoints else "OK"
    elif not existing:
        state = None if rule.missing == "ignore" else "INSUFFICIENT_DATA"
    elif breaching >= rule.datapoints:
        state = "ALARM"
    elif breaching == len(existing) and rule.missing == "ignore":
        state = None
    elif breaching == len(existing):  # "Avoiding premature transitions to alarm state"
        age = len(points) - next(place for place, (_, value) in enumerate(points) if value is not None)
        state = "ALARM" if age >= rule.datapoints else "OK"
    else:
        state = "OK"
    return Finding(state, _reason(rule, state, values, missing), values)


def _reason(rule: Rule, state: State | None, values: Sequence[tuple[float, float]], missing: int) -> str:
    """Returns AWS's StateReason."""
    if state == "INSUFFICIENT_DATA":
        return f"Insufficient Data: {_count(rule.periods, 'datapoint')} {_was(rule.periods)} unknown."
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(rule.missing)
    gaps = (
        f"{_count(missing, 'missing datapoint')} {_was(missing)} treated as [{treated}]"
        if missing and treated
        else None
    )
    if not values:
        return f"Threshold Crossed: no datapoints were received for {_count(rule.periods, 'period')} and {gaps}."
    compare, words = _COMPARISONS[rule.comparison]
    deciding = [value for value in values if compare(value[1], rule.threshold) == (state == "ALARM")]
    listed = ", ".join(f"{float(value)} ({_stamp(begin, '%d/%m/%y %H:%M:%S')})" for begin, value in deciding)
    if state == "ALARM":
        needed, change = rule.datapoints, "OK -> ALARM"
    else:
        needed, change = rule.periods - rule.datapoints + 1, "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(deciding)} out of the last {rule.periods} datapoints [{listed}] "
        f"{_was(len(deciding))} {'' if state == 'ALARM' else 'not '}{words} the threshold ({float(rule.threshold)})"
        f"{f' and {gaps}' if gaps else ''} (minimum {_count(needed, 'datapoint')} for {change} transition)."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _stamp(seconds: float, form: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


def _iso(seconds: float) -> str:
    return _stamp(seconds, "%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03d}+0000"


class Book(Protocol):
    """The account's alarms."""

    def rules(self) -> list[Rule]:
        """Returns all metric alarms."""

    def move(self, name: str, state: str, reason: str, data: str) -> None:
        """Changes the state of an alarm, unless it was deleted."""

    def publish(self, topic_arn: str, message: str) -> None:
        """Publishes to an SNS topic."""


class Alarms:
    """Evaluates the alarms of the account, each minute of AWS's, or each 10 seconds for shorter periods.

    Args:
        book: the account's alarms.
        metrics: the metric data that they watch.
        times: returns the times that hold now; the pace divides all periods.
        scale: carries out actions that are scaling policies. It is called at each evaluation with the alarms whose
            state has such an action, and with what the evaluation found.
    """

    def __init__(
        self,
        book: Book,
        metrics: Metrics,
        times: Callable[[], Times],
        scale: Callable[[list[tuple[Rule, Finding]]], None] = lambda _: None,
    ) -> None:
        self._book = book
        self._metrics = metrics
        self._times = times
        self._scale = scale
        self._evaluated: dict[str, float] = {}
        """When each alarm was last evaluated."""
        self._acted: dict[str, str] = {}
        """The state whose actions of each alarm were last carried out."""

    def tick(self, now: float) -> None:
        """Evaluates the alarms that are due, and carries out their actions.

        A state that SetAlarmState set stands until the alarm's next evaluation.
        """
        rules = self._book.rules()
        self._evaluated = {rule.name: self._evaluated.get(rule.name, now) for rule in rules}
        self._acted = {rule.name: self._acted.get(rule.name, rule.state) for rule in rules}
        findings = [(rule, self._evaluate(rule, now)) for rule in rules if self._is_due(rule, now)]
        scaling = []
        for rule, finding in findings:
            self._evaluated[rule.name] = now
            state, reason = rule.state, rule.reason
            if finding.state not in (None, rule.state) and rule.state == self._acted[rule.name]:
                state, reason = str(finding.state), finding.reason
                self._book.move(rule.name, state, reason, _data(rule, finding, now))
            if rule.enabled and state != self._acted[rule.name]:
                self._notify(rule, state, reason, now)
            self._acted[rule.name] = state
            if rule.enabled and any(_POLICY in arn for arn in rule.actions.get(state, ())):
                scaling.append((replace(rule, state=state), finding))
        if scaling:
            self._scale(scaling)

    def _is_due(self, rule: Rule, now: float) -> bool:
        """Returns whether a period of evaluation has ended, or SetAlarmState asks for the actions of another state."""
        if rule.comparison not in _COMPARISONS:
            return False
        return self._end(rule, now) > self._evaluated[rule.name] or rule.state != self._acted[rule.name]

    def _end(self, rule: Rule, now: float) -> float:
        step = (MINUTE if rule.period >= MINUTE else HIGH_RESOLUTION) / self._times().pace
        return now // step * step

    def _evaluate(self, rule: Rule, now: float) -> Finding:
        end, pace = self._end(rule, now), self._times().pace
        period = rule.period / pace
        begins = [end - period * number for number in range(rule.periods + EXTRA_PERIODS, -1, -1)]
        queries = [replace(query, period=query.period / pace) for query in rule.queries]
        try:
            series = answer(self._metrics, queries, begins[0], end, lambda start, _: start)[rule.result_id]
        except AwsError as error:
            log.warning("alarm %s: %s", rule.name, error)
            series = {}
        middles = {begin + period / 2: value for begin, value in series.items()}
        points = [
            (begin, next((value for middle, value in middles.items() if begin <= middle < after), None))
            for begin, after in pairwise(begins)
        ]
        return evaluate(rule, points)

    def _notify(self, rule: Rule, state: str, reason: str, now: float) -> None:
        for arn in rule.actions.get(state, ()):
            if arn.startswith("arn:aws:sns:"):
                try:
                    self._book.publish(arn, _notice(rule, state, reason, now))
                except AwsError as error:
                    log.warning("alarm %s could not publish to %s: %s", rule.name, arn, error)


def _data(rule: Rule, finding: Finding, now: float) -> str:
    """Returns AWS's StateReasonData."""
    values = [value for _, value in finding.values]
    data: dict[str, object] = {"version": "1.0", "queryDate": _iso(now)}
    if finding.values:
        data["startDate"] = _iso(finding.values[-1][0])
    if len(rule.queries) == 1:
        data["statistic"] = rule.queries[0].statistic
    data |= {"period": int(rule.period), "recentDatapoints": values[::-1], "threshold": rule.threshold}
    data["evaluatedDatapoints"] = [{"timestamp": _iso(begin), "value": value} for begin, value in finding.values]
    return json.dumps(data)


def _notice(rule: Rule, state: str, reason: str, now: float) -> str:
    """Returns a notice as CloudWatch sends it to SNS."""
    return json.dumps(
        {
            "AlarmName": rule.name,
            **rule.notice_members,
            "NewStateValue": state,
            "NewStateReason": reason,
            "StateChangeTime": _iso(now),
            "Region": "US East (N. Virginia)",
            "AlarmArn": rule.arn,
            "OldStateValue": rule.state,
        }
    )
