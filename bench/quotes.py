"""The tables of docs/where-the-time-goes.md that come from the figures: what is explained is what was measured."""

import re
from collections.abc import Callable, Mapping

from bench import as_on_aws, plans, report
from bench.as_on_aws import PARALLEL, contender
from bench.figures import GOAL_COLUMNS, Results, Table, number
from bench.plans import COMPONENT, RAW, STEPS

PAGE = "where-the-time-goes.md"
"""The page, beside the folder of the long form."""
_QUOTE = re.compile(r"(?<=<!-- made by `make bench-long`: )(\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)


def missed(results: Mapping[str, Results]) -> Table:
    """Returns the goals that are missed."""
    rows = [
        [report.link(section, "measured/README.md"), *goal.cells[:-1]]
        for _, _, section in results.values()
        for goal in section.goals
        if goal.outcome == "missed"
    ]
    return Table(["section", *GOAL_COLUMNS[:-1]], rows)


def ratios(results: Mapping[str, Results]) -> Table:
    """Returns what the component takes of what raw resources take, by step and by the number of endpoints."""
    without_latency, with_latency = results[plans.NAME].figures.of("s"), results[as_on_aws.NAME].figures
    compared = {
        "without latency": (without_latency, None),
        "as on AWS": (with_latency, None),
        f"as on AWS, {PARALLEL} at once": (with_latency, PARALLEL),
    }
    rows = [
        [STEPS[step], f"{size}", *(number(ratio) if ratio else "" for ratio in row)]
        for step in STEPS
        for size in sorted({*without_latency.sizes(step), *with_latency.sizes(step)} - {0})
        if any(
            row := [
                figures.ratio(step, contender(COMPONENT, parallel), contender(RAW, parallel), size)
                for figures, parallel in compared.values()
            ]
        )
    ]
    return Table(["component ÷ raw", "endpoints", *compared], rows)


QUOTES: Mapping[str, Callable[[Mapping[str, Results]], Table]] = {"missed": missed, "ratios": ratios}
"""What makes each table, by its name in the page."""


def renewed(page: str, results: Mapping[str, Results]) -> str:
    """Returns a page with its tables made anew of the results."""
    return _QUOTE.sub(lambda match: f"{match[1]} -->\n\n{report.table(QUOTES[match[1]](results))}\n\n", page)
