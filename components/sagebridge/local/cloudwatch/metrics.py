"""Metric data: what CloudWatch keeps of data points, and their statistics.

Data points are merged as they come, into one point a second. A point keeps the count, the sum, the least and the
greatest value, and for percentiles the values to four significant digits. After five minutes, points are merged into
minutes with values to three digits; after three hours they are dropped (AWS: three hours and 15 days). So the size of
a metric does not grow with the traffic.

On disk is a journal with one JSON line a point. A line that the end of the process cut short is not read.
"""

import bisect
import contextlib
import json
import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from threading import RLock
from typing import NamedTuple, Self

from sagebridge.files import write_file

FINE_SECONDS = 300.0
"""How long points are kept as they came."""
KEPT_SECONDS = 3 * 3600.0
"""How long points are kept at all."""
MINUTE = 60.0
_DIGITS, _COARSE_DIGITS = 4, 3
"""Significant digits of the values for percentiles: of new points, and of those merged into minutes."""
_TIME = attrgetter("time")
_SPARE = 10_000
"""Lines of the journal that may be out of date before it is written anew."""


class Metric(NamedTuple):
    """The identity of a metric, and a unit of its data points."""

    namespace: str
    """Such as `AWS/SageMaker`."""
    name: str
    """Such as `Invocations`."""
    dimensions: tuple[tuple[str, str], ...]
    """Names and values, sorted."""
    unit: str
    """Such as `Count`; the word `None` for no unit."""


def metric(namespace: str, name: str, dimensions: Mapping[str, str], unit: str = "None") -> Metric:
    """Returns the identity of a metric."""
    return Metric(namespace, name, tuple(sorted(dimensions.items())), unit)


@dataclass
class Point:
    """The data points of a span of time, merged."""

    time: float
    """When the span begins, in seconds since the epoch."""
    count: float = 0.0
    """The number of data points: AWS's SampleCount."""
    total: float = 0.0
    """The sum of the data points."""
    least: float = math.inf
    """The least data point."""
    most: float = -math.inf
    """The greatest data point."""
    values: dict[float, float] = field(default_factory=dict)
    """How often each value came; empty if statistics were put in place of values."""

    def add(self, other: Self) -> None:
        """Merges another point into this one."""
        if bool(self.values) != bool(other.values) and self.count:
            self.values = {}  # some of the values are not known, so percentiles are not known either
        else:
            for value, count in other.values.items():
                self.values[value] = self.values.get(value, 0.0) + count
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def statistic(self, name: str) -> float | None:
        """Returns a statistic, or None for a percentile that is not known, and for an unknown name.

        Args:
            name: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as `p99.9`.
        """
        match name:
            case "Sum":
                return self.total
            case "Average":
                return self.total / self.count
            case "Minimum":
                return self.least
            case "Maximum":
                return self.most
            case "SampleCount":
                return self.count
        return self._percentile(float(name[1:])) if name.startswith("p") and name[1:2].isdigit() else None

    def _percentile(self, percent: float) -> float | None:
        rest = sum(self.values.values()) * percent / 100
        for value in sorted(self.values):
            rest -= self.values[value]
            if rest <= 0:
                return min(max(value, self.least), self.most)
        return max(self.values, default=None)


def point(when: float, value: float, count: float = 1.0) -> Point:
    """Returns a point for a value that came a number of times."""
    return Point(when, count, value * count, value, value, {_rounded(value, _DIGITS): count})


