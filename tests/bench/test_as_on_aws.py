"""The fleet with AWS's habits: what is measured in which order, and each goal as a ratio of medians."""

import json
import os
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from bench import as_on_aws, first_hour, plans, processes, words
from bench.account import Account, account
from bench.as_on_aws import LONG, PARALLEL, REPEATS, SHORT, SLOWEST, contender, turns
from bench.figures import Figure, Figures
from bench.plans import APPLY, COMPONENT, PLAN, RAW, STEPS, TERRAFORM, UNCHANGED, UPDATE
from sagebridge.local import control
from tools.environment import client

TOLD = contender(COMPONENT, PARALLEL)


def figures(*samples: tuple[str, str, int, tuple[float, ...]]) -> Figures:
    return Figures(Figure(what, by, size, "s", seconds) for what, by, size, seconds in samples)


def goals(module: object, measured: Figures) -> dict[str, float | None]:
    """Returns the values of a section's goals."""
    return {goal.what: goal.value for goal in module.section(measured).goals}  # type: ignore[attr-defined]


def test_the_goals_of_a_fleet_are_ratios_of_medians() -> None:
    measured = figures(
        (PLAN, COMPONENT, 30, (4.0, 9.0, 5.0)),
        (PLAN, RAW, 30, (3.0, 4.0, 8.0)),
        (APPLY, TOLD, 30, (36.0,)),
        (APPLY, COMPONENT, 30, (110.0,)),
        (APPLY, TERRAFORM, 30, (80.0,)),
        (APPLY, contender(TERRAFORM, PARALLEL), 30, (30.0,)),
        (APPLY, TOLD, 100, (64.0,)),
        (SLOWEST, TOLD, 100, (24.0,)),
        (UPDATE, TOLD, 100, (60.0,)),
        (UPDATE, TERRAFORM, 100, (240.0,)),
    )
    assert goals(as_on_aws, measured) == {
        "plan of 30 new endpoints: component ÷ raw": 1.25,
        f"apply of 30: component, {PARALLEL} at once ÷ Terraform as it comes": 0.45,
        f"apply of 100: component, {PARALLEL} at once, beyond its slowest endpoint, an endpoint": 0.4,
        f"update of all 100: component, {PARALLEL} at once ÷ Terraform as it comes": 0.25,
    }


def test_the_goals_without_latency_are_ratios_of_medians() -> None:
    sizes = [(step, by, 100, (seconds,)) for step in plans.MEASURED for by, seconds in ((COMPONENT, 6.0), (RAW, 5.0))]
    start = [(PLAN, COMPONENT, 1, (2.0, 2.5, 2.25)), (PLAN, RAW, 1, (2.0, 1.75, 5.0))]
    assert [*goals(plans, figures(*sizes, *start)).values()] == [1.2, 1.2, 1.2, 0.25]


def test_the_goals_of_words_are_seconds() -> None:
    again = figures((first_hour.AGAIN, first_hour.ALL, 1, (4.0, 9.0, 5.0)))
    assert goals(first_hour, again)["`make up`, nothing to change"] == 5.0
    measured = figures((words.UNIT, first_hour.ALL, 1, (19.0,)), (words.CI, first_hour.ALL, 1, (590.0,)))
    assert goals(words, measured) == {"`make unit`": 19.0, "`.ci/run`": 590.0}


@pytest.mark.parametrize("schedule", [LONG, SHORT], ids=["long", "short"])
def test_every_goal_and_every_ratio_of_the_long_form_is_measured(schedule: as_on_aws.Schedule) -> None:
    taken = [
        Figure(step, contender(tool, parallel), size, "s", (2.0,))
        for (size, parallel), steps_by_tool in schedule.items()
        for tool, steps in steps_by_tool.items()
        for step in (*steps, *([SLOWEST] if APPLY in steps else []))
    ]
    values = goals(as_on_aws, Figures(taken)).values()
    assert (None in values) == (schedule is SHORT)


