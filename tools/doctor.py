"""Says which parts are used, from where, what is missing, and what could be better."""

import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools import engine
from tools.paths import cache


@dataclass(frozen=True)
class Report:
    """What there is to say, in lines."""

    table: list[str]
    """A line for each part. It is as long as its path: a path that is broken at the edge of a terminal or a log
    cannot be copied."""
    missing: list[str]
    """What to do about each part that is missing."""
    advice: list[str]
    """What could be better."""


def report() -> Report:
    """Returns what there is to say about the engine."""
    rows = [("part", "version", "origin", "size", "path"), ("python", platform.python_version(), "PATH", "", "")]
    missing, advice = [], []
    for part in engine.parts():
        if installed := part.find():
            rows.append((part.name, installed.version, installed.origin, _size(installed.path), str(installed.path)))
            if installed.origin == "built":
                advice.append(f"{part.name} is built here. {part.downside}")
        else:
            rows.append((part.name, part.version, "missing", "", ""))
            missing.append(f"{part.name}: run `make engine`, or install {part.install}.")
    if advice:
        advice.append("`make engine` replaces what was built with the official downloads, once it can reach them.")
    rows.append(("all that is kept", "", "", _size(cache()), str(cache())))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return Report([line.rstrip() for line in lines], missing, advice)


def _size(path: Path) -> str:
    """Returns what a file or a folder takes on the disk; a file with several names counts once."""
    taken = {}
    for file in (path.resolve(), *path.rglob("*")):
        with suppress(FileNotFoundError):  # another set-up may be at work
            status = file.lstat()
            taken[status.st_dev, status.st_ino] = status.st_blocks * 512
    return f"{sum(taken.values()) / 2**20:.0f} MiB"
