"""Plan, apply and update where AWS takes its time: to answer a call, and to bring an endpoint into service."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bench import plans
from bench.account import Account, account
from bench.figures import Figure, Figures, Goal, Plot, Section, Table, number, spread
from bench.plans import APPLY, COMPONENT, PLAN, RAW, STEPS, TERRAFORM, TOOLS, UNCHANGED, UPDATE
from sagebridge.local import control
from tools.environment import OPERATIONS_AT_ONCE, client

NAME = "as_on_aws"
LATENCY = 0.15
"""Seconds before AWS answers a call."""
LONG_SERVICE, SHORT_SERVICE = 20.0, 2.0
"""Seconds that an endpoint is Creating or Updating, by the form of the bench."""
PARALLEL = OPERATIONS_AT_ONCE
"""How many resources a tool works on at once where it is told to: more than there are endpoints in a fleet."""
REPEATS = {PLAN: 3, APPLY: 1, UNCHANGED: 3, UPDATE: 1}
"""Runs of a step: an apply and an update are mostly waiting, which varies little, and take minutes."""
SLOWEST = "slowest endpoint"
"""How long the slowest of the endpoints that an apply made was Creating."""
_ALL = tuple(STEPS)
Schedule = Mapping[tuple[int, int | None], Mapping[str, tuple[str, ...]]]
"""The steps that are measured of each tool, by the number of endpoints and by how many are worked on at once.

None is what a tool takes as it comes.
"""
LONG: Schedule = {
    (1, None): dict.fromkeys(TOOLS, _ALL),
    (30, None): {COMPONENT: (PLAN, APPLY), RAW: (PLAN,), TERRAFORM: (PLAN, APPLY, UNCHANGED)},
    (30, PARALLEL): {COMPONENT: (PLAN, APPLY, UNCHANGED), RAW: (PLAN, APPLY, UNCHANGED), TERRAFORM: (PLAN, APPLY)},
    (100, PARALLEL): {COMPONENT: (APPLY, UNCHANGED, UPDATE), RAW: (APPLY, UNCHANGED), TERRAFORM: (APPLY,)},
    (100, None): {COMPONENT: (PLAN,), RAW: (PLAN,), TERRAFORM: (PLAN, UNCHANGED, UPDATE)},
}
SHORT: Schedule = {(3, None): dict.fromkeys(TOOLS, _ALL), (3, PARALLEL): {COMPONENT: _ALL}}
TEXT = f"""\
The same programs, on a local AWS with AWS's habits: it answers each call {LATENCY * 1000:.0f} ms later, and an
endpoint is Creating or Updating for {LONG_SERVICE:.0f} s ({SHORT_SERVICE:.0f} s in the short form). A column with
{PARALLEL} has the tool when it is told to work on {PARALLEL} resources at once, by Pulumi's `--parallel` or
`PULUMI_PARALLEL`, or by Terraform's `-parallelism`. As they come, Pulumi takes four for each core, and Terraform ten.
*Update* is an apply after the archive of all models has changed, so that each endpoint gets a new model and a new
configuration. A plan is the median of {REPEATS[PLAN]} runs, in which the tools take turns; an apply and an update are
of one run. *Slowest endpoint* is how long the slowest endpoint of an apply was Creating by the local AWS's own clock;
no tool can be quicker.

What takes minutes and says nothing new is left out: an update of 30 endpoints, and an apply of 100 by the tools as they
come, and of 30 by raw pulumi-aws as it comes, because they go through the endpoints in rounds of as many as they work
on at once. One endpoint is one round, so all lines of a plot begin with the tools as they come."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of every step of the schedule."""
    taken: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    in_service = LONG_SERVICE if long else SHORT_SERVICE
    for (size, parallel), steps_by_tool in (LONG if long else SHORT).items():
        with account() as aws, plans.projects(aws, size) as projects:
            for step, tool, run in turns(steps_by_tool):
                project, by = projects[tool], contender(tool, parallel)
                if step not in steps_by_tool[tool]:
                    say(f"{size} endpoints: {step}, {tool}, for the steps after it")
                    project.seconds(step, PARALLEL)
                    continue
                if step == UPDATE:
                    project.take_next_archive()
                say(f"{size} endpoints: {step}, {by}, {run + 1} of {REPEATS[step]}")
                with habits(aws, in_service):
                    taken[step, by, size].append(project.seconds(step, parallel))
                if step == APPLY:
                    taken[SLOWEST, by, size].append(slowest_creation(aws, f"{tool}-"))
    return Figures(Figure(what, by, size, "s", tuple(samples)) for (what, by, size), samples in taken.items())


