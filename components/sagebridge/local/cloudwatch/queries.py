"""Queries of metric data: metrics by statistic and period, and metric math over them.

Of metric math, this knows numbers, other queries by id, `+ - * / ^`, comparisons, `&&` and `||`, `METRICS()`, `FILL`
with a number or REPEAT, `IF`, `ABS`, `CEIL`, `FLOOR`, and `SUM`, `AVG`, `MIN` and `MAX`, of one series over time or
of a list of series for each time. Source: "Using math expressions with CloudWatch metrics", CloudWatch's user guide.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile

from sagebridge.local.cloudwatch.metrics import Metric, Metrics
from sagebridge.local.shapes import AwsError

Series = Mapping[float, float]
"""Values by time, oldest first."""
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
    ast.And: lambda left, right: float(bool(left and right)),
    ast.Or: lambda left, right: float(bool(left or right)),
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
    """One query of a set."""

    id: str
    """The name of the query in the set."""
    expression: str | None = None
    """Metric math; None for a metric."""
    metric: Metric | None = None
    """The metric; None for an expression."""
    statistic: str = "Average"
    """Such as `Sum` or `p99`."""
    period: float = 60.0
    """The seconds of a period."""
    any_unit: bool = True
    """Whether data of all units is taken, instead of only the metric's unit."""
    returned: bool = True
    """Whether the caller gets the result."""
    label: str | None = None
    """The user's name for the result."""


def first_period(start: float, period: float) -> float:
    """Returns when the first period begins: at the start, rounded down to the minute, or to a shorter period.

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
    """Answers a set of queries.

    Args:
        metrics: the metric data.
        queries: the queries, with unique ids.
        start: the start of the data, in seconds since the epoch.
        end: the time from which on data is not included.
        first: returns the time at which the first period begins, from the start and the period.

    Raises:
        AwsError: `ValidationError` for an expression that is not understood.
    """
    named = {query.id: query for query in queries}
    results: dict[str, Series] = {}
    ids = [query.id for query in queries if query.metric]
    period = min((query.period for query in queries if query.metric), default=60.0)
    begin = first(start, period)
    times = list(takewhile(lambda time: time < end, (begin + number * period for number in count())))

    def resolve(name: str, above: tuple[str, ...] = ()) -> Series:
        if name in above or name not in named:
            raise _wrong(above[-1], f"it refers to {name}, {'itself' if name in above else 'which does not exist'}")
        if name not in results:
            query = named[name]
            if query.expression is not None:
                results[name] = _calculate(query, lambda inner: resolve(inner, (*above, name)), ids, times)
            else:
                results[name] = _measure(metrics, query, first(start, query.period), end)
        return results[name]

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
    for operator_in_aws, operator_in_python in {"&&": " and ", "||": " or ", "^": "**"}.items():
        text = text.replace(operator_in_aws, operator_in_python)
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
        resolve: returns the series of an id.
        metrics: the ids of all metrics.
        times: the beginnings of all periods.
    """

    def __init__(self, resolve: Callable[[str], Series], metrics: Sequence[str], times: Sequence[float]) -> None:
        self._resolve = resolve
        self._metrics = metrics
        self._times = times

    def value(self, node: ast.AST) -> _Operand:  # noqa: PLR0911 - a return for each form
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
            case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
                return _combine(_OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.BoolOp(op=op, values=[first, *others]):
                result = self.value(first)
                for other in others:
                    result = _combine(_OPERATORS[type(op)], result, self.value(other))
                return result
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name.upper(), arguments)
        raise ValueError("a part of it is not known here")

    def _call(self, name: str, arguments: list[ast.expr]) -> _Operand:  # noqa: PLR0911 - a return for each function
        match name, arguments:
            case "METRICS", []:
                return [self._resolve(metric_id) for metric_id in self._metrics]
            case "FILL", [series, ast.Name(id="REPEAT")]:
                return self._repeated(self._series(series))
            case "FILL", [series, filling]:
                with_gaps, filler = self._series(series), self.value(filling)
                return {time: with_gaps.get(time, _value(filler, time)) for time in self._times}
            case "IF", [condition, yes, *rest]:
                chosen = self._series(condition)
                then, otherwise = self.value(yes), [self.value(argument) for argument in rest]
                pairs = {time: then if is_true else (otherwise or [{}])[0] for time, is_true in chosen.items()}
                return {time: _value(operand, time) for time, operand in pairs.items() if _has(operand, time)}
            case _, [operand] if name in _EACH:
                function = _EACH[name]
                return _combine(lambda number, _: function(number), self.value(operand), 0.0)
            case _, [operand] if name in _OVER:
                values = self.value(operand)
                if isinstance(values, list):
                    times = sorted({time for series in values for time in series})
                    return {time: _OVER[name]([series[time] for series in values if time in series]) for time in times}
                if isinstance(values, Mapping):
                    return _OVER[name](list(values.values())) if values else {}
        raise ValueError(f"{name} of {len(arguments)} is not known here")

    def _series(self, node: ast.AST) -> Series:
        operand = self.value(node)
        if isinstance(operand, list):
            raise TypeError("a list of series stands where one series is meant")
        return operand if isinstance(operand, Mapping) else dict.fromkeys(self._times, operand)

    def _repeated(self, series: Series) -> Series:
        filled: dict[float, float] = {}
        for time in self._times:
            if time in series or filled:
                filled[time] = series[time] if time in series else list(filled.values())[-1]
        return filled


def _combine(function: Callable[[float, float], float], left: _Operand, right: _Operand) -> _Operand:
    """Combines two operands time by time; a time that only one of two series has is left out."""
    if isinstance(left, list):
        return [_combine(function, series, right) for series in left]  # type: ignore[misc] # right is no list
    if isinstance(right, list):
        return [_combine(function, left, series) for series in right]  # type: ignore[misc] # left is no list
    series = left if isinstance(left, Mapping) else right
    if not isinstance(series, Mapping):
        return _result(function, left, right) or 0.0  # type: ignore[arg-type] # both are numbers
    times = [time for time in series if _has(left, time) and _has(right, time)]
    results = {time: _result(function, _value(left, time), _value(right, time)) for time in times}
    return {time: value for time, value in results.items() if value is not None}


def _result(function: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        return float(function(left, right))
    except ZeroDivisionError:  # AWS: no data point
        return None


def _value(operand: _Operand, time: float) -> float:
    return operand[time] if isinstance(operand, Mapping) else float(operand)  # type: ignore[arg-type] # no list


def _has(operand: _Operand, time: float) -> bool:
    return time in operand if isinstance(operand, Mapping) else not isinstance(operand, list)


def _wrong(name: str, why: str) -> AwsError:
    return AwsError("ValidationError", f"Error in expression '{name}': {why}")