class Metrics:
    """The metric data of the account.

    Args:
        file: the journal; it need not exist.
        resolution: returns the seconds of a point; called at each flush.
    """

    def __init__(self, file: Path, resolution: Callable[[], float] = lambda: 1.0) -> None:
        self._file = file
        self._resolution = resolution
        self._lock = RLock()
        self._new: deque[tuple[Metric, Point]] = deque()
        self._series: dict[Metric, list[Point]] = {}
        self._units: defaultdict[tuple[object, ...], set[str]] = defaultdict(set)
        self._lines = 0
        self._read()

    def add(self, metric: Metric, point: Point) -> None:
        """Adds a data point. This is quick, and not yet on disk."""
        self._new.append((metric, point))

    def flush(self) -> None:
        """Merges what was added; it is on disk when this returns."""
        step = self._resolution()
        with self._lock:
            merged: dict[tuple[Metric, float], Point] = {}
            with contextlib.suppress(IndexError):
                while True:
                    metric, point = self._new.popleft()
                    start = math.floor(point.time / step) * step
                    merged.setdefault((metric, start), Point(start)).add(point)
            if merged:
                for (metric, _), point in merged.items():
                    self._insert(metric, point)
                self._append([_line(metric, point) for (metric, _), point in merged.items()])

    def prune(self, now: float) -> None:
        """Merges what is older than `FINE_SECONDS` into minutes, and drops what is older than `KEPT_SECONDS`."""
        with self._lock:
            for metric, points in list(self._series.items()):
                fine = bisect.bisect_left(points, now - FINE_SECONDS, key=_TIME)
                minutes = [minute for minute in _minutes(points[:fine]) if minute.time > now - KEPT_SECONDS]
                if minutes or points[fine:]:
                    self._series[metric] = minutes + points[fine:]
                else:
                    del self._series[metric]
                    self._units[metric[:3]].discard(metric.unit)
            if self._lines > _SPARE + 2 * sum(map(len, self._series.values())):
                self._rewrite()

    def names(self) -> list[Metric]:
        """Returns the metrics that have data."""
        self.flush()
        with self._lock:
            return list(self._series)

    def points(
        self,
        metric: Metric,
        start: float,
        end: float,
        period: float,
        *,
        any_unit: bool = True,
    ) -> dict[float, Point]:
        """Merges the data of a metric into periods.

        Args:
            metric: the metric, with all of its dimensions.
            start: the start of the first period, in seconds since the epoch.
            end: the time from which on data is not included.
            period: the seconds of a period.
            any_unit: whether data of all units is merged, instead of only the metric's unit.

        Returns:
            Points by the times at which their periods begin, oldest first; a period without data has none.
        """
        self.flush()
        periods: dict[float, Point] = {}
        with self._lock:
            for unit in self._units.get(metric[:3], ()) if any_unit else [metric.unit]:
                points = self._series.get(metric._replace(unit=unit), [])
                first = bisect.bisect_left(points, start, key=_TIME)
                last = bisect.bisect_left(points, end, key=_TIME)
                for point in points[first:last]:
                    begin = start + (point.time - start) // period * period
                    periods.setdefault(begin, Point(begin)).add(point)
        return dict(sorted(periods.items()))

    def _insert(self, metric: Metric, point: Point) -> None:
        points = self._series.setdefault(metric, [])
        self._units[metric[:3]].add(metric.unit)
        place = bisect.bisect_left(points, point.time, key=_TIME)
        if place < len(points) and points[place].time == point.time:
            points[place].add(point)
        else:
            points.insert(place, point)

    def _append(self, lines: list[str]) -> None:
        self._lines += len(lines)
        with self._file.open("a") as file:
            file.writelines(lines)

    def _rewrite(self) -> None:
        lines = [_line(metric, point) for metric, points in self._series.items() for point in points]
        write_file(self._file, "".join(lines).encode())
        self._lines = len(lines)

    def _read(self) -> None:
        if not self._file.exists():
            return
        for line in self._file.read_text().splitlines():
            with contextlib.suppress(ValueError):  # a line that was cut short
                namespace, name, dimensions, unit, start, count, total, least, most, values = json.loads(line)
                metric = Metric(namespace, name, tuple((key, value) for key, value in dimensions), unit)
                self._insert(metric, Point(start, count, total, least, most, dict(values)))
        self.prune(time.time())
        self._rewrite()


def _line(metric: Metric, point: Point) -> str:
    numbers = [point.time, point.count, point.total, point.least, point.most, list(point.values.items())]
    return json.dumps([*metric, *numbers]) + "\n"


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _minutes(points: Iterable[Point]) -> list[Point]:
    """Merges points, oldest first, into minutes."""
    merged: dict[float, Point] = {}
    for point in points:
        start = point.time // MINUTE * MINUTE
        values: dict[float, float] = defaultdict(float)
        for value, count in point.values.items():
            values[_rounded(value, _COARSE_DIGITS)] += count
        merged.setdefault(start, Point(start)).add(replace(point, values=values))
    return list(merged.values())
