"""The first hour: from a clone to a prediction, with caches that are empty and such as a user has, and once more."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import processes
from bench.figures import Aim, Figure, Figures, Section, Table, spread
from tools.paths import CHECKOUT

NAME = "first_hour"
COLD, WARM, AGAIN = "empty caches", "warm caches", "nothing to change"
WANTED = {WARM: 60, AGAIN: 20}
"""Seconds at the most."""
ALL = "all, from outside"
RUNS = 3  # of what takes no minutes, in the long form
TEXT = """\
`git clone`, then `make up`, as a person types it. *Empty caches*: an empty home, so that Python packages and Go
modules are fetched and all is compiled; what the machine ships (Python, Go, Terraform) is there. *Warm caches*: a
new clone on a machine that has done it before. *Nothing to change*: `make up` again in that clone. The parts are
what `make up` itself prints."""
_PART = re.compile(r"^([A-Z][\w ()]*?)  +(?:(\d+) min (\d+) s|([\d.]+) s)\s*$", re.MULTILINE)
_CACHES = ("XDG_CACHE_HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "PIP_CACHE_DIR")


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of each part; with empty caches in the long form only, as it takes minutes."""
    taken: dict[tuple[str, str], list[float]] = {}

    def note(what: str, parts: Mapping[str, float]) -> None:
        for part, seconds in parts.items():
            taken.setdefault((what, part), []).append(seconds)

    with tempfile.TemporaryDirectory() as folder:
        if long:
            say(f"make up, {COLD}")
            home = Path(folder, "home")
            home.mkdir()
            try:
                note(COLD, first(Path(folder, "cold"), _environment(home)))
                processes.output(["make", "down"], Path(folder, "cold"), _environment(home))
            finally:  # Go makes what it fetches read-only, and it could not be removed
                subprocess.run(["go", "clean", "-modcache"], env=_environment(home), check=False)
        for run in range(RUNS if long else 1):
            clone, env = Path(folder, f"warm-{run}"), _environment()
            say(f"make up, {WARM}, {run + 1}")
            note(WARM, first(clone, env))
            say(f"make up, {AGAIN}, {run + 1}")
            note(AGAIN, again(clone, env))
            processes.output(["make", "down"], clone, env)
    return Figures(Figure(what, part, 1, "s", tuple(seconds)) for (what, part), seconds in taken.items())


def first(clone: Path, env: Mapping[str, str]) -> dict[str, float]:
    """Clones this checkout as it is committed and brings it up; returns the seconds of each part."""
    started = time.perf_counter()
    processes.output(["git", "clone", "--quiet", CHECKOUT, clone], clone.parent, env)
    cloned = time.perf_counter() - started
    took = {"Clone": cloned, **again(clone, env)}
    took[ALL] += cloned
    return took


def again(clone: Path, env: Mapping[str, str]) -> dict[str, float]:
    """Brings a clone up; returns the seconds of each part."""
    started = time.perf_counter()
    output = processes.output(["make", "up"], clone, env)
    took = time.perf_counter() - started
    return {**parts(output), ALL: took}


def parts(output: str) -> dict[str, float]:
    """Reads the seconds of each part from what `make up` prints at its end."""
    return {
        title: float(seconds) if seconds else 60 * int(minutes) + int(rest)
        for title, minutes, rest, seconds in _PART.findall(output)
    }


def _environment(home: Path | None = None) -> dict[str, str]:
    """Returns a person's environment, not that of the `make` that runs this; with another home, if one is given."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "AWS_"))}
    if home is None:
        return variables
    return {name: value for name, value in variables.items() if name not in _CACHES} | {"HOME": str(home)}


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    kinds = [kind for kind in (COLD, WARM, AGAIN) if any(figure.what == kind for figure in figures)]
    names = list(dict.fromkeys(figure.by for figure in figures))
    rows = [[name, *(spread(figures.get(kind, name)) for kind in kinds)] for name in names]
    aims = [
        Aim(f"{kind}: under {most} s", f"{figure.median:.1f} s", met=figure.median < most)
        for kind, most in WANTED.items()
        if (figure := figures.get(kind, ALL))
    ]
    return Section("First hour", TEXT, [Table(["s", *kinds], rows)], aims)
