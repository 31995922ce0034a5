"""Pure: what is read from what commands print, and what is made of figures."""

import pytest

from bench import first_hour, imports
from bench.figures import Figure, Figures, percentile, spread
from bench.machine import describe
from tools import engine

UP = """\
[1/5] pulumi: 3.246.0 (built)
Prediction ─────────────────────────────────
Python packages    26.0 s
Engine             5 min 26 s
Base (Terraform)   2.7 s
all                6 min 10 s

endpointName  boston-housing
prediction    {"Output": 28, "Predictions": [28.99672361982485]}
"""
IMPORT_TIME = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   _io
import time:      2000 |       2100 | pulumi.runtime
said by the program
"""


def test_the_parts_of_make_up_are_read_as_it_prints_them() -> None:
    assert first_hour.parts(UP) == {"Python packages": 26.0, "Engine": 326.0, "Base (Terraform)": 2.7}


def test_the_time_of_modules_is_read_as_python_prints_it() -> None:
    assert imports.modules(IMPORT_TIME) == {"_io": 0.1, "pulumi.runtime": 2.0}


def test_a_figure_is_its_median_and_of_several_runs_the_minimum_too() -> None:
    assert spread(Figure("plan", "raw", 1, "s", (3.0, 1.0, 2.0))) == "2.00 (1.00)"
    assert spread(Figure("plan", "raw", 1, "s", (1234.0,))) == "1,234"
    assert spread(None) == ""


@pytest.mark.parametrize(("part", "expected"), [(0.5, 2.0), (0.99, 4.0), (0.0, 1.0)])
def test_a_percentile_is_a_value_that_was_measured(part: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], part) == expected


def test_a_ratio_is_of_medians_and_none_where_one_was_not_measured() -> None:
    found = Figures([Figure("plan", "component", 20, "s", (2.0, 4.0)), Figure("plan", "raw", 20, "s", (1.0, 2.0))])
    assert found.ratio("plan", "component", "raw", 20) == 2.0
    assert found.ratio("plan", "component", "raw", 100) is None
    assert found.sizes() == [20]


def test_a_figure_says_what_machine_it_is_from() -> None:
    parts = {name for name, part in engine.find_all().items() if part}
    assert {"date", "cpu", "cores", "python", *parts} <= describe().keys()
