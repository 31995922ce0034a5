"""The command line: `python -m bench`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from bench import artifacts, bridge, first_hour, idle, imports, machine, plans, predictions, profile, report
from bench.figures import Figure, Figures
from sagebridge.files import write_file
from tools.progress import step

if TYPE_CHECKING:
    from types import ModuleType

MEASUREMENTS: dict[str, ModuleType] = {
    module.NAME: module for module in (plans, profile, first_hour, artifacts, predictions, bridge, imports, idle)
}
DOCS = Path(__file__).parent.parent / "docs" / "measured"


@click.command()
@click.option("--long", is_flag=True, help="The largest sizes too, and more runs: the figures to quote.")
@click.argument("names", nargs=-1, type=click.Choice([*MEASUREMENTS]))
def main(*, long: bool, names: tuple[str, ...]) -> None:
    """Measure NAMES, or all there is; print tables, and write them with plots and figures into docs/measured/."""
    console = Console()
    for name in names or MEASUREMENTS:
        described = {**machine.describe(), "form": "long" if long else "short"}
        with step(console, name) as running:
            figures = MEASUREMENTS[name].measure(partial(setattr, running, "detail"), long=long)
        report.show(console, MEASUREMENTS[name].section(figures))
        keep(name, described, figures)
        write()  # at once: what is broken off later loses nothing
    console.print(f"Kept in {DOCS}")


def keep(name: str, described: dict[str, Any], figures: Figures) -> None:
    """Put a measurement's figures into figures.json, in the place of the last ones; a line each."""
    measured = {**_kept(), name: {"machine": described, "figures": [asdict(figure) for figure in figures]}}
    texts = [
        f'"{each}": {{"machine": {json.dumps(found["machine"])}, "figures": [\n'
        + ",\n".join(map(json.dumps, found["figures"]))
        + "\n]}"
        for each, found in measured.items()
    ]
    DOCS.mkdir(parents=True, exist_ok=True)
    write_file(DOCS / "figures.json", ("{\n" + ",\n".join(texts) + "\n}\n").encode())


def write() -> None:
    """Make the page and its plots from figures.json."""
    sections = [(module.section(figures), described) for module, figures, described in kept()]
    write_file(DOCS / "README.md", report.page(sections).encode())
    for section, _ in sections:
        for plot in section.plots:
            report.draw(plot, DOCS / f"{plot.name}.svg")


def kept() -> list[tuple[ModuleType, Figures, dict[str, Any]]]:
    """Give each measurement with its figures and their machine, as they are in figures.json."""
    measured = _kept()
    return [
        (
            module,
            Figures(Figure(**{**one, "samples": tuple(one["samples"])}) for one in measured[name]["figures"]),
            measured[name]["machine"],
        )
        for name, module in MEASUREMENTS.items()
        if name in measured
    ]


def _kept() -> dict[str, Any]:
    file = DOCS / "figures.json"
    return json.loads(file.read_text()) if file.exists() else {}


if __name__ == "__main__":
    main()
