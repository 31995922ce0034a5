"""Scale: `export` by the number of resources, of stacks that only a state has, as `export` does not ask AWS."""

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import bridge, processes
from bench.account import Account, account
from bench.bridge import ALL, EXPORT, LINEAR, OWN, PULUMI
from bench.figures import Figure, Figures, Goal, Plot, Section, Table, spread
from bench.plans import PROGRAMS
from tools.environment import process_environment
from tools.paths import STACK_SETTINGS

NAME = "scale"
SHORT, LONG = {200: 1, 2000: 1}, {200: 1, 2000: 1, 10_000: 1}
GOALS = (200, 2000, 10_000)
"""The numbers of resources that the goals are about."""
"""Runs, by the number of resources."""
FIRST = "bucket-0"
"""The name of the bucket that `pulumi up` makes."""
TEXT = """\
`sagebridge export` as a whole command, of a stack of buckets, each with a secret of its own, and a policy that names
all of them: what is hard about a large stack. `pulumi up` made one bucket and the policy; the others are copies in
the stack's state. What `pulumi` takes to read the state is measured around each call of it; the rest is the bridge's
own. The memory is that of all processes at once. All is of one run."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of the command and of what it calls, and its memory."""
    taken: dict[tuple[str, str, int, str], list[float]] = defaultdict(list)
    with account() as aws, tempfile.TemporaryDirectory() as scratch, _project(aws) as (folder, env):
        state = json.loads(_pulumi(folder, env, "stack", "export", "--show-secrets"))
        command = bridge.commands_of(Path(scratch, "module"))[EXPORT]
        timed, log = bridge.timed(Path(scratch), env)
        for size, runs in (LONG if long else SHORT).items():
            say(f"{size} resources: are put into the state")
            (folder / "state.json").write_text(json.dumps(multiplied(state, size - 1)))
            _pulumi(folder, env, "stack", "import", "--file", "state.json")
            for run in range(runs):
                say(f"{size} resources: {run + 1} of {runs}")
                all_ = processes.seconds(command, folder, timed)
                took = bridge.called(log)
                for by, seconds in {ALL: all_, OWN: all_ - sum(took.values()), **took}.items():
                    taken[EXPORT, by, size, "s"].append(seconds)
            say(f"{size} resources: memory")
            taken[EXPORT, ALL, size, "MiB"] = [processes.peak(command, folder, env)]
    return Figures(Figure(*key, tuple(samples)) for key, samples in taken.items())


@contextmanager
def _project(aws: Account) -> Iterator[tuple[Path, dict[str, str]]]:
    """Makes a stack of one bucket; yields the project's folder, and the environment of its commands."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "many")
        shutil.copytree(PROGRAMS / "many", folder)
        shutil.copyfile(STACK_SETTINGS, folder / "Pulumi.bench.yaml")
        config = str(aws.directory / "config")
        env = process_environment({"AWS_CONFIG_FILE": config, "PULUMI_BACKEND_URL": Path(root).as_uri()})
        _pulumi(folder, env, "stack", "init")
        _pulumi(folder, env, "up", "--yes", "--skip-preview")
        yield folder, env


def _pulumi(folder: Path, env: Mapping[str, str], *arguments: str) -> str:
    return processes.output(("pulumi", *arguments, "--stack", "bench", "--non-interactive"), folder, env)


def multiplied(state: Mapping[str, Any], buckets: int) -> dict[str, Any]:
    """Returns a stack's export with copies of its bucket under other names, all of which the policy names.

    Args:
        state: The export.
        buckets: How many buckets there are to be.
    """
    document = json.loads(json.dumps(state))
    resources = document["deployment"]["resources"]
    policy = next(resource for resource in resources if resource["type"].endswith(":Policy"))
    bucket = next(resource for resource in resources if resource["type"].endswith(":Bucket"))
    text = json.dumps(bucket)
    copies = [json.loads(text.replace(FIRST, f"bucket-{number}")) for number in range(buckets)]
    for values in (policy["inputs"], policy["outputs"]):
        values["policy"] = values["policy"].replace(
            json.dumps(bucket["outputs"]["arn"]), ", ".join(json.dumps(copy["outputs"]["arn"]) for copy in copies)
        )
    urns = [copy["urn"] for copy in copies]
    policy |= {"dependencies": urns, "propertyDependencies": {"policy": urns}}
    others = [resource for resource in resources if resource not in (policy, bucket)]
    document["deployment"]["resources"] = [*others, *copies, policy]
    return dict(document)


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    times, memory, kinds = figures.of("s"), figures.of("MiB"), (ALL, PULUMI, OWN)
    rows = [
        [f"{size:,}", *(spread(times.get(EXPORT, by, size)) for by in kinds), spread(memory.get(EXPORT, ALL, size))]
        for size in times.sizes()
    ]
    name = f"export of {GOALS[-1]:,} resources: a further resource ÷ one of {GOALS[1]:,}"
    goals = [
        Goal(f"{name}, the bridge's own time", bridge.growth(times, EXPORT, OWN, GOALS), LINEAR),
        Goal(f"{name}, memory", bridge.growth(memory, EXPORT, ALL, GOALS), LINEAR),
    ]
    lines = times.lines(EXPORT, {by: by for by in kinds})
    plots = [Plot("scale-export", "sagebridge export", "resources", "seconds (median)", lines)] if lines else []
    return Section("Scale", TEXT, [Table(["resources", *(f"{by}, s" for by in kinds), "peak MiB"], rows)], goals, plots)
