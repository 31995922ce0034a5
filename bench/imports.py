"""A program's start: what it imports, by package, against what raw pulumi-aws imports anyway."""

import os
import sys
from collections import defaultdict
from collections.abc import Callable

from bench import processes
from bench.figures import Figure, Figures, Goal, Section, Table, spread
from tools.paths import CHECKOUT

NAME = "imports"
PROGRAM, COMPONENT, RAW = "the program", "`SageMakerEndpoint`", "raw pulumi-aws"
_USED = "import pulumi, pulumi_aws; pulumi_aws.sagemaker.Model"  # it imports its parts when they are first used
CODE = {
    PROGRAM: f"{_USED}; import sagebridge.endpoint.component, sagebridge.terraform_base",
    COMPONENT: f"{_USED}; import sagebridge.endpoint.component",
    RAW: _USED,
}
ALL = "all, from outside"
RUNS = {False: 3, True: 5}
LEAST = 5.0
"""Milliseconds of a package that is shown by its name."""
HEAVY = (
    *("boto3", "botocore.session", "moto", "pandas", "sklearn"),
    *(f"pulumi_aws.{part}" for part in ("s3", "cloudwatch", "iam", "appautoscaling")),
)
"""What the component can need, or what lies beside it, and a plain endpoint does not need."""
IMPORTED = "imported, not used"
TEXT = f"""\
`python -X importtime`: the time of each package's own modules, and `python -c` as a whole from outside.
`SageMakerEndpoint` is what raw pulumi-aws is, its own modules, and the copy of SageMaker's model in the cache folder,
which the limits come from. Clients of AWS, and what of pulumi-aws a plain endpoint has no use for, are imported when
they are used. *The program* is `__main__.py`. *What is imported and not used* is the number of these:
{", ".join(HEAVY)}."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of each package, by the program; the programs take turns."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    needless = {}
    for run in range(RUNS[long]):
        for by, code in CODE.items():
            say(f"{by}, {run + 1} of {RUNS[long]}")
            command = (sys.executable, "-c", code)
            taken[ALL, by].append(1000 * processes.seconds(command, CHECKOUT, os.environ))
            report = processes.output((sys.executable, "-X", "importtime", "-c", code), CHECKOUT, os.environ)
            took = modules(report)
            packages: dict[str, float] = defaultdict(float)
            for name, milliseconds in took.items():
                packages[name.partition(".")[0]] += milliseconds
            for package, milliseconds in packages.items():
                taken[package, by].append(milliseconds)
            needless[by] = len(took.keys() & set(HEAVY))
    times = [Figure(what, by, 1, "ms", tuple(samples)) for (what, by), samples in taken.items()]
    return Figures([*times, *(Figure(IMPORTED, by, 1, "", (count,)) for by, count in needless.items())])


def modules(report: str) -> dict[str, float]:
    """Reads what `-X importtime` says: each module's own milliseconds."""
    rows = [
        line.removeprefix("import time:").split("|") for line in report.splitlines() if line.startswith("import time:")
    ]
    return {name.strip(): int(microseconds) / 1000 for microseconds, _, name in rows[1:]}


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    times = figures.of("ms")
    packages = {figure.what for figure in times if figure.median >= LEAST} - {ALL}
    largest = sorted(packages, key=lambda package: -max(figure.median for figure in times if figure.what == package))
    rows = [[name, *(spread(times.get(name, by)) for by in CODE)] for name in (ALL, *largest)]
    needless = [figure.median for figure in figures if figure.what == IMPORTED]
    goal = Goal("what is imported and not used", sum(needless) if needless else None, 0)
    return Section("Program start", TEXT, [Table(["ms", *CODE], rows)], [goal])