def turns(steps_by_tool: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, int]]:
    """Yields what is done in an account: the step, the tool and the number of the run; the tools take turns.

    An apply that is not measured comes once before what needs it.
    """
    for step in STEPS:
        for run in range(REPEATS[step]):
            for tool in plans.turned(list(steps_by_tool), run):
                needed = step == APPLY and not {UNCHANGED, UPDATE}.isdisjoint(steps_by_tool[tool])
                if step in steps_by_tool[tool] or needed:
                    yield step, tool, run


def contender(tool: str, parallel: int | None) -> str:
    """Returns by whom a figure is: a tool by itself, or a tool that is told how many resources to work on at once."""
    return tool if parallel is None else f"{tool}, {parallel}"


@contextmanager
def habits(aws: Account, in_service: float) -> Iterator[None]:
    """Has a local AWS answer late, and its endpoints come into service late, until the block ends.

    Args:
        aws: The local AWS.
        in_service: Seconds that an endpoint is Creating or Updating.
    """
    control.fault(aws.directory, "latency", seconds=LATENCY)
    control.set_times(aws.directory, creating=in_service, updating=in_service)
    try:
        yield
    finally:
        control.clear_faults(aws.directory)
        control.set_times(aws.directory, creating=0, updating=0)


def slowest_creation(aws: Account, prefix: str) -> float:
    """Returns how many seconds the slowest endpoint was Creating, of those whose names begin with a prefix."""
    pages = client("sagemaker", aws.url).get_paginator("list_endpoints").paginate(NameContains=prefix)
    seconds: list[float] = [
        (endpoint["LastModifiedTime"] - endpoint["CreationTime"]).total_seconds()
        for page in pages
        for endpoint in page["Endpoints"]
        if endpoint["EndpointName"].startswith(prefix)
    ]
    return max(seconds)


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    labels = {**TOOLS, **{contender(tool, PARALLEL): _parallel_label(label) for tool, label in TOOLS.items()}}
    component = contender(COMPONENT, PARALLEL)
    compared = {
        "component ÷ raw": (COMPONENT, RAW),
        f"the same, {PARALLEL}": (component, contender(RAW, PARALLEL)),
        f"component, {PARALLEL} ÷ Terraform": (component, TERRAFORM),
    }
    rows = [
        [
            STEPS.get(step, SLOWEST),
            str(size),
            *(spread(figures.get(step, by, size)) for by in labels),
            *(number(ratio) if (ratio := figures.ratio(step, *pair, size)) else "" for pair in compared.values()),
        ]
        for step in (*STEPS, SLOWEST)
        for size in figures.sizes(step)
    ]
    whole_apply, slowest = figures.get(APPLY, component, 100), figures.get(SLOWEST, component, 100)
    goals = [
        Goal("plan of 30 new endpoints: component ÷ raw", figures.ratio(PLAN, COMPONENT, RAW, 30), 1.15),
        Goal(
            f"apply of 30: component, {PARALLEL} at once ÷ Terraform as it comes",
            figures.ratio(APPLY, component, TERRAFORM, 30),
            0.55,
        ),
        Goal(
            f"apply of 100: component, {PARALLEL} at once, beyond its slowest endpoint, an endpoint",
            (whole_apply.median - slowest.median) / 100 if whole_apply and slowest else None,
            0.5,
            "s",
        ),
        Goal(
            f"update of all 100: component, {PARALLEL} at once ÷ Terraform as it comes",
            figures.ratio(UPDATE, component, TERRAFORM, 100),
            0.55,
        ),
    ]
    plots = [
        Plot(f"as-on-aws-{step}", f"{STEPS[step]}, as on AWS", "endpoints", "seconds (median)", lines)
        for step in (PLAN, APPLY)
        if (lines := _lines(figures, step))
    ]
    return Section("As on AWS", TEXT, [Table(["s", "endpoints", *labels.values(), *compared], rows)], goals, plots)


def _lines(figures: Figures, step: str) -> dict[str, list[tuple[float, float]]]:
    """Returns the lines of a step's plot; what is told how many to work on begins with the same tool as it comes."""
    lines = figures.lines(step, TOOLS)
    for tool, label in TOOLS.items():
        single = figures.get(step, tool, 1)
        for name, points in figures.lines(step, {contender(tool, PARALLEL): _parallel_label(label)}).items():
            lines[name] = [(1.0, single.median), *points] if single else points
    return lines


def _parallel_label(label: str) -> str:
    return f"{label}, {PARALLEL}"
