"""The page with the figures against the figures that are kept beside it."""

from bench import report
from bench.__main__ import DOCS, MEASUREMENTS, kept


def test_the_page_is_made_of_the_figures() -> None:
    sections = [(module.section(figures), machine) for module, figures, machine in kept()]
    assert (DOCS / "README.md").read_text() == report.page(sections), "python -m bench makes it"


def test_every_measurement_is_on_the_page_and_every_plot_is_there() -> None:
    assert [module.NAME for module, *_ in kept()] == [*MEASUREMENTS]
    for module, figures, _ in kept():
        for plot in module.section(figures).plots:
            drawn = (DOCS / f"{plot.name}.svg").read_text()
            assert all(name.replace("`", "") in drawn for name in plot.lines), plot.name


def test_the_figures_to_quote_are_those_of_the_long_form() -> None:
    assert {machine["form"] for *_, machine in kept()} == {"long"}, "make bench-long"
