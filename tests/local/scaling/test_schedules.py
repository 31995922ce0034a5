"""When scheduled actions are due."""

from datetime import UTC, datetime

import pytest

from sagebridge.local.scaling.schedules import Schedule


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
