"""When scheduled actions are due."""

from datetime import UTC, datetime

import pytest

from sagebridge.schedules import Schedule


def moment_of(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("schedule", "zone", "moment"),
    [
        ("at(2026-11-22T18:30:00)", "UTC", "2026-11-22 18:30"),
        ("at(2026-11-22T18:30:00)", "Europe/Berlin", "2026-11-22 17:30"),
        ("cron(30 18 * * ? *)", "UTC", "2026-11-22 18:30"),
        ("cron(0/15 8-17 ? * MON-FRI *)", "UTC", "2026-11-23 08:45"),
        ("cron(0 9 L * ? 2026)", "UTC", "2026-11-30 09:00"),
        ("cron(0 9 1,15 JAN,jul ? *)", "America/New_York", "2026-07-15 13:00"),
        ("cron(5 * ? * 1 *)", "UTC", "2026-11-22 18:05"),  # a Sunday
    ],
)
def test_a_schedule_is_due_at_its_moment_only(schedule: str, zone: str, moment: str) -> None:
    due = moment_of(moment)
    offsets = [
        offset for offset in range(-180, 180, 20) if Schedule(schedule, zone).is_due(0, due + offset - 20, due + offset)
    ]
    assert offsets == [0]


def test_a_rate_counts_from_its_beginning_and_goes_with_the_pace() -> None:
    schedule = Schedule("rate(5 minutes)")
    times = [now for now in range(0, 1000, 50) if schedule.is_due(100, 100 + now - 50, 100 + now)]
    assert times == [300, 600, 900]
    assert schedule.is_due(100, 101, 106, pace=60)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "soon",
        "at(tomorrow)",
        "rate(1 minutes)",
        "rate(0 hours)",
        "rate(2 weeks)",
        "cron(* * * *)",
        "cron(0 0 * * * *)",
        "cron(60 0 * * ? *)",
        "cron(0 0 ? * MON-SUN/0 *)",
        "cron(x 0 * * ? *)",
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Schedule(schedule)
    with pytest.raises(ValueError, match="no time zone"):
        Schedule("rate(1 hour)", "Nowhere/Else")


@pytest.mark.parametrize(
    ("schedule", "zone"),
    [
        ("cron(30 2 * * ? *)", "Europe/Berlin"),  # left out in March, and twice in October
        ("cron(0/20 1-3 ? * SUN *)", "America/New_York"),
        ("cron(0 9 L * ? *)", "Asia/Kolkata"),
        ("cron(45 1 * 3,4,10 ? *)", "Australia/Lord_Howe"),
        ("at(2026-03-29T02:30:00)", "Europe/London"),
    ],
)
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-03", "2026-10-24", "2026-10-31"])
def test_the_moments_are_those_at_which_it_is_due(schedule: str, zone: str, day: str) -> None:
    parsed, since = Schedule(schedule, zone), moment_of(f"{day} 00:00")
    until = since + 3 * 86400
    due = [moment for moment in range(int(since), int(until), 300) if parsed.is_due(0, moment - 60, moment)]
    assert parsed.moments(since, until) == due


def test_the_moments_of_a_rate_cannot_be_told() -> None:
    assert Schedule("rate(1 day)").moments(0, 1e9) is None
