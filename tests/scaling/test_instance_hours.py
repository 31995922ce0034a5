"""Pure: the instance-hours of a day that the bounds and the schedules of a variant's scaling allow."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.endpoint.spec import autoscaling_of
from sagebridge.scaling.instance_hours import HoursRange, fixed_hours, scaled_hours, total
from tests.properties import examples

TODAY = date(2026, 11, 26)
QUARTER = timedelta(minutes=15)
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def hours(low: int, high: int, *, today: date = TODAY, **schedules: Any) -> tuple[float, float]:
    return scaled_hours(autoscaling_of({"min_capacity": low, "max_capacity": high, "schedules": schedules}), today)


def at(clock: str, low: int | None = None, high: int | None = None, zone: str = "UTC") -> dict[str, Any]:
    bounds = {"min_capacity": low, "max_capacity": high}
    return {"schedule": clock, "timezone": zone, **{name: bound for name, bound in bounds.items() if bound is not None}}


def test_without_scaling_each_instance_runs_all_day() -> None:
    assert fixed_hours(3) == (72, 72)


@pytest.mark.parametrize(("low", "high"), [(1, 4), (0, 2), (3, 3)])
def test_without_schedules_the_bounds_hold_all_day(low: int, high: int) -> None:
    assert hours(low, high) == (24 * low, 24 * high)


def test_schedules_move_the_bounds_within_the_day() -> None:
    day, night = at("cron(0 8 * * ? *)", 4, 8), at("cron(0 20 * * ? *)", 0, 1)
    assert hours(0, 1, day=day, night=night) == (12 * 4, 12 * 8 + 12)


def test_weekends_are_days_too() -> None:
    monday, friday = at("cron(0 0 ? * MON *)", 4), at("cron(0 0 ? * SAT *)", 1)
    assert hours(1, 4, monday=monday, friday=friday) == (24, 96)


def test_the_declared_bounds_hold_until_the_first_schedule_is_due() -> None:
    day, night = at("cron(0 8 * * ? *)", 4, 8), at("cron(0 20 * * ? *)", 1, 2)
    assert hours(3, 6, day=day, night=night) == (8 * 1 + 12 * 4 + 4 * 1, 8 * 6 + 12 * 8 + 4 * 2)


@pytest.mark.parametrize(("zone", "most"), [("UTC", 12 * 2 + 12), ("America/Los_Angeles", 13 * 2 + 11)])
def test_a_day_on_which_the_clocks_change_counts(zone: str, most: float) -> None:
    """In Los Angeles, 8 to 20 o'clock ends at 4 o'clock UTC in winter, and begins at 15 o'clock in summer."""
    day, night = at("cron(0 8 * * ? *)", None, 2, zone), at("cron(0 20 * * ? *)", None, 1, zone)
    assert hours(1, 1, day=day, night=night)[1] == most


def test_of_two_schedules_at_the_same_moment_either_may_be_the_last() -> None:
    one, other = at("cron(0 0 * * ? *)", 1, 2), at("cron(0 0 * * ? *)", 3, 4)
    assert hours(2, 2, one=one, other=other) == (24, 96)


@pytest.mark.parametrize("clock", ["rate(6 hours)", "cron(0/5 * * * ? *)", "cron(0 9 1W * ? *)", "cron(0 9 ? * 2#1 *)"])
def test_a_schedule_whose_moments_cannot_be_told_may_come_at_any_time(clock: str) -> None:
    assert hours(2, 4, odd=at(clock, 1, 8)) == (24, 24 * 8)


def test_so_may_one_whose_time_zone_is_not_known() -> None:
    assert hours(2, 4, odd=at("cron(0 9 * * ? *)", 1, 8, "Mars/Olympus")) == (24, 24 * 8)


def test_what_is_due_once_holds_from_then_on() -> None:
    assert hours(1, 2, launch=at("at(2026-12-24T00:00:00)", 4, 8)) == (24, 24 * 8)
    assert hours(1, 2, launch=at("at(2026-11-25T18:00:00)", 4, 8)) == (24 * 4, 24 * 8)  # it is past
    assert hours(1, 2, launch=at("at(2030-01-01T00:00:00)", 4, 8)) == (24, 48)  # it is more than a year away


def test_a_minimum_above_the_maximum_that_holds_counts_as_it_is() -> None:
    assert hours(1, 2, day=at("cron(0 0 * * ? *)", 5)) == (48, 120)


def test_variants_add_up() -> None:
    assert total([HoursRange(24, 48), HoursRange(24, 24)]) == (48, 72)


CLOCKS = st.tuples(
    st.integers(0, 23),
    st.sampled_from([0, 15, 30, 45]),
    st.sets(st.sampled_from(DAYS), max_size=3),
    st.integers(0, 4),
    st.integers(0, 4),
)


@examples(15)
@given(
    clocks=st.lists(CLOCKS, min_size=1, max_size=3, unique_by=lambda clock: clock[:2]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kolkata"]),
    today=st.dates(date(2026, 1, 1), date(2030, 1, 1)),
)
def test_it_is_what_walking_through_the_year_gives(clocks: list[Any], zone: str, today: date) -> None:
    schedules: dict[str, Any] = {
        f"s{number}": at(f"cron({minute} {hour} ? * {','.join(sorted(days)) or '*'} *)", min(bounds), max(bounds), zone)
        for number, (hour, minute, days, *bounds) in enumerate(clocks)
    }
    low, high = 1, 3
    moment = datetime(today.year, today.month, today.day, tzinfo=UTC)
    least, most = [], []
    for _ in range(366):
        sums = [0, 0]
        for _ in range(96):
            local = moment.astimezone(ZoneInfo(zone))
            for hour, minute, days, *bounds in clocks:
                if (local.hour, local.minute) == (hour, minute) and (not days or DAYS[local.isoweekday() % 7] in days):
                    low, high = min(bounds), max(bounds)
            sums = [sums[0] + low, sums[1] + high]
            moment += QUARTER
        least.append(sums[0] / 4)
        most.append(sums[1] / 4)
    assert hours(1, 3, today=today, **schedules) == (min(least), max(most))


@given(
    low=st.integers(0, 9),
    more=st.integers(0, 9),
    clocks=st.lists(CLOCKS, max_size=4),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]),
)
@examples(25)
def test_it_is_within_what_the_least_and_the_greatest_bound_allow(
    low: int, more: int, clocks: list[Any], zone: str
) -> None:
    schedules: dict[str, Any] = {
        f"s{number}": at(f"cron({minute} {hour} * * ? *)", min(bounds), max(bounds), zone)
        for number, (hour, minute, _, *bounds) in enumerate(clocks)
    }
    every = [low, low + more, *(bound for clock in clocks for bound in clock[3:])]
    least, most = hours(low, low + more, **schedules)
    assert 24 * min(every) <= least <= most <= 24 * max(every)
