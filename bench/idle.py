"""What an endpoint costs in memory while its model is loaded, and when it has been idle."""

import time
from collections.abc import Callable

from bench.account import Account, account
from bench.figures import Figure, Figures, Section, Table, spread
from bench.machine import descendants, memory_of
from bench.processes import CommandFailed
from sagebridge.local import control

NAME = "idle"
ENDPOINTS = 100
SECONDS = 60.0  # for the workers to end
LOADED, IDLE = "model loaded", "idle"
TEXT = f"""\
{ENDPOINTS} endpoints of the local AWS: the memory of the server and all its processes (PSS), less what they have
without endpoints, for each. An endpoint that nobody asks ends its process, and starts it again with the next
request."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:  # noqa: ARG001 - it has one form
    """Takes the memory of endpoints, each shared page counted once."""
    with account() as aws:
        say(f"{ENDPOINTS} endpoints")
        aws.deploy("first")
        processes = len(descendants(aws.pid)) - 1  # what all endpoints share, without the first one's worker
        before = _memory_when_idle(aws, processes)
        control.set_times(aws.directory, idle=3600)
        for number in range(ENDPOINTS):
            aws.deploy(f"bench-{number}")
        loaded = memory_of(descendants(aws.pid))
        idle = _memory_when_idle(aws, processes)
    taken = {LOADED: loaded, IDLE: idle}
    return Figures(Figure(what, "", 1, "MiB", ((all_ - before) / ENDPOINTS,)) for what, all_ in taken.items())


def _memory_when_idle(aws: Account, processes: int) -> float:
    control.set_times(aws.directory, idle=0.1)
    deadline = time.monotonic() + SECONDS
    while len(descendants(aws.pid)) > processes:
        if time.monotonic() > deadline:
            raise CommandFailed(f"The workers of idle endpoints did not end within {SECONDS:.0f} s.")
        time.sleep(0.2)
    return memory_of(descendants(aws.pid))


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    return Section(
        "Memory of an endpoint", TEXT, [Table(["", "MiB"], [[figure.what, spread(figure)] for figure in figures])]
    )
