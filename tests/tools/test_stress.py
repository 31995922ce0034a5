"""What `make stress` runs beside the tests, and that it ends."""

import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from rich.console import Console

from tests.conftest import ROOT
from tests.local.account import until
from tools import environment, stress
from tools.errors import ToolsError

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
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a run take place in this Python's environment, with no engine and no busy loops."""
    monkeypatch.setattr(stress, "busy_loops", nullcontext)
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    kept = {name: value for name, value in here.items() if not name.startswith("PYTEST_")}
    monkeypatch.setattr(environment, "process_environment", lambda: kept)


@pytest.mark.usefixtures("runs")
def test_a_failure_ends_it_and_names_the_order(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it() -> None:\n    raise AssertionError\n")
    with pytest.raises(ToolsError, match=r"Run 1 of 3 failed. Its order again: .* --random-order-seed=\d+ "):
        stress.run(Console(quiet=True), str(tmp_path))


@pytest.mark.usefixtures("runs")
def test_each_run_has_an_order_of_its_own_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "RUNS", 2)
    (tmp_path / "test_it.py").write_text("def test_it() -> None: ...\n")
    stress.run(Console(soft_wrap=True), str(tmp_path))
    said = capfd.readouterr().out
    assert said.count("1 passed") == stress.RUNS
    assert len(set(re.findall(r"Run \d of 2: .* --random-order-seed=(\d+) ", said))) == stress.RUNS
