"""The page with the figures against the figures that are kept beside it, and where each form of the bench writes."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench import __main__ as bench
from bench import idle, imports, quotes, report
from bench.__main__ import DOCS, MEASUREMENTS, SHORT, results_of
from bench.figures import Figure, Figures, Goal, Results
from bench.processes import CommandFailed
from tests.conftest import ROOT

RESULTS = results_of(DOCS)


def test_the_page_is_made_of_the_figures() -> None:
    assert (DOCS / "README.md").read_text() == report.page(RESULTS), "make bench-long makes it"


def test_every_measurement_is_on_the_page_and_every_plot_is_there() -> None:
    page = (DOCS / "README.md").read_text()
    assert [*RESULTS] == [*MEASUREMENTS]
    for _, _, section in RESULTS.values():
        assert f"\n## {section.title}\n" in page
        for plot in section.plots:
            drawn = (DOCS / f"{plot.name}.svg").read_text()
            assert all(name.replace("`", "") in drawn for name in plot.lines), plot.name


def test_every_plot_in_the_docs_is_on_the_page() -> None:
    plots = {f"{plot.name}.svg" for _, _, section in RESULTS.values() for plot in section.plots}
    assert {file.name for file in DOCS.glob("*.svg")} == plots


def test_the_pages_that_quote_the_figures_have_the_same() -> None:
    pages = [page.read_text() for page in bench.QUOTING]
    assert [quotes.renewed(page, RESULTS) for page in pages] == pages, "make bench-long makes their tables"
    marks = [mark for page in pages for mark in re.findall(r"<!-- made by `make bench-long`: (\w+) -->", page)]
    assert sorted(marks) == sorted(quotes.QUOTES)
    assert sum(page.count("<!-- end -->") for page in pages) == len(marks)


def test_a_table_of_such_a_page_is_made_anew() -> None:
    goals = [Goal("apply ÷ raw", 1.2, 1.15), Goal("plan ÷ raw", 1.1, 1.15)]
    fleet = RESULTS["as_on_aws"].section._replace(goals=goals)
    results = {"as_on_aws": Results(Figures(), {}, fleet)}
    page = "Before.\n<!-- made by `make bench-long`: missed -->\nold\n<!-- end -->\nAfter.\n"
    row = "| [As on AWS](measured/README.md#as-on-aws) | apply ÷ raw | 1.20 | ≤ 1.15 |"
    renewed = quotes.renewed(page, results)
    assert row in renewed.splitlines()
    assert "old" not in renewed
    assert "plan ÷ raw" not in renewed
    assert (renewed.splitlines()[0], renewed.splitlines()[-1]) == ("Before.", "After.")


def test_the_figures_to_quote_are_those_of_the_long_form() -> None:
    assert {machine["form"] for _, machine, _ in RESULTS.values() if machine} == {"long"}, "make bench-long"


def test_every_goal_is_on_the_page_with_its_value_and_whether_it_is_met() -> None:
    page = (DOCS / "README.md").read_text()
    rows = page.partition("## Goals\n")[2].partition("\n## ")[0].strip().splitlines()[2:]
    goals = [goal for _, _, section in RESULTS.values() for goal in section.goals]
    assert [row.split(" | ")[1:] for row in rows] == [[*goal.cells[:3], f"{goal.outcome} |"] for goal in goals]


@pytest.mark.parametrize(
    ("goal", "cells"),
    [
        (Goal("apply ÷ raw", 1.1504, 1.15), ["apply ÷ raw", "1.15", "≤ 1.15", "missed"]),
        (Goal("start", 0.2, 0.2, "s"), ["start", "0.200 s", "≤ 0.2 s", "met"]),
        (Goal("start", -0.1, 0.2, "s"), ["start", "-0.100 s", "≤ 0.2 s", "met"]),
        (Goal("start", None, 0.2, "s"), ["start", "", "≤ 0.2 s", "not measured"]),
    ],
)
def test_a_goal_says_whether_it_is_met(goal: Goal, cells: list[str]) -> None:
    assert goal.cells == cells


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_section_without_figures_says_that_nothing_was_measured_and_how_to_do_it(name: str) -> None:
    section = MEASUREMENTS[name].section(Figures())
    assert {goal.outcome for goal in section.goals} <= {"not measured"}
    assert not section.plots
    page = report.page({name: Results(Figures(), {}, section)})
    assert f"Not measured yet: `.venv/bin/python -m bench --long {name}`" in page


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> Result:
    """Runs the command with folders of its own for both forms, and a page of its own that quotes the figures."""
    monkeypatch.setattr(bench, "SHORT", folder / "build")
    monkeypatch.setattr(bench, "DOCS", folder / "docs")
    monkeypatch.setattr(bench, "QUOTING", [quoting := folder / "quoting.md"])
    quoting.write_text("<!-- made by `make bench-long`: summary -->\n<!-- end -->\n")
    return CliRunner().invoke(bench.main, arguments, catch_exceptions=False)


def measured(_: Callable[[str], None], *, long: bool) -> Figures:
    """Stands for a measurement."""
    return Figures([Figure(idle.LOADED, "", 1, "MiB", (2.0 if long else 1.0,))])


@pytest.mark.parametrize(("options", "form"), [([], "short"), (["--long"], "long")])
def test_only_the_long_form_writes_into_the_docs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], form: str
) -> None:
    monkeypatch.setattr(idle, "measure", measured)
    done = run(monkeypatch, tmp_path, *options, idle.NAME)
    folder = tmp_path / ("docs" if form == "long" else "build")
    assert done.exit_code == 0
    assert f"Written into {folder}\n" in done.output
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, "quoting.md"}
    row = "| an endpoint of the local AWS with its model loaded | 2.00 MiB |"
    assert (row in (tmp_path / "quoting.md").read_text()) == (form == "long")
    _, machine, section = results_of(folder)[idle.NAME]
    assert (machine["form"], section.tables[0].rows) == (form, [["model loaded", "2.00" if form == "long" else "1.00"]])
    assert "# Measured" in (folder / "README.md").read_text()


def failing(_: Callable[[str], None], *, long: bool) -> Figures:
    """Stands for a measurement whose command fails."""
    raise CommandFailed(f"pulumi up took longer than {900 if long else 90} s")


def interrupted(_: Callable[[str], None], *, long: bool) -> Figures:
    """Stands for a measurement that a person breaks off."""
    raise KeyboardInterrupt(long)


def test_what_fails_keeps_nothing_else_from_being_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(imports, "measure", failing)
    monkeypatch.setattr(idle, "measure", measured)
    done = run(monkeypatch, tmp_path, "--long", imports.NAME, idle.NAME)
    assert done.exit_code == 1
    assert "imports: pulumi up took longer than 900 s\n" in done.output
    assert "Not measured; go on with: .venv/bin/python -m bench --long imports\n" in done.output
    assert results_of(tmp_path / "docs")[idle.NAME].machine["form"] == "long"


def test_what_is_broken_off_says_what_remains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(idle, "measure", measured)
    monkeypatch.setattr(imports, "measure", interrupted)
    done = run(monkeypatch, tmp_path, idle.NAME, imports.NAME)
    assert done.exit_code != 0
    assert "Not measured; go on with: .venv/bin/python -m bench imports\n" in done.output
    assert results_of(tmp_path / "build")[idle.NAME].machine["form"] == "short"


def test_what_takes_longest_is_measured_only_when_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in MEASUREMENTS.values():
        monkeypatch.setattr(module, "measure", lambda _, *, long: Figures())  # noqa: ARG005 - it has the name
    assert run(monkeypatch, tmp_path).exit_code == 0
    results = results_of(tmp_path / "build")
    assert [name for name, measured in results.items() if not measured.machine] == ["words"]


def test_git_ignores_where_the_short_form_writes() -> None:
    subprocess.run(["git", "check-ignore", "--quiet", SHORT / "figures.json"], cwd=ROOT, check=True)
