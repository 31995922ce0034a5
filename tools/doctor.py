"""Says which parts are used, from where, and what is missing."""

import platform

from tools import engine


def report() -> tuple[list[str], list[str]]:
    """Returns a line for each part, and for each missing part a line that says what to do.

    A line is as long as its path: a path that is broken at the edge of a terminal or a log cannot be copied.
    """
    rows = [("part", "version", "origin", "path"), ("python", platform.python_version(), "PATH", "")]
    missing = []
    for part in engine.parts():
        if installed := part.find():
            rows.append((part.name, installed.version, installed.origin, str(installed.path)))
        else:
            rows.append((part.name, part.version, "missing", ""))
            missing.append(f"{part.name}: run `make engine`, or install {part.install}.")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines], missing
