"""Calculates the instance-hours of a day that the bounds of a variant's scaling allow. Pure.

A day is a day of UTC, as AWS bills it. Which bounds hold when is simulated for the year that begins with a given day,
so that days of every kind are among them: weekends, the ends of months, and those on which the clocks change.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import NamedTuple, cast

from sagebridge.endpoint.spec import Autoscaling, Schedule
from sagebridge.schedules import Schedule as Times

_HOURS = 24
_SECONDS_OF_HOUR = 3600.0
_SECONDS_OF_DAY = _HOURS * _SECONDS_OF_HOUR
_DAYS = 366
_MOST_TIMES_A_DAY = 24
"""What is due more often counts as due at any time, which is quicker and as good."""


class HoursRange(NamedTuple):
    """The instance-hours of a day."""

    minimum: float
    maximum: float


class _Bounds(NamedTuple):
    minimum: int
    maximum: int


class _Change(NamedTuple):
    """What a schedule sets; None if it leaves a bound as it is."""

    minimum: int | None
    maximum: int | None


def fixed_hours(instances: int) -> HoursRange:
    """Returns the instance-hours of a day of a variant that does not scale."""
    return HoursRange(float(_HOURS * instances), float(_HOURS * instances))


def scaled_hours(scaling: Autoscaling, today: date) -> HoursRange:
    """Returns the instance-hours of a day that the bounds of a variant's scaling allow.

    The declared bounds hold until the first schedule is due. Schedules that are due at the same moment may come in any
    order, and one whose moments cannot be told may come at any time: both count with all that they allow.

    Args:
        scaling: The bounds and the schedules, of which every value is known.
        today: The first day of the year that is simulated.
    """
    start = datetime.combine(today, time(), UTC).timestamp()
    midnights = [start + day * _SECONDS_OF_DAY for day in range(_DAYS + 1)]
    changes: dict[float, list[_Change]] = {}
    changes_at_any_time: list[_Change] = []
    for schedule in scaling.schedules.values():
        change = _Change(cast("int | None", schedule.min_capacity), cast("int | None", schedule.max_capacity))
        moments = _moments(schedule, start, midnights[-1])
        if moments is None:
            changes_at_any_time.append(change)
        for moment in moments or ():
            changes.setdefault(moment, []).append(change)
    least, most = [0.0] * _DAYS, [0.0] * _DAYS
    bounds = _Bounds(cast("int", scaling.min_capacity), cast("int", scaling.max_capacity))
    for since, until in pairwise(sorted({*midnights, *changes})):
        bounds = _changed(bounds, changes.get(since, ()))
        day, hours = int((since - start) // _SECONDS_OF_DAY), (until - since) / _SECONDS_OF_HOUR
        allowed = _allowed(bounds, changes_at_any_time)
        least[day] += allowed.minimum * hours
        most[day] += allowed.maximum * hours
    return HoursRange(round(min(least), 2), round(max(most), 2))


def total(ranges: Iterable[HoursRange]) -> HoursRange:
    """Returns the instance-hours of several variants together."""
    listed = list(ranges)
    return HoursRange(sum(hours.minimum for hours in listed), sum(hours.maximum for hours in listed))


def _moments(schedule: Schedule, start: float, end: float) -> list[float] | None:
    """Returns when a schedule is due, what is past being due at the start; None if that cannot be told."""
    try:
        times = Times(cast("str", schedule.schedule), cast("str", schedule.timezone))
    except ValueError:  # such as the `W` and `#` of cron, which are not read here
        return None
    if times.times_a_day > _MOST_TIMES_A_DAY:
        return None
    if times.moment is not None:
        return [max(times.moment, start)] if times.moment < end else []
    return times.moments(start, end)


def _changed(bounds: _Bounds, changes: Sequence[_Change]) -> _Bounds:
    """Returns the bounds after changes that are made at the same moment, in whichever order."""
    minima = [change.minimum for change in changes if change.minimum is not None]
    maxima = [change.maximum for change in changes if change.maximum is not None]
    return _Bounds(min(minima, default=bounds.minimum), max(maxima, default=bounds.maximum))


def _allowed(bounds: _Bounds, changes_at_any_time: Sequence[_Change]) -> _Bounds:
    """Returns the bounds with changes that may have been made or not.

    A schedule may set a minimum above the maximum that holds; AWS does not say which of them gives way.
    """
    minima = [change.minimum for change in changes_at_any_time if change.minimum is not None]
    maxima = [change.maximum for change in changes_at_any_time if change.maximum is not None]
    return _Bounds(min(*bounds, *minima, *maxima), max(*bounds, *minima, *maxima))
