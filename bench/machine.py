"""What a figure must say of the machine that it was taken on, and how much memory processes have."""

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tools import engine

PACKAGES = ("boto3", "moto", "scikit-learn")


def memory_of(pids: Sequence[int]) -> float:
    """Returns the memory of some processes in MiB, each shared page counted once among those that share it (PSS)."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def descendants(pid: int) -> list[int]:
    """Returns a process and all that it started, directly or not, that are alive."""
    processes = [pid]
    with suppress(FileNotFoundError):  # a thread or a child that ends meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                processes += descendants(int(child))
    return processes


def describe() -> dict[str, object]:
    """Describes this machine and the versions that figures depend on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: part.version for name, part in engine.find_all().items() if part},
        **{name: version(name) for name in PACKAGES},
    }
