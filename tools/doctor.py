"""Says which parts are used, from where, and what is missing."""

import platform

from rich.table import Table

from tools import engine


def table() -> tuple[Table, list[str]]:
    """Returns the table of parts, and for each missing part a line that says what to do."""
    rows = Table(box=None, pad_edge=False)
    for column in ("part", "version", "origin", "path"):
        rows.add_column(column, overflow="fold")
    rows.add_row("python", platform.python_version(), "PATH", "")
    missing = []
    for part in engine.parts():
        installed = part.find()
        if installed:
            rows.add_row(part.name, installed.version, installed.origin, str(installed.path))
        else:
            rows.add_row(part.name, part.version, "missing", "")
            missing.append(f"{part.name}: run `make engine`, or install {part.install}.")
    return rows, missing
