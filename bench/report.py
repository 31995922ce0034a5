"""What is made of the figures: tables for a terminal, and a page with plots for docs/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas
from rich.table import Table as RichTable

from bench.figures import Plot, Section, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

HEAD = """\
# Measured

What this costs beside the tools that people would pick instead. `make bench-long` makes this page, its plots and
[figures.json](figures.json) anew; `make bench` leaves out the largest sizes, takes a few minutes and makes such a
page in `build/measured/`. Each figure is a median; of several runs the minimum follows in brackets. What a section
compares was measured in one run on one machine. Where an aim is missed,
[where the time goes](../../docs/where-the-time-goes.md) shows the cause.
"""
STYLE: dict[Any, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.alpha": 0.3,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "sagebridge",  # the same figures, the same file
}


def show(console: Console, section: Section) -> None:
    """Print a section."""
    console.rule(f"[bold]{section.title}", align="left")
    for table in section.tables:
        shown = RichTable(*map(_plain, table.columns), box=None, pad_edge=False)
        for row in table.rows:
            shown.add_row(*map(_plain, row))
        console.print(shown, "")
    for aim in section.aims:
        console.print(f"{_met(met=aim.met):6}  {_plain(aim.wanted)}: {aim.found}")


def page(sections: Sequence[tuple[Section, Mapping[str, Any]]]) -> str:
    """Give the page's text, of each section with the machine that it was measured on."""
    return "\n".join([HEAD, *(_section(section, machine) for section, machine in sections)])


def draw(plot: Plot, file: Path) -> None:
    """Draw a plot as SVG."""
    with rc_context(STYLE):
        canvas = Canvas(figsize=(6, 3.5), layout="constrained")
        axes = canvas.subplots()
        for name, points in plot.lines.items():
            axes.plot(*zip(*points, strict=True), marker="o", label=_plain(name))
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y, xlim=(0, None), ylim=(0, None))
        axes.legend(frameon=False)
        canvas.savefig(file, format="svg", metadata={"Date": None})


def _section(section: Section, machine: Mapping[str, Any]) -> str:
    described = ", ".join(f"{name} {value}" for name, value in machine.items())
    aims = Table(["aim", "found", ""], [[aim.wanted, aim.found, _met(met=aim.met)] for aim in section.aims])
    tables = [*section.tables, *([aims] if section.aims else [])]
    plots = " ".join(f"![{_plain(plot.title)}]({plot.name}.svg)" for plot in section.plots)
    parts = [f"## {section.title}", section.text, *map(_table, tables), *([plots] if plots else []), f"*{described}*"]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _met(*, met: bool) -> str:
    return "met" if met else "missed"


def _plain(text: str) -> str:
    """Give a text without Markdown's marks."""
    return text.replace("`", "")
