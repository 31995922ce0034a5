"""Schedules of actions: `at(…)`, `rate(…)` and `cron(…)`, as Application Auto Scaling and EventBridge write them.

Of cron's special characters, this knows `,`, `-`, `*`, `?`, `/` and, for the last day of the month, `L`.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_MINUTE = timedelta(minutes=1)
_LOOK_BACK = timedelta(days=1)
"""What was missed longer ago is not made up for."""


class Schedule:
    """When an action is due.

    Args:
        text: the schedule.
        timezone: the time zone of `at` and `cron`, such as `Europe/Berlin`.

    Raises:
        ValueError: the text is no schedule, or there is no such time zone.
    """

    def __init__(self, text: str, timezone: str = "UTC") -> None:
        try:
            self._zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {timezone!r}") from error
        expression = re.fullmatch(r"(at|rate|cron)\((.*)\)", text.strip())
        if expression is None:
            raise ValueError(f"{text!r} is not at(…), rate(…) or cron(…)")
        self._moment = math.inf
        self._rate = 0
        self._fields: list[frozenset[int]] = []
        self._last_day = False
        match expression[1]:
            case "at":
                self._read_at(expression[2])
            case "rate":
                self._read_rate(expression[2])
            case "cron":
                self._read_cron(expression[2])

    def is_due(self, start: float, since: float, until: float, pace: float = 1.0) -> bool:
        """Returns whether the action is due in a span of time.

        Args:
            start: the time from which a rate counts, in seconds since the epoch.
            since: the time after which the span begins.
            until: the time with which the span ends.
            pace: divides the interval of a rate; `at` and `cron` name times of the clock.
        """
        if self._rate:
            interval = self._rate / pace
            return (until - start) // interval > max((since - start) // interval, 0)
        if self._fields:
            return self._cron_is_due(since, until)
        return since < self._moment <= until

    @property
    def times_a_day(self) -> float:
        """How often the action is due on a day on which it is."""
        if self._rate:
            return max(_UNITS["day"] / self._rate, 1)
        return len(self._fields[0]) * len(self._fields[1]) if self._fields else 1

    @property
    def moment(self) -> float | None:
        """The only time at which the action is due; None if it is due again and again."""
        return self._moment if math.isfinite(self._moment) else None

    def moments(self, since: float, until: float) -> list[float] | None:
        """Returns when the action is due in a span of time; None for a rate, as that depends on when it starts.

        Args:
            since: the time with which the span begins, in seconds since the epoch.
            until: the time before which the span ends.
        """
        if self._rate:
            return None
        moments = sorted(set(self._cron_moments(since, until))) if self._fields else [self._moment]
        return [moment for moment in moments if since <= moment < until]

    def _cron_moments(self, since: float, until: float) -> Iterator[float]:
        """Yields the times of all days that a span touches. A time of the clock that comes twice is due twice."""
        minutes, hours, *_ = self._fields
        day = datetime.fromtimestamp(since, self._zone).date()
        while day <= datetime.fromtimestamp(until, self._zone).date():
            if self._is_on(day):
                times = (time(hour, minute) for hour in hours for minute in minutes)
                for local in (datetime.combine(day, clock, self._zone) for clock in times):
                    for moment in (local.timestamp(), local.replace(fold=1).timestamp()):
                        if datetime.fromtimestamp(moment, self._zone).time() == local.time():  # else it is left out
                            yield moment
            day += timedelta(days=1)

    def _read_at(self, text: str) -> None:
        self._moment = datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp()

    def _read_rate(self, text: str) -> None:
        rate = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", text)
        if rate is None or (rate[1] == "1") == bool(rate[3]):
            raise ValueError(f"{text!r} is no rate such as 1 hour or 5 minutes")
        self._rate = int(rate[1]) * _UNITS[rate[2]]

    def _read_cron(self, text: str) -> None:
        fields = text.split()
        if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):  # noqa: PLR2004 - minutes to years
            raise ValueError(f"{text!r} does not have six fields with one ? for the day of the month or of the week")
        minutes, hours, days, months, weekdays, years = fields
        self._last_day = days == "L"
        self._fields = [
            _numbers(minutes, 0, 59),
            _numbers(hours, 0, 23),
            frozenset() if self._last_day else _numbers(days, 1, 31),
            _numbers(months, 1, 12, _MONTHS),
            _numbers(weekdays, 1, 7, _DAYS),
            _numbers(years, 1970, 2199),
        ]

    def _cron_is_due(self, since: float, until: float) -> bool:
        end = datetime.fromtimestamp(until, UTC)
        moment = max(datetime.fromtimestamp(since, UTC), end - _LOOK_BACK).replace(second=0, microsecond=0) + _MINUTE
        while moment <= end:
            if self._matches(moment.astimezone(self._zone)):
                return True
            moment += _MINUTE
        return False

    def _matches(self, moment: datetime) -> bool:
        minutes, hours, *_ = self._fields
        return moment.minute in minutes and moment.hour in hours and self._is_on(moment.date())

    def _is_on(self, day: date) -> bool:
        _, _, days, months, weekdays, years = self._fields
        last = (day + timedelta(days=1)).month != day.month
        return (
            (last if self._last_day else day.day in days)
            and day.month in months
            and day.isoweekday() % 7 + 1 in weekdays
            and day.year in years
        )


def _numbers(field: str, least: int, most: int, names: list[str] | None = None) -> frozenset[int]:
    """Returns the numbers that a field of a cron expression stands for."""
    for number, name in enumerate(names or [], start=least):
        field = re.sub(name, str(number), field, flags=re.IGNORECASE)
    numbers: set[int] = set()
    for part in field.split(","):
        parsed = re.fullmatch(r"(\*|\?|(\d+)(-(\d+))?)(/(\d+))?", part)
        if parsed is None:
            raise ValueError(f"{field!r} is not understood")
        start = int(parsed[2] or least)
        end = int(parsed[4] or (start if parsed[2] and not parsed[5] else most))
        if not least <= start <= end <= most or parsed[6] == "0":
            raise ValueError(f"{field!r} is not within {least} to {most}")
        numbers.update(range(start, end + 1, int(parsed[6] or 1)))
    return frozenset(numbers)
