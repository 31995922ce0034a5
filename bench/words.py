"""The words that take minutes: `make up` with empty caches, `make unit` and all of CI."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import first_hour, processes
from bench.figures import Figure, Figures, Goal, Section, Table, spread
from bench.first_hour import ALL

NAME = "words"
COLD, UNIT, CI = "empty caches", "make unit", ".ci/run"
LIMITS = {UNIT: 20, CI: 600}
"""Seconds."""
LONGEST = 3600.0
"""Seconds after which a word is ended."""
TEXT = """\
`make unit` and `.ci/run` in a new clone, on a machine that has done it before; before them, `make` has installed the
Python packages of the clone. *Empty caches* is `git clone` and `make up` with an empty home, so that Python packages
and Go modules are fetched and all is compiled; what the machine ships (Python, Go, Terraform) is there. All is of one
run. It takes longer than all other measurements together, so only `.venv/bin/python -m bench --long words` does it."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:  # noqa: ARG001 - it has one form
    """Takes the time of each word."""
    taken: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        clone, env = Path(folder, "warm"), first_hour.environment()
        first_hour.clone_into(clone, env)
        say("Python packages")
        processes.output(["make", ".venv/packages.stamp"], clone, env)
        for word, command in {UNIT: ("make", "unit"), CI: (".ci/run",)}.items():
            say(word)
            taken[word, ALL] = processes.seconds(command, clone, env, LONGEST)
        say(f"make up, {COLD}")
        home, cold = Path(folder, "home"), Path(folder, "cold")
        home.mkdir()
        env = first_hour.environment(home)
        try:
            for part, seconds in first_hour.first(cold, env, LONGEST).items():
                taken[COLD, part] = seconds
            processes.output(["make", "down"], cold, env)
        finally:  # Go makes what it fetches read-only, and it could not be removed
            subprocess.run(["go", "clean", "-modcache"], env=env, check=False)
    return Figures(Figure(what, part, 1, "s", (seconds,)) for (what, part), seconds in taken.items())


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    words = {word: figures.get(word, ALL) for word in LIMITS}
    goals = [Goal(f"`{word}`", figure.median if figure else None, LIMITS[word], "s") for word, figure in words.items()]
    rows = [[f"`{word}`", spread(figure)] for word, figure in words.items() if figure]
    return Section("Words", TEXT, [Table(["word", "s"], rows), first_hour.parts_table(figures, (COLD,))], goals)
