"""What a figure must say of the machine that it was taken on, and how figures are summed up."""

from __future__ import annotations

import math
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = ("boto3", "moto", "scikit-learn")


@dataclass(frozen=True)
class Rate:
    """How quickly something was done again and again.

    Attributes:
        per_second: times a second, all clients together.
        p50: median in milliseconds.
        p99: 99th percentile in milliseconds.
    """

    per_second: float
    p50: float
    p99: float


def rate(seconds: Sequence[float], elapsed: float) -> Rate:
    """Sum up what each time took, in seconds, and what all took together."""
    ordered = sorted(seconds)
    return Rate(len(ordered) / elapsed, 1000 * _percentile(ordered, 0.50), 1000 * _percentile(ordered, 0.99))


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Give the nearest rank: a value that was measured."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def memory_of(pids: Sequence[int]) -> float:
    """Give the memory of some processes in MiB, each shared page counted once among those that share it (PSS)."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def descendants(pid: int) -> list[int]:
    """Give a process and all that it started, directly or not, that are alive."""
    found = [pid]
    with suppress(FileNotFoundError):  # a thread or a child that ends meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += descendants(int(child))
    return found


def describe() -> dict[str, object]:
    """Describe this machine and the versions that figures depend on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
