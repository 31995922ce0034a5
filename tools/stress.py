"""Runs tests on a busy machine and in random order: what hangs on a moment or on an order fails here first."""

import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from sagebridge import processes
from tools import environment
from tools.errors import ToolsError
from tools.paths import CHECKOUT

RUNS = 3
TEST_SECONDS = 900
"""How long a test may take, which is several times as long as on an idle machine."""
_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""Ends with the process that started it, also when that is killed."""


def run(console: Console, *selection: str) -> None:
    """Runs tests several times, in another random order each time, with a busy loop on every core beside them.

    Args:
        console: where to say what is being done.
        selection: pytest's arguments that choose the tests.

    Raises:
        ToolsError: a test failed.
    """
    settings = environment.process_environment()
    for number in range(1, RUNS + 1):
        options = ("-n", "2", "--dist", "loadgroup", f"--timeout={TEST_SECONDS}", "--random-order")
        seed = f"--random-order-seed={secrets.randbelow(10**6)}"  # both workers must have the same order
        command = ("python", "-m", "pytest", *options, seed, *selection)
        console.print(f"Run {number} of {RUNS}: {shlex.join(command)}")
        with busy_loops(), processes.session(command, cwd=CHECKOUT, env=settings) as pytest:
            pytest.wait()
        if pytest.returncode:
            raise ToolsError(f"Run {number} of {RUNS} failed. Its order again: {shlex.join(command)}")


@contextmanager
def busy_loops() -> Iterator[None]:
    """Keeps every core busy until the block ends."""
    command = [sys.executable, "-c", _LOOP, str(os.getpid())]
    loops = [subprocess.Popen(command) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()