def test_each_number_of_endpoints_is_measured_as_tools_come_and_told_how_many_at_once() -> None:
    assert {size for size, _ in LONG} == {1, 30, 100}
    assert {size for size, parallel in LONG if parallel} == {30, 100}  # of one endpoint there is nothing to share


def test_tools_take_turns_and_an_apply_that_is_not_measured_comes_before_what_needs_it() -> None:
    done = [*turns({COMPONENT: (PLAN, APPLY), RAW: (PLAN,), TERRAFORM: (PLAN, UNCHANGED, UPDATE)})]
    assert [tool for step, tool, _ in done if step == PLAN] == [
        *(COMPONENT, RAW, TERRAFORM),
        *(RAW, TERRAFORM, COMPONENT),
        *(TERRAFORM, COMPONENT, RAW),
    ]
    assert [(step, tool) for step, tool, _ in done if step in (APPLY, UPDATE)] == [
        (APPLY, COMPONENT),
        (APPLY, TERRAFORM),
        (UPDATE, TERRAFORM),
    ]
    assert Counter(step for step, tool, _ in done if tool == TERRAFORM) == {step: REPEATS[step] for step in STEPS}


def test_the_plots_have_a_line_of_each_tool_and_of_each_that_is_told_how_many() -> None:
    measured = figures(
        (APPLY, COMPONENT, 1, (25.0,)),
        (APPLY, COMPONENT, 30, (110.0,)),
        (APPLY, TOLD, 30, (36.0,)),
        (PLAN, RAW, 1, (2.0,)),
    )
    plots = {plot.name: plot.lines for plot in as_on_aws.section(measured).plots}
    assert plots == {
        "as-on-aws-apply": {
            "`SageMakerEndpoint`": [(1.0, 25.0), (30.0, 110.0)],
            f"`SageMakerEndpoint`, {PARALLEL}": [(1.0, 25.0), (30.0, 36.0)],
        },
        "as-on-aws-plan": {"raw pulumi-aws": [(1.0, 2.0)]},
    }


def test_a_tool_is_told_how_many_only_where_the_schedule_says_so_whatever_the_shell_sets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setenv("PULUMI_PARALLEL", "3")
    monkeypatch.setattr(plans, "process_environment", lambda extra: {**os.environ, **extra})
    monkeypatch.setattr(processes, "output", lambda *_: "")
    monkeypatch.setattr(processes, "seconds", lambda command, *_: commands.append(command))
    aws = Account(tmp_path, "http://127.0.0.1:1", 1, tmp_path, "arn:aws:iam::123456789012:role/sagemaker")
    with plans.projects(aws, 3) as projects:
        for project in projects.values():
            assert "PULUMI_PARALLEL" not in project.env
            project.seconds(APPLY)
            project.seconds(APPLY, 64)
        projects[TERRAFORM].take_next_archive()
        values = json.loads(projects[TERRAFORM].settings.read_text())
    assert values["model_data"] == "s3://models/next/model.tar.gz"
    assert [{*told} - {*alone} for alone, told in pairwise(commands)][::2] == [
        {"--parallel=64"},
        {"--parallel=64"},
        {"-parallelism=64"},
    ]


@pytest.mark.server
def test_a_local_aws_with_the_habits_answers_late_and_knows_its_slowest_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(as_on_aws, "LATENCY", 0.2)
    with account() as aws:
        sagemaker = client("sagemaker", aws.url)

        def seconds() -> float:
            before = time.perf_counter()
            sagemaker.list_endpoints()
            return time.perf_counter() - before

        with as_on_aws.habits(aws, 0.7):
            assert seconds() >= 0.2
            aws.deploy("component-0")
        aws.deploy("raw-0")
        assert as_on_aws.slowest_creation(aws, "component-") >= 0.7
        assert as_on_aws.slowest_creation(aws, "raw-") < 0.7
        assert control.faults(aws.directory) == []
        assert control.set_times(aws.directory)["updating"] == 0
