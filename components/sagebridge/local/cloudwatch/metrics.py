"""Metric data: what CloudWatch keeps of data points, and the statistics that it gives of them.

Data points are merged as they come into one point a second, of which the count, sum, least, greatest and, for
percentiles, the values to four significant digits are kept. After five minutes they are merged into minutes with
values to three digits, after three hours dropped (AWS: three hours and 15 days); so what a metric takes does not
grow with the traffic.

On disk is a journal, one JSON line a point. A line that the end of the process cut short is not read.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from operator import attrgetter
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from sagebridge.files import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

FINE = 300.0  # seconds that points are kept as they came
KEPT = 3 * 3600.0  # seconds that they are kept at all
MINUTE = 60.0
_DIGITS, _COARSE_DIGITS = 4, 3  # of a value, for percentiles
_TIME = attrgetter("time")
_SPARE = 10_000  # lines of the journal that may be out of date before it is written anew


class Metric(NamedTuple):
    """What a data point is of.

    Attributes:
        namespace: such as `AWS/SageMaker`.
        name: such as `Invocations`.
        dimensions: names and values, sorted.
        unit: such as `Count`; `None` (the word) for none.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str


def metric(namespace: str, name: str, dimensions: Mapping[str, str], unit: str = "None") -> Metric:
    """Name a metric."""
    return Metric(namespace, name, tuple(sorted(dimensions.items())), unit)


@dataclass
class Point:
    """The data points of a span of time, as one.

    Attributes:
        time: when the span begins, in seconds since the epoch.
        count: how many there are; AWS's SampleCount.
        total: their sum.
        least: the least of them.
        most: the greatest.
        values: how often each value came; empty for statistics put in place of values.
    """

    time: float
    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    values: dict[float, float] = field(default_factory=dict)

    def add(self, other: Point) -> None:
        """Merge another point into this one."""
        if bool(self.values) != bool(other.values) and self.count:
            self.values = {}  # of some of them the values are not known, so no percentile is
        else:
            for value, count in other.values.items():
                self.values[value] = self.values.get(value, 0.0) + count
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def statistic(self, name: str) -> float | None:
        """Give a statistic: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as `p99.9`.

        Returns:
            None for a percentile that is not known, and for other names.
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
        wanted = sum(self.values.values()) * percent / 100
        for value in sorted(self.values):
            wanted -= self.values[value]
            if wanted <= 0:
                return min(max(value, self.least), self.most)
        return max(self.values, default=None)


def point(when: float, value: float, count: float = 1.0) -> Point:
    """Make a point of a value that came a number of times."""
    return Point(when, count, value * count, value, value, {_rounded(value, _DIGITS): count})


class Metrics:
    """The metric data of the account.

    Args:
        file: the journal; it need not exist.
        resolution: seconds of one point, asked at each flush.
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
        """Take a data point; quick, and not yet on disk."""
        self._new.append((metric, point))

    def flush(self) -> None:
        """Merge and keep what was added; it is on disk when this returns."""
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
        """Merge what is older than `FINE` into minutes, and drop what is older than `KEPT`."""
        with self._lock:
            for metric, points in list(self._series.items()):
                fine = bisect.bisect_left(points, now - FINE, key=_TIME)
                kept = [old for old in _minutes(points[:fine]) if old.time > now - KEPT] + points[fine:]
                if kept:
                    self._series[metric] = kept
                else:
                    del self._series[metric]
                    self._units[metric[:3]].discard(metric.unit)
            if self._lines > _SPARE + 2 * sum(map(len, self._series.values())):
                self._rewrite()

    def names(self) -> list[Metric]:
        """Give the metrics that have data."""
        self.flush()
        with self._lock:
            return list(self._series)

    def points(
        self,
        wanted: Metric,
        start: float,
        end: float,
        period: float,
        *,
        any_unit: bool = True,
    ) -> dict[float, Point]:
        """Merge a metric's data into periods.

        Args:
            wanted: the metric, with all of its dimensions.
            start: of the first period, in seconds since the epoch.
            end: nothing from here on is looked at.
            period: seconds.
            any_unit: whether data of all units is merged, rather than of the metric's own only.

        Returns:
            Points by the time at which their periods begin, oldest first; none for a period without data.
        """
        self.flush()
        found: dict[float, Point] = {}
        with self._lock:
            for unit in self._units.get(wanted[:3], ()) if any_unit else [wanted.unit]:
                points = self._series.get(wanted._replace(unit=unit), [])
                first = bisect.bisect_left(points, start, key=_TIME)
                last = bisect.bisect_left(points, end, key=_TIME)
                for each in points[first:last]:
                    begin = start + (each.time - start) // period * period
                    found.setdefault(begin, Point(begin)).add(each)
        return dict(sorted(found.items()))

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
            with contextlib.suppress(ValueError):  # one that was cut short
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
    """Merge points, oldest first, into minutes."""
    merged: dict[float, Point] = {}
    for each in points:
        start = each.time // MINUTE * MINUTE
        values: dict[float, float] = defaultdict(float)
        for value, count in each.values.items():
            values[_rounded(value, _COARSE_DIGITS)] += count
        merged.setdefault(start, Point(start)).add(replace(each, values=values))
    return list(merged.values())
