"""Alarms: their states as CloudWatch finds them, and what follows from a state.

Source: CloudWatch's user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

from __future__ import annotations

import json
import logging
import operator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Protocol

from sagebridge.local.cloudwatch.queries import Query, answer
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sagebridge.local.cloudwatch.metrics import Metrics
    from sagebridge.local.times import Times

log = logging.getLogger(__name__)
State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

EXTRA = 2  # periods that are looked at beyond EvaluationPeriods, as in the tables of the user guide
MINUTE, HIGH_RESOLUTION = 60.0, 10.0  # seconds between evaluations, the second for periods below a minute
_POLICY = ":scalingPolicy:"  # in the ARN of a scaling policy
_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Rule:
    """A metric alarm.

    Attributes:
        name: its name.
        arn: its ARN.
        queries: what it watches; the one that is returned is compared.
        comparison: AWS's ComparisonOperator; one of anomaly detection is never evaluated.
        threshold: what is compared with.
        periods: EvaluationPeriods.
        datapoints: DatapointsToAlarm.
        missing: TreatMissingData.
        enabled: whether its actions are carried out.
        actions: ARNs by state.
        state: as it is now.
        reason: why it is so.
        told: what notices say of it besides, by their members' names.
    """

    name: str
    arn: str
    queries: tuple[Query, ...]
    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str
    enabled: bool
    actions: dict[str, tuple[str, ...]]
    state: str
    reason: str
    told: dict[str, object]

    @property
    def period(self) -> float:
        """Seconds of one period."""
        return max(query.period for query in self.queries)

    @property
    def watched(self) -> str:
        """The id of the query whose result is compared."""
        return next(query.id for query in self.queries if query.returned)


@dataclass(frozen=True)
class Finding:
    """What an evaluation came to.

    Attributes:
        state: the alarm's, None when it stays as it is.
        reason: AWS's StateReason.
        values: the data points that were there, newest first, with their times.
    """

    state: State | None
    reason: str
    values: tuple[tuple[float, float], ...]


def evaluate(rule: Rule, points: Sequence[tuple[float, float | None]]) -> Finding:
    """Find the state of an alarm.

    Args:
        rule: the alarm.
        points: the periods of the evaluation range, oldest first, by their beginnings; None without data.
    """
    compare, _ = _COMPARISONS[rule.comparison]
    real = [(begin, value) for begin, value in points if value is not None][-rule.periods :]
    values = tuple(reversed(real))
    breaching = sum(compare(value, rule.threshold) for _, value in real)
    filled = rule.periods - len(real)
    if filled == 0 or rule.missing == "notBreaching":
        state: State | None = "ALARM" if breaching >= rule.datapoints else "OK"
    elif rule.missing == "breaching":
        state = "ALARM" if breaching + filled >= rule.datapoints else "OK"
    elif not real:
        state = None if rule.missing == "ignore" else "INSUFFICIENT_DATA"
    elif breaching >= rule.datapoints:
        state = "ALARM"
    elif breaching == len(real) and rule.missing == "ignore":
        state = None
    elif breaching == len(real):  # "Avoiding premature transitions to alarm state"
        age = len(points) - next(place for place, (_, value) in enumerate(points) if value is not None)
        state = "ALARM" if age >= rule.datapoints else "OK"
    else:
        state = "OK"
    return Finding(state, _reason(rule, state, values, filled), values)


def _reason(rule: Rule, state: State | None, values: Sequence[tuple[float, float]], filled: int) -> str:
    """Say why, in AWS's words."""
    if state == "INSUFFICIENT_DATA":
        return f"Insufficient Data: {_count(rule.periods, 'datapoint')} {_was(rule.periods)} unknown."
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(rule.missing)
    gaps = (
        f"{_count(filled, 'missing datapoint')} {_was(filled)} treated as [{treated}]" if filled and treated else None
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
    """Where the alarms are kept."""

    def rules(self) -> list[Rule]:
        """Give all metric alarms."""

    def move(self, name: str, state: str, reason: str, data: str) -> None:
        """Change the state of an alarm, unless it is gone."""

    def publish(self, topic_arn: str, message: str) -> None:
        """Publish to an SNS topic."""


class Alarms:
    """Evaluates the alarms of the account, each minute of AWS's, or each 10 seconds for shorter periods.

    Args:
        book: the alarms.
        metrics: what they watch.
        times: its pace divides all periods.
        scale: carries out actions that are scaling policies; called with the alarms in a state with such an
            action, at each of their evaluations, and the values that they were found by.
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
        self._evaluated: dict[str, float] = {}  # until when
        self._acted: dict[str, str] = {}  # upon which state

    def tick(self, now: float) -> None:
        """Evaluate the alarms that are due, and carry out their actions.

        A state that SetAlarmState set stands until the alarm's next evaluation.
        """
        rules = self._book.rules()
        self._evaluated = {rule.name: self._evaluated.get(rule.name, now) for rule in rules}
        self._acted = {rule.name: self._acted.get(rule.name, rule.state) for rule in rules}
        found = [(rule, self._find(rule, now)) for rule in rules if self._is_due(rule, now)]
        asking = []
        for rule, finding in found:
            self._evaluated[rule.name] = now
            state, reason = rule.state, rule.reason
            if finding.state not in (None, rule.state) and rule.state == self._acted[rule.name]:
                state, reason = str(finding.state), finding.reason
                self._book.move(rule.name, state, reason, _data(rule, finding, now))
            if rule.enabled and state != self._acted[rule.name]:
                self._notify(rule, state, reason, now)
            self._acted[rule.name] = state
            if rule.enabled and any(_POLICY in arn for arn in rule.actions.get(state, ())):
                asking.append((replace(rule, state=state), finding))
        if asking:
            self._scale(asking)

    def _is_due(self, rule: Rule, now: float) -> bool:
        """Tell whether a period of evaluation has ended, or SetAlarmState asks for the actions of another state."""
        if rule.comparison not in _COMPARISONS:
            return False
        return self._end(rule, now) > self._evaluated[rule.name] or rule.state != self._acted[rule.name]

    def _end(self, rule: Rule, now: float) -> float:
        step = (MINUTE if rule.period >= MINUTE else HIGH_RESOLUTION) / self._times().pace
        return now // step * step

    def _find(self, rule: Rule, now: float) -> Finding:
        end, pace = self._end(rule, now), self._times().pace
        period = rule.period / pace
        begins = [end - period * number for number in range(rule.periods + EXTRA, -1, -1)]
        quick = [replace(query, period=query.period / pace) for query in rule.queries]
        try:
            series = answer(self._metrics, quick, begins[0], end, lambda start, _: start)[rule.watched]
        except AwsError as error:
            log.warning("alarm %s: %s", rule.name, error)
            series = {}
        middles = {at + period / 2: value for at, value in series.items()}
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
    """Give AWS's StateReasonData."""
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
    """Word a notice as CloudWatch sends it to SNS."""
    return json.dumps(
        {
            "AlarmName": rule.name,
            **rule.told,
            "NewStateValue": state,
            "NewStateReason": reason,
            "StateChangeTime": _iso(now),
            "Region": "US East (N. Virginia)",
            "AlarmArn": rule.arn,
            "OldStateValue": rule.state,
        }
    )
