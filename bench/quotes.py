"""The tables of other pages that come from the figures, so that what they quote and explain is what was measured."""

import re
from collections.abc import Callable, Mapping

from bench import artifacts, as_on_aws, bridge, first_hour, idle, plans, predictions, report, words
from bench.as_on_aws import PARALLEL, contender
from bench.figures import GOAL_COLUMNS, Figure, Results, Table, number
from bench.plans import APPLY, COMPONENT, RAW, STEPS, TERRAFORM, UPDATE

_QUOTE = re.compile(r"(?<=<!-- made by `make bench-long`: )(\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)


def missed(results: Mapping[str, Results]) -> Table:
    """Returns the goals that are missed, with links from a page in docs/."""
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


def summary(results: Mapping[str, Results]) -> Table:
    """Returns the figures that a reader of the README may ask for first; what was not measured is left out."""
    rows = [*_first_hour(results), *_fleet(results), *_commands(results), *_predictions(results)]
    return Table(["", "took", "compared with"], [row for row in rows if row[1]])


def _first_hour(results: Mapping[str, Results]) -> list[list[str]]:
    usual, cold = results[first_hour.NAME].figures, results[words.NAME].figures
    engine = _text(cold.get(words.COLD, "Engine"))
    return [
        [
            "clone to prediction, empty caches",
            _text(cold.get(words.COLD, first_hour.ALL)),
            f"the engine's build alone {engine}",
        ],
        ["the same on a machine that has done it before", _text(usual.get(first_hour.WARM, first_hour.ALL)), ""],
        ["`make up` with nothing to change", _text(usual.get(first_hour.AGAIN, first_hour.ALL)), ""],
    ]


def _fleet(results: Mapping[str, Results]) -> list[list[str]]:
    slow, quick = results[as_on_aws.NAME].figures, results[plans.NAME].figures.of("s")
    rows = [
        [
            f"{STEPS[step]}, {size} endpoints as on AWS, {PARALLEL} at once",
            _text(slow.get(step, contender(COMPONENT, PARALLEL), size)),
            f"Terraform as it comes {_text(slow.get(step, TERRAFORM, size))}",
        ]
        for step, size in ((APPLY, 30), (UPDATE, 100))
    ]
    for step in plans.MEASURED:
        sizes = [size for size in quick.sizes(step) if size]
        medians = {tool: _texts([quick.get(step, tool, size) for size in sizes]) for tool in plans.TOOLS}
        rows.append(
            [
                f"{STEPS[step]}, {', '.join(map(str, sizes))} endpoints without latency",
                medians[COMPONENT],
                f"{plans.TOOLS[RAW]} {medians[RAW]}; Terraform {medians[TERRAFORM]}",
            ]
        )
    return rows


def _commands(results: Mapping[str, Results]) -> list[list[str]]:
    archives, bridge_times = results[artifacts.NAME].figures, results[bridge.NAME].figures.of("s")
    times, memory = archives.of("s"), archives.of("MiB")
    rows = []
    for step, other in ((artifacts.PACKAGE, artifacts.GZIP), (artifacts.PUBLISH, artifacts.UPLOAD)):
        for size in times.sizes(step)[-1:]:
            costs = [_text(figures.get(step, artifacts.OURS, size)) for figures in (times, memory)]
            other_seconds = _text(times.get(step, other, size))
            rows.append([f"`sagebridge {step}` of {size:,} MiB", ", ".join(costs), f"{other} {other_seconds}"])
    for step, tool, label in ((bridge.EXPORT, bridge.PULUMI, "Pulumi"), (bridge.VERIFY, bridge.TERRAFORM, "Terraform")):
        size = bridge.GOALS[-1]
        rows.append(
            [
                f"`sagebridge {step}` of {size:,} resources, in the bridge itself",
                _text(bridge_times.get(step, bridge.OWN, size)),
                f"{label} {_text(bridge_times.get(step, tool, size))}",
            ]
        )
    return rows


def _predictions(results: Mapping[str, Results]) -> list[list[str]]:
    p50, memory = results[predictions.NAME].figures.of(predictions.P50), results[idle.NAME].figures
    others = (predictions.BOTO3, predictions.HANDLER, predictions.MOTO)
    rows = []
    for what in dict.fromkeys(figure.what for figure in p50):
        medians = {
            by: f"{number(figure.median)} ms" for by in (predictions.LOCAL, *others) if (figure := p50.get(what, by))
        }
        compared = "; ".join(f"{by} {medians[by]}" for by in others if by in medians)
        rows.append([f"a prediction of {what}, 1 client, p50", medians.get(predictions.LOCAL, ""), compared])
    loaded, idling = (_text(memory.get(what, "")) for what in (idle.LOADED, idle.IDLE))
    return [*rows, ["an endpoint of the local AWS with its model loaded", loaded, f"idle {idling}"]]


def _text(figure: Figure | None) -> str:
    return f"{number(figure.median)} {figure.unit}" if figure else ""


def _texts(figures: list[Figure | None]) -> str:
    """Returns figures of one unit as one text."""
    medians = ", ".join(number(figure.median) for figure in figures if figure)
    return f"{medians} s" if medians else ""


QUOTES: Mapping[str, Callable[[Mapping[str, Results]], Table]] = {
    "missed": missed,
    "ratios": ratios,
    "summary": summary,
}
"""What makes each table, by its name in the page."""


def renewed(page: str, results: Mapping[str, Results]) -> str:
    """Returns a page with its tables made anew of the results."""
    return _QUOTE.sub(lambda match: f"{match[1]} -->\n\n{report.table(QUOTES[match[1]](results))}\n\n", page)
