"""The command line: `python -m bench`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from bench import artifacts, bridge, first_hour, idle, imports, machine, plans, predictions, profile, report, scale
from bench.figures import Figure, Figures
from sagebridge.files import write_file
from tools.paths import CHECKOUT
from tools.progress import step

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

MEASUREMENTS: dict[str, ModuleType] = {
    module.NAME: module for module in (plans, profile, first_hour, artifacts, predictions, bridge, scale, imports, idle)
}
DOCS = CHECKOUT / "docs" / "measured"
"""Where the long form's figures are, which the README quotes."""
SHORT = CHECKOUT / "build" / "measured"
"""Where the short form's are, which git ignores."""


@click.command()
@click.option("--long", is_flag=True, help="The largest sizes too, and more runs: the figures to quote.")
@click.argument("names", nargs=-1, type=click.Choice([*MEASUREMENTS]))
def main(*, long: bool, names: tuple[str, ...]) -> None:
    """Measure NAMES, or all there is; print tables, and write them with plots and figures.

    The long form writes into docs/measured/, the short one into build/measured/, which git ignores.
    """
    console = Console()
    folder = DOCS if long else SHORT
    for name in names or MEASUREMENTS:
        described = {**machine.describe(), "form": "long" if long else "short"}
        with step(console, name) as running:
            figures = MEASUREMENTS[name].measure(partial(setattr, running, "detail"), long=long)
        report.show(console, MEASUREMENTS[name].section(figures))
        keep(folder, name, described, figures)
        write(folder)  # at once: what is broken off later loses nothing
    console.print(f"Written into {folder}", soft_wrap=True)


def keep(folder: Path, name: str, described: dict[str, Any], figures: Figures) -> None:
    """Puts a measurement's figures into a folder's figures.json, in the place of the last ones; a line each."""
    measured = {**_kept(folder), name: {"machine": described, "figures": [asdict(figure) for figure in figures]}}
    texts = [
        f'"{measurement}": {{"machine": {json.dumps(results["machine"])}, "figures": [\n'
        + ",\n".join(map(json.dumps, results["figures"]))
        + "\n]}"
        for measurement, results in measured.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "figures.json", ("{\n" + ",\n".join(texts) + "\n}\n").encode())


def write(folder: Path) -> None:
    """Makes the page and its plots from a folder's figures.json."""
    sections = [(module.section(figures), described) for module, figures, described in kept(folder)]
    write_file(folder / "README.md", report.page(sections).encode())
    for section, _ in sections:
        for plot in section.plots:
            report.draw(plot, folder / f"{plot.name}.svg")


def kept(folder: Path) -> list[tuple[ModuleType, Figures, dict[str, Any]]]:
    """Returns each measurement with its figures and their machine, as they are in a folder's figures.json."""
    measured = _kept(folder)
    return [
        (
            module,
            Figures(Figure(**{**figure, "samples": tuple(figure["samples"])}) for figure in measured[name]["figures"]),
            measured[name]["machine"],
        )
        for name, module in MEASUREMENTS.items()
        if name in measured
    ]


def _kept(folder: Path) -> dict[str, Any]:
    file = folder / "figures.json"
    return json.loads(file.read_text()) if file.exists() else {}


if __name__ == "__main__":
    main()
