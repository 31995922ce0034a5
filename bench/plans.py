"""Plan and apply: the component against the same resources of raw pulumi-aws and of Terraform, on one local AWS."""

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.account import IMAGE, NEXT_URL, URL, Account, account
from bench.figures import Figure, Figures, Goal, Plot, Section, Table, number, spread
from tools.environment import process_environment
from tools.paths import CHECKOUT, STACK_SETTINGS

NAME = "plans"
PROGRAMS = Path(__file__).parent / "programs"
COMPONENT, RAW, TERRAFORM = "component", "raw", "terraform"
TOOLS = {COMPONENT: "`SageMakerEndpoint`", RAW: "raw pulumi-aws", TERRAFORM: "Terraform"}
PLAN, APPLY, UNCHANGED, UPDATE = "plan", "apply", "unchanged", "update"
STEPS = {
    PLAN: "plan, all new",
    APPLY: "apply",
    UNCHANGED: "plan, nothing to change",
    UPDATE: "update, a new archive for all",
}
MEASURED = (PLAN, APPLY, UNCHANGED)
"""The steps that are measured here, in their order."""
SHORT, LONG = {1: 3, 20: 1}, {1: 5, 30: 1, 100: 3}
"""Runs of every step, by the number of endpoints."""
MEMORY = (1, 30)
"""The numbers of endpoints for which the memory is taken, too."""
FLEET = 100
"""The number of endpoints that the goals are about."""
LIMIT = 1.15
"""What the component may cost, raw resources = 1."""
START = 0.2
"""Seconds that a program with one endpoint may take beyond one with raw resources."""
TEXT = f"""\
So many endpoints, three resources each, on the same local AWS, which answers at once. *Plan* is `pulumi preview` or
`terraform plan`; where nothing is to change, Terraform reads all resources back from AWS, as is its default, and
Pulumi none, as is its own. *Apply* is `pulumi up --skip-preview` or `terraform apply`, which both plan and apply in
one. The tools take turns, and each run has a local AWS of its own. There are {LONG[1]} runs of 1 endpoint,
{LONG[30]} of 30 and {LONG[100]} of 100.

The component does more than raw resources: it looks for the archive and holds it against the image, looks for an
endpoint of the name, and asks AWS after the rollout what runs. Memory is that of all processes at once (PSS), in a
run of its own."""


@dataclass(frozen=True)
class Project:
    """A folder with a program, and its tool's commands by step."""

    folder: Path
    env: Mapping[str, str]
    commands: Mapping[str, tuple[str, ...]]
    settings: Path
    """The file that names the model's archive."""
    parallel_option: str
    """The option of all commands that says how many resources are worked on at once, without the number."""

    def seconds(self, step: str, parallel: int | None = None) -> float:
        """Does a step and returns the seconds that it took.

        Args:
            step: One of `STEPS`.
            parallel: How many resources are worked on at once. Default is what the tool takes by itself.
        """
        options = () if parallel is None else (f"{self.parallel_option}={parallel}",)
        return processes.seconds((*self.commands[step], *options), self.folder, self.env)

    def peak(self, step: str) -> float:
        """Does a step and returns the most memory in MiB that it had."""
        return processes.peak(self.commands[step], self.folder, self.env)

    def take_next_archive(self) -> None:
        """Names another archive of the same model, so that an update makes each model anew."""
        self.settings.write_text(self.settings.read_text().replace(URL, NEXT_URL))


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes time and memory of every step; the tools take turns, so that the machine's moods are shared."""
    taken: dict[tuple[str, str, int, str], list[float]] = defaultdict(list)
    for size, runs in (LONG if long else SHORT).items():
        for run in range(runs):
            for step, tool, project in _turns(size, run):
                say(f"{size} endpoints: {step}, {tool}, {run + 1} of {runs}")
                taken[step, tool, size, "s"].append(project.seconds(step))
        if size in MEMORY:
            for step, tool, project in _turns(size, 0):
                say(f"{size} endpoints: {step}, {tool}, memory")
                taken[step, tool, size, "MiB"].append(project.peak(step))
    return Figures(Figure(*key, tuple(samples)) for key, samples in taken.items())


def _turns(size: int, run: int) -> Iterator[tuple[str, str, Project]]:
    """Yields each step with each tool and its project, in an account that is new."""
    with account() as aws, projects(aws, size) as made:
        for step in MEASURED:
            for tool in turned(list(made), run):
                yield step, tool, made[tool]


