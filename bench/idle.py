"""What an endpoint costs in memory while its model is loaded, and when it has been idle."""

from __future__ import annotations

import time

from bench.account import Account, account
from bench.machine import descendants, memory_of
from local import control

ENDPOINTS = 100
SECONDS = 60.0  # for the workers to end


def measure() -> dict[str, float]:
    """Measure MiB for each endpoint: the server and all its processes, less what they have without endpoints."""
    with account() as aws:
        aws.deploy("first")
        processes = len(descendants(aws.pid)) - 1  # what all endpoints share, without the first one's worker
        before = _memory_when_idle(aws, processes)
        control.set_times(aws.directory, idle=3600)
        for number in range(ENDPOINTS):
            aws.deploy(f"bench-{number}")
        loaded = memory_of(descendants(aws.pid))
        idle = _memory_when_idle(aws, processes)
    return {"model loaded": (loaded - before) / ENDPOINTS, "idle": (idle - before) / ENDPOINTS}


def _memory_when_idle(aws: Account, processes: int) -> float:
    control.set_times(aws.directory, idle=0.1)
    deadline = time.monotonic() + SECONDS
    while len(descendants(aws.pid)) > processes:
        if time.monotonic() > deadline:
            raise TimeoutError("The workers do not end when they are idle.")
        time.sleep(0.2)
    return memory_of(descendants(aws.pid))
