"""The first hour: from a clone to a prediction, on a machine that has done it before, and once more."""

import os
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import processes
from bench.figures import Figure, Figures, Goal, Section, Table, spread
from tools.paths import CHECKOUT

NAME = "first_hour"
WARM, AGAIN = "warm caches", "nothing to change"
LIMITS = {WARM: 60, AGAIN: 5}
"""Seconds."""
ALL = "all, from outside"
RUNS = 3  # with nothing to change, in the long form
TEXT = """\
`git clone`, then `make up`, as a person types it. *Warm caches*: a new clone on a machine that has done it before,
one run. *Nothing to change*: `make up` again in that clone, three runs. The parts are what `make up` itself
prints."""
_PART = re.compile(r"^([A-Z][\w ()]*?)  +(?:(\d+) min (\d+) s|([\d.]+) s)\s*$", re.MULTILINE)
_CACHES = ("XDG_CACHE_HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "PIP_CACHE_DIR")


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of each part."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        clone, env = Path(folder, "clone"), environment()
        say(f"make up, {WARM}")
        for part, seconds in first(clone, env).items():
            taken[WARM, part].append(seconds)
        for run in range(RUNS if long else 1):
            say(f"make up, {AGAIN}, {run + 1}")
            for part, seconds in again(clone, env).items():
                taken[AGAIN, part].append(seconds)
        say("make down")
        processes.output(["make", "down"], clone, env)
    return Figures(Figure(what, part, 1, "s", tuple(seconds)) for (what, part), seconds in taken.items())


def clone_into(clone: Path, env: Mapping[str, str]) -> float:
    """Clones this checkout as it is committed; returns the seconds."""
    return processes.seconds(["git", "clone", "--quiet", CHECKOUT, clone], clone.parent, env)


def first(clone: Path, env: Mapping[str, str], limit: float = processes.SECONDS) -> dict[str, float]:
    """Clones this checkout as it is committed and brings it up; returns the seconds of each part."""
    cloned = clone_into(clone, env)
    took = {"Clone": cloned, **again(clone, env, limit)}
    took[ALL] += cloned
    return took


def again(clone: Path, env: Mapping[str, str], limit: float = processes.SECONDS) -> dict[str, float]:
    """Brings a clone up within so many seconds; returns the seconds of each part."""
    started = time.perf_counter()
    output = processes.output(["make", "up"], clone, env, limit)
    took = time.perf_counter() - started
    return {**parts(output), ALL: took}


def parts(output: str) -> dict[str, float]:
    """Reads the seconds of each part from what `make up` prints at its end."""
    return {
        title: float(seconds) if seconds else 60 * int(minutes) + int(rest)
        for title, minutes, rest, seconds in _PART.findall(output)
    }


def environment(home: Path | None = None) -> dict[str, str]:
    """Returns a person's environment, not that of the `make` that runs this; with another home, if one is given."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "AWS_"))}
    if home is None:
        return variables
    modules = str(home / "go" / "pkg" / "mod")  # a file of Go's settings may name another folder
    kept = {name: value for name, value in variables.items() if name not in _CACHES}
    return {**kept, "HOME": str(home), "GOMODCACHE": modules}


def parts_table(figures: Figures, kinds: Sequence[str]) -> Table:
    """Returns a table of the parts of `make up`, with a column for each of some kinds of run."""
    names = list(dict.fromkeys(figure.by for figure in figures if figure.what in kinds))
    return Table(["s", *kinds], [[name, *(spread(figures.get(kind, name)) for kind in kinds)] for name in names])


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    goals = [
        Goal(f"`make up`, {kind}", figure.median if (figure := figures.get(kind, ALL)) else None, limit, "s")
        for kind, limit in LIMITS.items()
    ]
    return Section("First hour", TEXT, [parts_table(figures, (WARM, AGAIN))], goals)