def turned(tools: list[str], run: int) -> list[str]:
    """Returns the tools in the order of a run, so that each is first in turn."""
    first = run % len(tools)
    return [*tools[first:], *tools[:first]]


@contextmanager
def projects(aws: Account, size: int) -> Iterator[dict[str, Project]]:
    """Makes a project for each tool, ready to plan `size` endpoints; the folders end with the block."""
    with tempfile.TemporaryDirectory() as folder:
        config = str(aws.directory / "config")
        env = process_environment({"AWS_CONFIG_FILE": config, "PULUMI_BACKEND_URL": Path(folder).as_uri()})
        env = {name: value for name, value in env.items() if not name.startswith("PULUMI_PARALLEL")}  # the tool's own
        made = {tool: Path(folder, tool) for tool in TOOLS}
        for tool, project in made.items():
            shutil.copytree(PROGRAMS / tool, project)
        pulumi = {tool: _pulumi(made[tool], env, aws, size) for tool in (COMPONENT, RAW)}
        yield {**pulumi, TERRAFORM: _terraform(made[TERRAFORM], env, aws, size)}


def _pulumi(folder: Path, env: Mapping[str, str], aws: Account, size: int) -> Project:
    settings = folder / "Pulumi.bench.yaml"
    shutil.copyfile(STACK_SETTINGS, settings)
    values = {"endpoints": size, "role": aws.role, "image": IMAGE, "modelData": URL}
    words = [word for name, value in values.items() for word in ("--plaintext", f"{name}={value}")]
    options = ("--stack", "bench", "--non-interactive")
    processes.output(("pulumi", "stack", "init", *options), folder, env)
    processes.output(("pulumi", "config", "set-all", *words, *options), folder, env)
    preview, up = ("pulumi", "preview", *options), ("pulumi", "up", "--yes", "--skip-preview", *options)
    commands = {PLAN: preview, APPLY: up, UNCHANGED: (*preview, "--expect-no-changes"), UPDATE: up}
    return Project(folder, env, commands, settings, "--parallel")


def _terraform(folder: Path, env: Mapping[str, str], aws: Account, size: int) -> Project:
    shutil.copyfile(CHECKOUT / "terraform" / "local" / "local_override.tf", folder / "local_override.tf")
    settings = folder / "terraform.tfvars.json"
    settings.write_text(json.dumps({"endpoints": size, "role": aws.role, "image": IMAGE, "model_data": URL}))
    options = ("-input=false", "-no-color")
    processes.output(("terraform", "init", *options), folder, env)
    plan, apply = ("terraform", "plan", *options), ("terraform", "apply", "-auto-approve", *options)
    commands = {
        PLAN: plan,
        APPLY: apply,
        UNCHANGED: (*plan, "-detailed-exitcode"),  # a change fails it
        UPDATE: apply,
    }
    return Project(folder, env, commands, settings, "-parallelism")


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    head = ["endpoints", *TOOLS.values(), "component ÷ raw", "component ÷ Terraform"]
    times = figures.of("s")
    tables = [
        Table([unit, *head], [_row(taken, step, size) for step in MEASURED for size in taken.sizes(step)])
        for unit in ("s", "MiB")
        for taken in [figures.of(unit)]
    ]
    goals = [
        Goal(f"{STEPS[step]}, {FLEET} endpoints: component ÷ raw", times.ratio(step, COMPONENT, RAW, FLEET), LIMIT)
        for step in MEASURED
    ]
    beyond = times.beyond(PLAN, COMPONENT, RAW)
    goals.append(Goal("start of a program: plan of 1 endpoint, beyond raw", beyond, START, "s"))
    plots = [
        Plot(f"plans-{step}", STEPS[step], "endpoints", "seconds (median)", times.lines(step, TOOLS))
        for step in MEASURED
        if times
    ]
    return Section("Plan and apply", TEXT, tables, goals, plots)


def _row(figures: Figures, step: str, size: int) -> list[str]:
    ratios = [figures.ratio(step, COMPONENT, to, size) for to in (RAW, TERRAFORM)]
    cells = [figures.get(step, tool, size) for tool in TOOLS]
    return [STEPS[step], str(size), *map(spread, cells), *(number(ratio) if ratio else "" for ratio in ratios)]
