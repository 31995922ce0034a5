"""What an export of a stack costs, by the number of its resources."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import configuration, deployment, mapping, translation

STATES = Path(__file__).parents[1] / "tests" / "bridge" / "states"
"""What the real engine wrote, one resource a type."""
SIZES = (20, 200, 2000)


@dataclass(frozen=True)
class Cost:
    """What one export took.

    Attributes:
        seconds: from the stack's export to the text of the module in both formats.
        peak_mib: the most memory that the process had, Python included.
    """

    seconds: float
    peak_mib: float


def measure() -> dict[int, Cost]:
    """Measure an export by the number of resources, each in a process of its own."""
    costs = {}
    for size in SIZES:
        command = [sys.executable, "-m", "bench.bridge", str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        costs[size] = Cost(**json.loads(done.stdout))
    return costs


def state(size: int) -> str:
    """Make a stack's export of many resources, which are copies of real ones, each depending on the one before."""
    documents = [json.loads(file.read_text()) for file in sorted(STATES.glob("aws_*.json"))]
    made = [documents[0]["deployment"]["resources"][0]]
    for number in range(size):
        copy = dict(documents[number % len(documents)]["deployment"]["resources"][1])
        made.append(copy | {"urn": f"{copy['urn']}-{number}", "dependencies": [made[-1]["urn"]] if number else []})
    return json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": made}})


def export(text: str) -> Cost:
    """Export a stack to nowhere."""
    known = (STATES / "mapping.json").read_text()
    started = time.perf_counter()
    stack = deployment.read(text)
    found = translation.translate(stack, mapping.read(known, translation.wanted(stack)))
    configuration.to_json(found.blocks)
    configuration.to_hcl(found.blocks)
    seconds = time.perf_counter() - started
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(export(state(int(sys.argv[1]))))))
