"""Queries of metric data: metrics by statistic and period, and metric math over them.

Of metric math there are numbers, other queries by id, `+ - * / ^`, comparisons, `&&` and `||`, `METRICS()`, `FILL`
with a number or REPEAT, `IF`, `ABS`, `CEIL`, `FLOOR`, and `SUM`, `AVG`, `MIN` and `MAX`, of one series over time or
of a list of series for each time. Source: "Using math expressions with CloudWatch metrics", CloudWatch's user guide.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from sagebridge.local.cloudwatch.metrics import Metric, Metrics

Series = Mapping[float, float]  # values by time, oldest first
_Operand = float | Series | list[Series]

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda one, other: float(bool(one and other)),
    ast.Or: lambda one, other: float(bool(one or other)),
}
_OVER: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": math.fsum,
    "AVG": lambda values: math.fsum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_EACH: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


@dataclass(frozen=True)
class Query:
    """One query of a set.

    Attributes:
        id: its name in the set.
        expression: metric math; None for a metric.
        metric: None for an expression.
        statistic: such as `Sum` or `p99`.
        period: seconds.
        any_unit: whether data of all units is taken, rather than of the metric's only.
        returned: whether it is a result.
        label: what the user calls it.
    """

    id: str
    expression: str | None = None
    metric: Metric | None = None
    statistic: str = "Average"
    period: float = 60.0
    any_unit: bool = True
    returned: bool = True
    label: str | None = None


def first_period(start: float, period: float) -> float:
    """Give the time at which the first period begins: rounded down to the minute, or to a shorter period.

    Source: `StartTime` of GetMetricStatistics and GetMetricData.
    """
    step = min(period, 60.0)
    return math.floor(start / step) * step


def answer(
    metrics: Metrics,
    queries: Sequence[Query],
    start: float,
    end: float,
    first: Callable[[float, float], float] = first_period,
) -> dict[str, Series]:
    """Answer a set of queries.

    Args:
        metrics: the data.
        queries: with ids that are unique.
        start: in seconds since the epoch.
        end: nothing from here on is looked at.
        first: gives the time at which the first period begins, from the start and the period.

    Raises:
        AwsError: `ValidationError` for an expression that is not understood.
    """
    named = {query.id: query for query in queries}
    known: dict[str, Series] = {}
    ids = [query.id for query in queries if query.metric]
    period = min((query.period for query in queries if query.metric), default=60.0)
    begin = first(start, period)
    times = list(takewhile(lambda time: time < end, (begin + number * period for number in count())))

    def resolve(name: str, above: tuple[str, ...] = ()) -> Series:
        if name in above or name not in named:
            raise _wrong(above[-1], f"it refers to {name}, {'itself' if name in above else 'which there is not'}")
        if name not in known:
            query = named[name]
            if query.expression is not None:
                known[name] = _calculate(query, lambda inner: resolve(inner, (*above, name)), ids, times)
            else:
                known[name] = _measure(metrics, query, first(start, query.period), end)
        return known[name]

    return {query.id: resolve(query.id) for query in queries}


def _measure(metrics: Metrics, query: Query, begin: float, end: float) -> Series:
    assert query.metric is not None  # noqa: S101 - a query has a metric or an expression
    points = metrics.points(query.metric, begin, end, query.period, any_unit=query.any_unit)
    values = {time: point.statistic(query.statistic) for time, point in points.items()}
    return {time: value for time, value in values.items() if value is not None}


def _calculate(
    query: Query, resolve: Callable[[str], Series], metrics: Sequence[str], times: Sequence[float]
) -> Series:
    text = re.sub(r"(?<![<>=!])=(?!=)", "==", query.expression or "")
    for theirs, ours in {"&&": " and ", "||": " or ", "^": "**"}.items():
        text = text.replace(theirs, ours)
    try:
        result = _Math(resolve, metrics, times).value(ast.parse(text, mode="eval"))
    except (SyntaxError, TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise _wrong(query.id, str(error)) from error
    if isinstance(result, list):
        raise _wrong(query.id, "it gives several series")
    return result if isinstance(result, Mapping) else dict.fromkeys(times, result)


class _Math:
    """Calculates one expression.

    Args:
        resolve: gives the series of an id.
        metrics: the ids of all metrics.
        times: when all periods begin.
    """

    def __init__(self, resolve: Callable[[str], Series], metrics: Sequence[str], times: Sequence[float]) -> None:
        self._resolve = resolve
        self._metrics = metrics
        self._times = times

    def value(self, node: ast.AST) -> _Operand:  # noqa: PLR0911 - one for each form
        match node:
            case ast.Expression(body=body):
                return self.value(body)
            case ast.Constant(value=bool() | int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self._resolve(name)
            case ast.List(elts=items):
                return [self._series(item) for item in items]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _combine(operator.sub, 0.0, self.value(operand))
            case ast.BinOp(left=left, op=how, right=right) | ast.Compare(left=left, ops=[how], comparators=[right]):
                return _combine(_OPERATORS[type(how)], self.value(left), self.value(right))
            case ast.BoolOp(op=how, values=[first, *others]):
                result = self.value(first)
                for other in others:
                    result = _combine(_OPERATORS[type(how)], result, self.value(other))
                return result
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name.upper(), arguments)
        raise ValueError("a part of it is not known here")

    def _call(self, name: str, arguments: list[ast.expr]) -> _Operand:  # noqa: PLR0911 - one for each function
        match name, arguments:
            case "METRICS", []:
                return [self._resolve(each) for each in self._metrics]
            case "FILL", [series, ast.Name(id="REPEAT")]:
                return self._repeated(self._series(series))
            case "FILL", [series, filling]:
                with_gaps, filler = self._series(series), self.value(filling)
                return {time: with_gaps.get(time, _at(filler, time)) for time in self._times}
            case "IF", [condition, yes, *rest]:
                chosen = self._series(condition)
                then, otherwise = self.value(yes), [self.value(each) for each in rest]
                pairs = {time: then if held else (otherwise or [{}])[0] for time, held in chosen.items()}
                return {time: _at(operand, time) for time, operand in pairs.items() if _has(operand, time)}
            case _, [operand] if name in _EACH:
                function = _EACH[name]
                return _combine(lambda one, _: function(one), self.value(operand), 0.0)
            case _, [operand] if name in _OVER:
                values = self.value(operand)
                if isinstance(values, list):
                    times = sorted({time for series in values for time in series})
                    return {time: _OVER[name]([each[time] for each in values if time in each]) for time in times}
                if isinstance(values, Mapping):
                    return _OVER[name](list(values.values())) if values else {}
        raise ValueError(f"{name} of {len(arguments)} is not known here")

    def _series(self, node: ast.AST) -> Series:
        found = self.value(node)
        if isinstance(found, list):
            raise TypeError("a list of series stands where one series is meant")
        return found if isinstance(found, Mapping) else dict.fromkeys(self._times, found)

    def _repeated(self, series: Series) -> Series:
        filled: dict[float, float] = {}
        for time in self._times:
            if time in series or filled:
                filled[time] = series[time] if time in series else list(filled.values())[-1]
        return filled


def _combine(how: Callable[[float, float], float], one: _Operand, other: _Operand) -> _Operand:
    """Combine two operands time by time; of times that only one of two series has, nothing comes."""
    if isinstance(one, list) or isinstance(other, list):
        pairs: list[Any] = one if isinstance(one, list) else list(other)  # type: ignore[arg-type] # one of them is
        mine = isinstance(one, list)
        return [_combine(how, each, other) if mine else _combine(how, one, each) for each in pairs]  # type: ignore[misc]
    if not isinstance(one, Mapping) and not isinstance(other, Mapping):
        return _result(how, one, other) or 0.0
    times = [time for time in (one if isinstance(one, Mapping) else other) if _has(one, time) and _has(other, time)]  # type: ignore[union-attr]
    results = {time: _result(how, _at(one, time), _at(other, time)) for time in times}
    return {time: value for time, value in results.items() if value is not None}


def _result(how: Callable[[float, float], float], one: float, other: float) -> float | None:
    try:
        return float(how(one, other))
    except ZeroDivisionError:  # AWS: no data point
        return None


def _at(operand: _Operand, time: float) -> float:
    return operand[time] if isinstance(operand, Mapping) else float(operand)  # type: ignore[arg-type] # no list


def _has(operand: _Operand, time: float) -> bool:
    return time in operand if isinstance(operand, Mapping) else not isinstance(operand, list)


def _wrong(name: str, why: str) -> AwsError:
    return AwsError("ValidationError", f"Error in expression '{name}': {why}")
