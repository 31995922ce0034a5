"""What was measured, in one flat shape: each figure with all its samples. Tables, goals and plots are made of that."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Figure:
    """What was measured of one step."""

    what: str
    """The step, such as `plan`."""
    by: str
    """Who did the step, such as `component`."""
    size: int
    """The size of the work, in the measurement's own unit."""
    unit: str
    """The unit of the samples, such as `s` or `MiB`."""
    samples: tuple[float, ...]
    """The results, in the order of the runs."""

    def __post_init__(self) -> None:
        """Keeps six digits, which is more than a clock can tell."""
        object.__setattr__(self, "samples", tuple(float(f"{sample:.6g}") for sample in self.samples))

    @property
    def least(self) -> float:
        """The minimum."""
        return min(self.samples)

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.samples)


class Figures(tuple[Figure, ...]):
    """The figures of one measurement; a unit tells between figures of one step, as its time and its memory."""

    __slots__ = ()

    def of(self, unit: str) -> "Figures":
        """Returns the figures of a unit."""
        return Figures(figure for figure in self if figure.unit == unit)

    def get(self, what: str, by: str, size: int = 1) -> Figure | None:
        """Returns a figure, or None if it was not measured (the short form leaves some out)."""
        return next((figure for figure in self if (figure.what, figure.by, figure.size) == (what, by, size)), None)

    def sizes(self, what: str | None = None) -> list[int]:
        """Returns the sizes there are, ascending."""
        return sorted({figure.size for figure in self if what in (None, figure.what)})

    def ratio(self, what: str, by: str, to: str, size: int = 1) -> float | None:
        """Returns how many times as large a figure is as another's, by their medians; None without one of them."""
        figure, other = self.get(what, by, size), self.get(what, to, size)
        return figure.median / other.median if figure and other else None

    def beyond(self, what: str, by: str, to: str, size: int = 1) -> float | None:
        """Returns how much larger a figure is than another's, by their medians; None without one of them."""
        figure, other = self.get(what, by, size), self.get(what, to, size)
        return figure.median - other.median if figure and other else None

    def lines(self, what: str, names: Mapping[str, str]) -> dict[str, list[tuple[float, float]]]:
        """Returns the medians of a step by size, as the lines of a plot; who was not measured has none.

        Args:
            what: The step.
            names: The lines' names, by who did the step.
        """
        lines = {
            name: [(float(figure.size), figure.median) for figure in self if (figure.what, figure.by) == (what, by)]
            for by, name in names.items()
        }
        return {name: sorted(points) for name, points in lines.items() if points}


def spread(figure: Figure | None) -> str:
    """Returns a figure as text: its median and, of several runs, its minimum; empty if it was not measured."""
    if figure is None:
        return ""
    several = f" ({number(figure.least)})" if len(figure.samples) > 1 else ""
    return number(figure.median) + several


def number(value: float) -> str:
    """Returns a number as text, with three significant digits."""
    return f"{value:,.{digits(value)}f}"


def percentile(values: Sequence[float], part: float) -> float:
    """Returns the nearest rank: a value that was measured."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def digits(value: float) -> int:
    """Returns the decimals of three significant digits; none for what is larger, and for zero."""
    if not value:
        return 0
    return next((count for least, count in ((100, 0), (10, 1), (1, 2), (0.1, 3)) if abs(value) >= least), 4)


class Table(NamedTuple):
    """A table of texts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Goal(NamedTuple):
    """What a figure ought to be, and what it is."""

    what: str
    """What is measured."""
    value: float | None
    """What it is; None if it was not measured."""
    limit: float
    """What it may be at most."""
    unit: str = ""
    """The unit of both; none of a ratio or a count."""

    @property
    def outcome(self) -> str:
        """Whether the goal is met."""
        if self.value is None:
            return "not measured"
        return "met" if self.value <= self.limit else "missed"

    @property
    def cells(self) -> list[str]:
        """The goal as a row of a table, below `GOAL_COLUMNS`."""
        value = "" if self.value is None else f"{number(self.value)} {self.unit}".rstrip()
        return [self.what, value, f"≤ {self.limit:g} {self.unit}".rstrip(), self.outcome]


GOAL_COLUMNS = ("what", "value", "goal", "")


class Plot(NamedTuple):
    """A plot of lines, for one SVG file."""

    name: str
    """The file's name, without its ending."""
    title: str
    x: str
    """The title of the horizontal axis."""
    y: str
    """The title of the vertical axis."""
    lines: Mapping[str, Sequence[tuple[float, float]]]
    """Points, by the line's name."""


class Section(NamedTuple):
    """What is said of one measurement."""

    title: str
    text: str
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    plots: Sequence[Plot] = ()


class Results(NamedTuple):
    """What is kept and shown of one measurement."""

    figures: Figures
    """What was measured; empty if nothing was."""
    machine: Mapping[str, Any]
    """The machine that it was measured on; empty if nothing was."""
    section: Section
