"""Plan and apply: the component against the same resources of raw pulumi-aws and of Terraform, on one local AWS."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.account import IMAGE, URL, Account, account
from bench.figures import Aim, Figure, Figures, Plot, Section, Table, spread
from tools.environment import process_environment
from tools.paths import CHECKOUT, STACK_SETTINGS

NAME = "plans"
PROGRAMS = Path(__file__).parent / "programs"
COMPONENT, RAW, TERRAFORM = "component", "raw", "terraform"
TOOLS = {COMPONENT: "`SageMakerEndpoint`", RAW: "raw pulumi-aws", TERRAFORM: "Terraform"}
PLAN, APPLY, UNCHANGED, DESTROY = "plan", "apply", "unchanged", "destroy"
STEPS = {PLAN: "plan, all new", APPLY: "apply", UNCHANGED: "plan, nothing to change"}
SHORT, LONG = {1: 3, 20: 1}, {0: 3, 1: 5, 20: 3, 100: 2}
"""Runs of every step, by the number of endpoints."""
ALLOWED = 1.05
"""What the component may cost, raw resources = 1."""
TEXT = """\
So many endpoints, three resources each, on the same local AWS. *Plan* is `pulumi preview` or `terraform plan`; where
nothing is to change, Terraform reads all resources back from AWS, as is its default, and Pulumi none, as is its own.
*Apply* is `pulumi up --skip-preview` or `terraform apply`, which both plan and apply in one. The tools take turns.
The component does more than raw resources: it looks for the archive and holds it against the image, looks for an
endpoint of the name, and asks AWS after the rollout what runs. With 0 endpoints it is what the tools take for
nothing. Memory is that of all processes at once (PSS), in a run of its own."""


@dataclass(frozen=True)
class Project:
    """A folder with a program, and its tool's commands by step."""

    folder: Path
    env: Mapping[str, str]
    commands: Mapping[str, tuple[str, ...]]

    def seconds(self, step: str) -> float:
        """Does a step and takes its time."""
        return processes.seconds(self.commands[step], self.folder, self.env)

    def peak(self, step: str) -> float:
        """Does a step and takes its memory."""
        return processes.peak(self.commands[step], self.folder, self.env)


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes time and memory of every step; the tools take turns, so that the machine's moods are shared."""
    figures: list[Figure] = []
    with account() as aws:
        for size, runs in (LONG if long else SHORT).items():
            seconds: dict[tuple[str, str], list[float]] = {}
            memory: dict[tuple[str, str], list[float]] = {}
            with projects(aws, size) as made:
                for run in range(runs + 1):
                    last = run == runs  # is for the memory
                    for step in STEPS:
                        for tool in _turned(list(made), run):
                            say(f"{size} endpoints: {step}, {tool}, {'memory' if last else f'{run + 1} of {runs}'}")
                            if last:
                                memory[step, tool] = [made[tool].peak(step)]
                            else:
                                seconds.setdefault((step, tool), []).append(made[tool].seconds(step))
                    for project in made.values():
                        project.seconds(DESTROY)
            for unit, taken in (("s", seconds), ("MiB", memory)):
                figures += [Figure(step, tool, size, unit, tuple(all_)) for (step, tool), all_ in taken.items()]
    return Figures(figures)


def _turned(tools: list[str], run: int) -> list[str]:
    """Returns the tools in the order of a run, so that each is first in turn."""
    first = run % len(tools)
    return [*tools[first:], *tools[:first]]


@contextmanager
def projects(aws: Account, size: int) -> Iterator[dict[str, Project]]:
    """Makes a project for each tool, ready to plan `size` endpoints; the folders end with the block."""
    with tempfile.TemporaryDirectory() as folder:
        config = str(aws.directory / "config")
        env = process_environment({"AWS_CONFIG_FILE": config, "PULUMI_BACKEND_URL": Path(folder).as_uri()})
        made = {tool: Path(folder, tool) for tool in TOOLS}
        for tool, project in made.items():
            shutil.copytree(PROGRAMS / tool, project)
        pulumi = {tool: _pulumi(made[tool], env, aws, size) for tool in (COMPONENT, RAW)}
        yield {**pulumi, TERRAFORM: _terraform(made[TERRAFORM], env, aws, size)}


def _pulumi(folder: Path, env: Mapping[str, str], aws: Account, size: int) -> Project:
    shutil.copyfile(STACK_SETTINGS, folder / "Pulumi.bench.yaml")
    values = {"endpoints": size, "role": aws.role, "image": IMAGE, "modelData": URL}
    settings = [word for name, value in values.items() for word in ("--plaintext", f"{name}={value}")]
    options = ("--stack", "bench", "--non-interactive")
    processes.output(("pulumi", "stack", "init", *options), folder, env)
    processes.output(("pulumi", "config", "set-all", *settings, *options), folder, env)
    preview = ("pulumi", "preview", *options)
    commands = {
        PLAN: preview,
        APPLY: ("pulumi", "up", "--yes", "--skip-preview", *options),
        UNCHANGED: (*preview, "--expect-no-changes"),
        DESTROY: ("pulumi", "destroy", "--yes", "--skip-preview", *options),
    }
    return Project(folder, env, commands)


def _terraform(folder: Path, env: Mapping[str, str], aws: Account, size: int) -> Project:
    shutil.copyfile(CHECKOUT / "terraform" / "local" / "local_override.tf", folder / "local_override.tf")
    values = {"endpoints": size, "role": aws.role, "image": IMAGE, "model_data": URL}
    (folder / "terraform.tfvars.json").write_text(json.dumps(values))
    options = ("-input=false", "-no-color")
    processes.output(("terraform", "init", *options), folder, env)
    commands = {
        PLAN: ("terraform", "plan", *options),
        APPLY: ("terraform", "apply", "-auto-approve", *options),
        UNCHANGED: ("terraform", "plan", "-detailed-exitcode", *options),  # a change fails it
        DESTROY: ("terraform", "apply", "-destroy", "-auto-approve", *options),
    }
    return Project(folder, env, commands)


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    head = ["endpoints", *TOOLS.values(), "component ÷ raw", "component ÷ Terraform"]
    tables = [
        Table(
            [unit, *head], [_row(figures.of(unit), step, size) for step in STEPS for size in figures.of(unit).sizes()]
        )
        for unit in ("s", "MiB")
    ]
    times = figures.of("s")
    largest = times.sizes()[-1]
    wanted = [(step, RAW, ALLOWED) for step in STEPS] + [(step, TERRAFORM, 1.0) for step in (PLAN, UNCHANGED)]
    aims = []
    for step, to, most in wanted:
        ratio = times.ratio(step, COMPONENT, to, largest)
        if ratio is not None:
            sentence = f"{STEPS[step]}, {largest} endpoints: at most {most:g} of {TOOLS[to]}"
            aims.append(Aim(sentence, f"{ratio:.2f}", met=ratio <= most))
    plots = [
        Plot(
            f"plans-{step}",
            title,
            "endpoints",
            "seconds (median)",
            {
                tool: [(size, figure.median) for size in times.sizes() if (figure := times.get(step, tool, size))]
                for tool in TOOLS
            },
        )
        for step, title in STEPS.items()
    ]
    return Section("Plan and apply", TEXT, tables, aims, plots)


def _row(figures: Figures, step: str, size: int) -> list[str]:
    ratios = [figures.ratio(step, COMPONENT, to, size) for to in (RAW, TERRAFORM)]
    cells = [figures.get(step, tool, size) for tool in TOOLS]
    return [STEPS[step], str(size), *map(spread, cells), *(f"{ratio:.2f}" if ratio else "" for ratio in ratios)]
