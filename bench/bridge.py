"""The bridge: `export` and `verify` by the number of resources, less what `pulumi` and `terraform` themselves take."""

import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import plans, processes
from bench.account import Account, account
from bench.figures import Figure, Figures, Goal, Plot, Section, Table, spread
from bench.plans import Project
from sagebridge.local import control
from tools.environment import client

NAME = "bridge"
EXPORT, VERIFY = "export", "verify"
ALL, OWN, PULUMI, TERRAFORM = "all", "the bridge's own", "pulumi", "terraform"
SHORT, LONG = {3: 3, 67: 1}, {3: 3, 67: 3, 667: 1}
"""Runs, by the number of endpoints."""
GOALS = (9, 201, 2001)
"""The numbers of resources that the goals are about."""
LIMIT = 5.0
"""Seconds of the bridge's own for the largest of them."""
LINEAR = 1.5
"""What a further resource of the largest stack may cost, a further one of the stack before = 1."""
TEXT = """\
`sagebridge export` and `verify` as whole commands, of a stack whose endpoints, three resources each, are
there in AWS: `pulumi up` made one, the others are copies of it under other names, which Terraform really reads.
What `pulumi` and `terraform` take is measured around each call of them; the rest, the start of Python among it, is
the bridge's own. The memory is that of all processes at once. There are three runs, and one of 2,001 resources."""
_TIMED = """\
#!/bin/sh
# Calls the real command, and writes down what it takes.
before=$(date +%s%N)
"{real}" "$@"
code=$?
echo "{name} $(($(date +%s%N) - before))" >> "{log}"
exit $code
"""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of both commands and of what they call, and their memory."""
    taken: dict[tuple[str, str, int, str], list[float]] = defaultdict(list)
    for endpoints, runs in (LONG if long else SHORT).items():
        size = 3 * endpoints
        with account() as aws, plans.projects(aws, 1) as made, tempfile.TemporaryDirectory() as scratch:
            say(f"{size} resources: are made")
            control.set_times(aws.directory, idle=0.1)  # so many loaded models would not fit
            stack = made[plans.RAW]
            stack.seconds(plans.APPLY)
            multiply(aws, stack, endpoints)
            env, log = timed(Path(scratch), stack.env)
            for step, command in commands_of(Path(scratch, "module")).items():
                for run in range(runs):
                    say(f"{size} resources: {step}, {run + 1} of {runs}")
                    all_ = processes.seconds(command, stack.folder, env)
                    took = called(log)
                    for by, seconds in {ALL: all_, OWN: all_ - sum(took.values()), **took}.items():
                        taken[step, by, size, "s"].append(seconds)
                say(f"{size} resources: {step}, memory")
                taken[step, ALL, size, "MiB"] = [processes.peak(command, stack.folder, stack.env)]
    return Figures(Figure(*key, tuple(samples)) for key, samples in taken.items())


def multiply(aws: Account, stack: Project, endpoints: int) -> None:
    """Makes a stack of one endpoint one of many: each is made in AWS, and put into the stack's state."""
    sagemaker, file = client("sagemaker", aws.url), stack.folder / "state.json"
    processes.output(("pulumi", "stack", "export", "--stack", "bench", "--file", file), stack.folder, stack.env)
    state = json.loads(file.read_text())
    resources = state["deployment"]["resources"]
    made = {
        resource["type"].rpartition(":")[2]: resource for resource in resources if resource["type"].startswith("aws:")
    }
    model = sagemaker.describe_model(ModelName=made["Model"]["id"])
    config = sagemaker.describe_endpoint_config(EndpointConfigName=made["EndpointConfiguration"]["id"])
    first = {
        "model": {name: model[name] for name in ("ModelName", "ExecutionRoleArn", "PrimaryContainer")},
        "config": {name: config[name] for name in ("EndpointConfigName", "ProductionVariants")},
        "endpoint": {"EndpointName": "raw-0", "EndpointConfigName": config["EndpointConfigName"]},
    }
    for number in range(1, endpoints):
        copies = json.dumps([first, list(made.values())]).replace("raw-0", f"raw-{number}")
        requests, in_state = json.loads(copies)
        sagemaker.create_model(**requests["model"])
        sagemaker.create_endpoint_config(**requests["config"])
        sagemaker.create_endpoint(**requests["endpoint"])
        resources += in_state
    file.write_text(json.dumps(state))
    processes.output(("pulumi", "stack", "import", "--stack", "bench", "--file", file), stack.folder, stack.env)


def commands_of(module: Path) -> dict[str, tuple[str | Path, ...]]:
    """Returns the commands that are measured, by step."""
    return {
        EXPORT: (processes.SAGEBRIDGE, "export", "--stack", "bench", "--out", module),
        VERIFY: (processes.SAGEBRIDGE, "verify", "--stack", "bench", "--module", module),
    }


def timed(folder: Path, env: Mapping[str, str]) -> tuple[dict[str, str], Path]:
    """Puts commands before the real ones that time them; returns the environment, and the file with the times."""
    log = folder / "took"
    for name in (PULUMI, TERRAFORM):
        real = shutil.which(name, path=env["PATH"])
        (folder / name).write_text(_TIMED.format(real=real, name=name, log=log))
        (folder / name).chmod(0o755)
    return {**env, "PATH": os.pathsep.join([str(folder), env["PATH"]])}, log


def called(log: Path) -> dict[str, float]:
    """Returns the seconds of each command since the last look."""
    took: dict[str, float] = defaultdict(float)
    for line in log.read_text().splitlines():
        name, nanoseconds = line.split()
        took[name] += int(nanoseconds) / 1e9
    log.unlink()
    return dict(took)


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    times, rows, goals, plots = figures.of("s"), [], [], []
    kinds = (ALL, PULUMI, TERRAFORM, OWN)
    for step in (EXPORT, VERIFY):
        for size in times.sizes(step):
            memory = figures.of("MiB").get(step, ALL, size)
            rows.append([step, f"{size:,}", *(spread(times.get(step, by, size)) for by in kinds), spread(memory)])
        largest = times.get(step, OWN, GOALS[-1])
        name = f"{step} of {GOALS[-1]:,} resources"
        goals += [
            Goal(f"{name}, the bridge's own", largest.median if largest else None, LIMIT, "s"),
            Goal(f"{name}: a further resource ÷ one of {GOALS[1]}", growth(times, step, OWN, GOALS), LINEAR),
        ]
        if lines := times.lines(step, {by: by for by in kinds}):
            plots.append(Plot(f"bridge-{step}", f"sagebridge {step}", "resources", "seconds (median)", lines))
    return Section("Bridge", TEXT, [Table(["s", "resources", *kinds, "peak MiB"], rows)], goals, plots)


def growth(figures: Figures, step: str, by: str, sizes: tuple[int, int, int]) -> float | None:
    """Returns what a further resource costs between the two larger sizes, one between the two smaller = 1."""
    smallest, middle, largest = (figures.get(step, by, size) for size in sizes)
    return _slope(middle, largest) / _slope(smallest, middle) if smallest and middle and largest else None


def _slope(smaller: Figure, larger: Figure) -> float:
    return (larger.median - smaller.median) / (larger.size - smaller.size)
