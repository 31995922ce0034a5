"""The command line: `python -m bench`."""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from rich.console import Console

from bench import (
    artifacts,
    as_on_aws,
    bridge,
    first_hour,
    idle,
    imports,
    machine,
    plans,
    predictions,
    profile,
    quotes,
    report,
    scale,
    words,
)
from bench.figures import Figure, Figures, Results
from sagebridge.errors import UserError
from sagebridge.files import write_file
from tools.paths import CHECKOUT
from tools.progress import step

USUAL = (as_on_aws, plans, profile, imports, first_hour, artifacts, predictions, bridge, scale, idle)
"""What is measured unless names are given."""
MEASUREMENTS: dict[str, ModuleType] = {module.NAME: module for module in (*USUAL, words)}
LOG_WIDTH = 200
"""Columns of what is printed where there is no terminal."""
DOCS = CHECKOUT / "docs" / "measured"
"""Where the long form's figures are."""
QUOTING = (CHECKOUT / "README.md", CHECKOUT / "docs" / "where-the-time-goes.md")
"""The pages with tables that are made of them."""
SHORT = CHECKOUT / "build" / "measured"
"""Where the short form's are, which git ignores."""


@click.command()
@click.option("--long", is_flag=True, help="The largest sizes too, and more runs: the figures to quote.")
@click.argument("names", nargs=-1, type=click.Choice([*MEASUREMENTS]))
def main(*, long: bool, names: tuple[str, ...]) -> None:
    """Measure NAMES, or all but `words`; print tables, and write them with plots and figures.

    The long form writes into docs/measured/, the short one into build/measured/, which git ignores. Each measurement
    is written when it ends, and one that fails does not keep the others from being taken.
    """
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
    folder = DOCS if long else SHORT
    remaining = list(names or (module.NAME for module in USUAL))
    failed = []
    try:
        while remaining:
            try:
                _measure(console, remaining[0], folder, long=long)
            except (click.ClickException, UserError) as error:  # such as a command that takes too long
                console.print(f"{remaining[0]}: {error.message}", markup=False, soft_wrap=True)
                failed.append(remaining[0])
            del remaining[0]
    finally:  # also of what an interrupt breaks off
        console.print(f"Written into {folder}", soft_wrap=True)
        if failed or remaining:
            form = " --long" if long else ""
            console.print(
                f"Not measured; go on with: .venv/bin/python -m bench{form} {' '.join([*failed, *remaining])}"
            )
    if failed:
        raise SystemExit(1)


def _measure(console: Console, name: str, folder: Path, *, long: bool) -> None:
    described = {**machine.describe(), "form": "long" if long else "short"}
    with step(console, name) as running:
        figures = MEASUREMENTS[name].measure(partial(setattr, running, "detail"), long=long)
        described["minutes"] = round(running.seconds / 60, 1)
    report.show(console, MEASUREMENTS[name].section(figures))
    keep(folder, name, described, figures)
    write(folder)


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
    """Makes the page and its plots from a folder's figures.json; those to quote also make the tables of other pages."""
    results = results_of(folder)
    write_file(folder / "README.md", report.page(results).encode())
    for measured in results.values():
        for plot in measured.section.plots:
            report.draw(plot, folder / f"{plot.name}.svg")
    for page in QUOTING if folder == DOCS else ():
        write_file(page, quotes.renewed(page.read_text(), results).encode())


def results_of(folder: Path) -> dict[str, Results]:
    """Returns the results of every measurement by its name, as they are in a folder's figures.json."""
    kept = _kept(folder)
    results = {}
    for name, module in MEASUREMENTS.items():
        measured = kept.get(name, {"machine": {}, "figures": []})
        figures = Figures(Figure(**{**figure, "samples": tuple(figure["samples"])}) for figure in measured["figures"])
        results[name] = Results(figures, measured["machine"], module.section(figures))
    return results


def _kept(folder: Path) -> dict[str, Any]:
    file = folder / "figures.json"
    return json.loads(file.read_text()) if file.exists() else {}


if __name__ == "__main__":
    main()
