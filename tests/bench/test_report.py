"""The page with the figures against the figures that are kept beside it, and where each form of the bench writes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import __main__ as bench
from bench import idle, report
from bench.__main__ import DOCS, MEASUREMENTS, SHORT, kept
from bench.figures import Figure, Figures
from tests.conftest import ROOT


def test_the_page_is_made_of_the_figures() -> None:
    sections = [(module.section(figures), machine) for module, figures, machine in kept(DOCS)]
    assert (DOCS / "README.md").read_text() == report.page(sections), "make bench-long makes it"


def test_every_measurement_is_on_the_page_and_every_plot_is_there() -> None:
    assert [module.NAME for module, *_ in kept(DOCS)] == [*MEASUREMENTS]
    for module, figures, _ in kept(DOCS):
        for plot in module.section(figures).plots:
            drawn = (DOCS / f"{plot.name}.svg").read_text()
            assert all(name.replace("`", "") in drawn for name in plot.lines), plot.name


def test_the_figures_to_quote_are_those_of_the_long_form() -> None:
    assert {machine["form"] for *_, machine in kept(DOCS)} == {"long"}, "make bench-long"


@pytest.mark.parametrize(("options", "form"), [([], "short"), (["--long"], "long")])
def test_only_the_long_form_writes_into_the_docs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], form: str
) -> None:
    def measure(_: Callable[[str], None], *, long: bool) -> Figures:
        return Figures([Figure(idle.LOADED, "", 1, "MiB", (2.0 if long else 1.0,))])

    folders = {"short": tmp_path / "build", "long": tmp_path / "docs"}
    monkeypatch.setattr(bench, "SHORT", folders["short"])
    monkeypatch.setattr(bench, "DOCS", folders["long"])
    monkeypatch.setattr(idle, "measure", measure)
    done = CliRunner().invoke(bench.main, [*options, idle.NAME], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"Written into {folders[form]}\n" in done.output
    assert [path.name for path in tmp_path.iterdir()] == [folders[form].name]
    ((_, figures, machine),) = kept(folders[form])
    assert (machine["form"], figures[0].samples) == (form, (2.0 if form == "long" else 1.0,))
    assert "# Measured" in (folders[form] / "README.md").read_text()


def test_git_ignores_where_the_short_form_writes() -> None:
    subprocess.run(["git", "check-ignore", "--quiet", SHORT / "figures.json"], cwd=ROOT, check=True)
