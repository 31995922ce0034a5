"""What `make stress` runs beside the tests, and that it ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tests.conftest import ROOT
from tests.local.account import until
from tools import environment, stress
from tools.errors import ToolsError

pytestmark = pytest.mark.process

PARENT = """
import time
from tools.stress import busy_loops
with busy_loops():
    print("busy", flush=True)
    time.sleep(600)
"""


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_loops_end_with_the_block_whatever_happens_in_it() -> None:
    before, loops = set(children(os.getpid())), set[int]()

    def work() -> None:
        with stress.busy_loops():
            loops.update(set(children(os.getpid())) - before)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert len(loops) == len(os.sched_getaffinity(0))
    assert all(is_gone(loop) for loop in loops)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_loops_end_with_a_process_that_is_killed(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "busy\n"
        loops = children(parent.pid)
        parent.send_signal(number)
    assert len(loops) == len(os.sched_getaffinity(0))
    until(lambda: all(is_gone(loop) for loop in loops))


@pytest.fixture
def pytest_ends_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Puts a script in the place of Python, that prints its arguments and ends with a code."""

    def put(code: int) -> None:
        (tmp_path / "python").write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
        (tmp_path / "python").chmod(0o755)

    monkeypatch.setattr(environment, "process_environment", lambda: {"PATH": str(tmp_path)})
    return put


def test_each_run_has_an_order_of_its_own_and_says_so(
    pytest_ends_with: Callable[[int], None], capfd: pytest.CaptureFixture[str]
) -> None:
    pytest_ends_with(0)
    stress.run(Console(soft_wrap=True), "-m", "engine")
    said = capfd.readouterr().out
    shown = re.findall(r"^Run \d of 3: python (.*)$", said, re.MULTILINE)
    run = re.findall(r"^(-m pytest .*)$", said, re.MULTILINE)
    assert len(set(shown)) == stress.RUNS
    assert sorted(run) == sorted(shown)
    assert all(re.search(r" --random-order --random-order-seed=\d+ -m engine$", arguments) for arguments in run)


def test_a_failure_ends_it_and_names_the_order(pytest_ends_with: Callable[[int], None]) -> None:
    pytest_ends_with(1)
    with pytest.raises(ToolsError, match=r"Run 1 of 3 failed. Its order again: .* --random-order-seed=\d+ -m engine"):
        stress.run(Console(quiet=True), "-m", "engine")
