"""The command line: `python -m bench`."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import bridge, idle, invocations, machine

RESULTS = Path(__file__).parent.parent / "build" / "bench.json"


@click.command()
def main() -> None:
    """Measure, print the figures as a table, and keep them in build/bench.json."""
    console = Console()
    described = machine.describe()
    console.print(", ".join(f"{name} {value}" for name, value in described.items()))

    table = Table("prediction of one row", "a second", "p50 ms", "p99 ms", "p50, in-process = 1")
    rates = {}
    with console.status("Predictions …"):
        for name, rate in invocations.measure():
            rates[name] = rate
            ratio = rate.p50 / next(iter(rates.values())).p50
            table.add_row(name, f"{rate.per_second:,.0f}", f"{rate.p50:.2f}", f"{rate.p99:.2f}", f"{ratio:,.1f}")
    console.print(table)

    with console.status("Memory of endpoints …"):
        memory = idle.measure()
    table = Table("memory of an endpoint", "MiB")
    for name, mebibytes in memory.items():
        table.add_row(name, f"{mebibytes:.1f}")
    console.print(table)

    with console.status("Exports …"):
        exports = bridge.measure()
    table = Table("export of a stack", "seconds", "ms a resource", "peak MiB")
    for size, cost in exports.items():
        table.add_row(
            f"{size:,} resources", f"{cost.seconds:.2f}", f"{1000 * cost.seconds / size:.2f}", f"{cost.peak_mib:.0f}"
        )
    console.print(table)

    results = {
        "machine": described,
        "invocations": {name: asdict(rate) for name, rate in rates.items()},
        "memory_mib": memory,
        "exports": {size: asdict(cost) for size, cost in exports.items()},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    console.print(f"Kept in {RESULTS}")


if __name__ == "__main__":
    main()
