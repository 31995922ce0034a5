"""Where the time of a plan goes: by process, and within the program by package and function."""

import os
import pstats
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench import plans, processes
from bench.account import account
from bench.figures import Figure, Figures, Section, Table, spread

NAME = "profile"
SHORT, LONG = (1,), (1, 100)
"""Endpoints."""
CPU, SELF = "CPU s", "self s"
WAITING = "waiting for others"
LEAST = 0.05
"""Seconds of a package that is shown by its name."""
TOP = 12
PROCESSES = {
    "pip list": "list of packages",
    "may need a Pulumi plugin": "list of packages",
    "language-python-exec": "the program",
    "pulumi-language": "pulumi's Python host",
    "resource-aws": "the AWS provider",
    "terraform-provider-aws": "the AWS provider",
    "pulumi preview": "pulumi",
    "terraform plan": "terraform",
}
"""What a process is, by a part of its command line."""
TEXT = f"""\
A plan with all new, once more: the CPU seconds of each process (looked at every {processes.LOOK * 1000:.0f} ms,
so the last moments of each are missing), and of the program, with `cProfile`, the time of each package's own
functions. `cProfile` slows what it looks at: the shares tell, not the seconds. Pulumi's host asks Python at every
start for the list of its packages, to learn which plugins a program may need."""
_PROFILED = """\
#!/bin/sh
# Python as Pulumi's host starts it, with the program under cProfile.
case "$*" in
  *language-python-exec*) exec "{python}" -m cProfile -o "{stats}" "$@" ;;
esac
exec "{python}" "$@"
"""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the CPU time of each process, and the program's profile."""
    figures: list[Figure] = []
    with account() as aws, tempfile.TemporaryDirectory() as folder:
        for size in LONG if long else SHORT:
            with plans.projects(aws, size) as made:
                for tool, project in made.items():
                    say(f"{size} endpoints: {tool}, processes")
                    used = cpu(project)
                    figures += [Figure(name, tool, size, CPU, (seconds,)) for name, seconds in used.items()]
                    if tool != plans.TERRAFORM:
                        say(f"{size} endpoints: {tool}, profile")
                        stats = _profile(project, Path(folder, f"{tool}-{size}"))
                        figures += [Figure(name, tool, size, SELF, (seconds,)) for name, seconds in stats.items()]
    return Figures(figures)


def cpu(project: plans.Project) -> dict[str, float]:
    """Returns the CPU seconds of a plan's processes, by what they are."""
    used: dict[int, tuple[str, float]] = {}

    def look(pids: list[int]) -> None:
        for pid in pids:
            with suppress(OSError, IndexError):  # one that ends meanwhile
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
                name = next((name for part, name in PROCESSES.items() if part in command), None)
                if name:
                    used[pid] = name, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    processes.watch(project.commands[plans.PLAN], project.folder, project.env, look)
    together: dict[str, float] = defaultdict(float)
    for name, seconds in used.values():
        together[name] += seconds
    return dict(together)


def _profile(project: plans.Project, folder: Path) -> dict[str, float]:
    folder.mkdir()
    stats = folder / "stats"
    for name in ("python", "python3"):
        (folder / name).write_text(_PROFILED.format(python=sys.executable, stats=stats))
        (folder / name).chmod(0o755)
    env = {**project.env, "PATH": os.pathsep.join([str(folder), project.env["PATH"]])}
    processes.output(project.commands[plans.PLAN], project.folder, env)
    return shares(pstats.Stats(str(stats)))


def shares(stats: pstats.Stats) -> dict[str, float]:
    """Returns the seconds of the functions themselves, by package, and of the functions that take most.

    What is built in counts for who calls it.
    """
    seconds_by_function: dict[tuple[str, str], float] = defaultdict(float)
    for (file, _, name), (_, _, seconds, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if file != "~":
            seconds_by_function[_package(file), f"{_package(file)}: {name}"] += seconds
        elif "poll" in name or "acquire" in name:
            seconds_by_function[WAITING, WAITING] += seconds
        else:
            for (caller, _, called), (_, _, part, _) in callers.items():
                seconds_by_function[_package(caller), f"{_package(caller)}: {called}"] += part
    packages: dict[str, float] = defaultdict(float)
    for (package, _), seconds in seconds_by_function.items():
        packages[package] += seconds
    top = sorted(seconds_by_function.items(), key=lambda item: -item[1])[: TOP + 1]
    return {**packages, **{function: seconds for (_, function), seconds in top if function != WAITING}}


def _package(file: str) -> str:
    parts = Path(file).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    if "sagebridge" in parts:
        return "sagebridge"
    return "Python's own" if "lib" in parts or file.startswith("<") or file == "~" else "the program"


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    tables = []
    for unit, shown in (
        (CPU, figures.of(CPU)),
        (SELF, Figures(figure for figure in figures.of(SELF) if ": " not in figure.what)),
        (f"{SELF}, functions", Figures(figure for figure in figures.of(SELF) if ": " in figure.what)),
    ):
        columns = list(dict.fromkeys((figure.by, figure.size) for figure in shown))
        names = {figure.what: max(other.median for other in shown if other.what == figure.what) for figure in shown}
        rows = [
            [name, *(spread(shown.get(name, by, size)) for by, size in columns)]
            for name, most in sorted(names.items(), key=lambda item: -item[1])
            if most >= LEAST
        ]
        tables.append(Table([unit, *(f"{plans.TOOLS[by]}, {size}" for by, size in columns)], rows))
    return Section("Profile of a plan", TEXT, tables)
