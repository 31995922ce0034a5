"""What is made of the figures: tables for a terminal, and a page with plots for docs/."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas
from rich.console import Console
from rich.table import Table as RichTable

from bench.figures import GOAL_COLUMNS, Plot, Results, Section, Table

HEAD = """\
# Measured

What this costs beside the tools that people would pick instead. `make bench-long` makes this page, its plots and
[figures.json](figures.json) anew in about half an hour on two idle cores; `.venv/bin/python -m bench --long NAME`
measures one section anew. `make bench` leaves out the largest sizes, takes a few minutes and makes such a page in
`build/measured/`. Each figure is a median; of several runs the minimum follows in brackets, and a figure without
brackets is of one run. What a section compares was measured in one run on one machine. Where a goal is missed,
[where the time goes](../../docs/where-the-time-goes.md) shows the cause.
"""
NOT_MEASURED = "Not measured yet: `.venv/bin/python -m bench --long {name}` does it."
STYLE: dict[Any, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.alpha": 0.3,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "sagebridge",  # the same figures, the same file
}


def show(console: Console, section: Section) -> None:
    """Prints a section."""
    console.rule(f"[bold]{section.title}", align="left")
    for table in section.tables:
        shown = RichTable(*map(_plain, table.columns), box=None, pad_edge=False)
        for row in table.rows:
            shown.add_row(*map(_plain, row))
        console.print(shown, "")
    for goal in section.goals:
        what, value, limit, outcome = goal.cells
        console.print(f"{outcome:12}  {_plain(what)}: {value or 'no figure'}, goal {limit}", soft_wrap=True)


def page(results: Mapping[str, Results]) -> str:
    """Returns the page's text.

    Args:
        results: By the name of the measurement.
    """
    rows = [[link(section), *goal.cells] for _, _, section in results.values() for goal in section.goals]
    goals = f"## Goals\n\n{table(Table(['section', *GOAL_COLUMNS], rows))}\n"
    sections = [_section(name, measured.section, measured.machine) for name, measured in results.items()]
    return "\n".join([HEAD, goals, *sections])


def draw(plot: Plot, file: Path) -> None:
    """Draws a plot as SVG."""
    with rc_context(STYLE):
        canvas = Canvas(figsize=(6, 3.5), layout="constrained")
        axes = canvas.subplots()
        for name, points in plot.lines.items():
            axes.plot(*zip(*points, strict=True), marker="o", label=_plain(name))
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y, xlim=(0, None), ylim=(0, None))
        axes.legend(frameon=False)
        canvas.savefig(file, format="svg", metadata={"Date": None})


def table(content: Table) -> str:
    """Returns a table in Markdown."""
    lines = [content.columns, ["---"] * len(content.columns), *content.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def link(section: Section, page: str = "") -> str:
    """Returns a link to a section of the page.

    Args:
        section: The section.
        page: Where the page is. Default is the page itself.
    """
    anchor = "".join(sign for sign in section.title.lower().replace(" ", "-") if sign.isalnum() or sign == "-")
    return f"[{section.title}]({page}#{anchor})"


def _section(name: str, section: Section, machine: Mapping[str, Any]) -> str:
    described = ", ".join(f"{key} {value}" for key, value in machine.items()) or NOT_MEASURED.format(name=name)
    plots = " ".join(f"![{_plain(plot.title)}]({plot.name}.svg)" for plot in section.plots)
    tables = [table(content) for content in section.tables if content.rows]
    parts = [f"## {section.title}", section.text, *tables, *([plots] if plots else []), f"*{described}*"]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Returns a text without Markdown's marks."""
    return text.replace("`", "")
