"""Real processes: what a command leaves behind is ended, whichever way the command ends."""

import ast
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagebridge import processes
from sagebridge.errors import UserError
from tests.conftest import ROOT
from tests.local.account import until
from tests.processes import Marked

COMMAND = """
import os, pathlib, signal, subprocess, sys, time
subprocess.Popen(["sleep", "600"], process_group=0)  # as pulumi starts a plugin
end, file = sys.argv[1:]

def interrupted(number, frame):
    with open(file, "a") as log:
        log.write(f"{signal.Signals(number).name}\\n")
    if end == "orderly":
        time.sleep(0.3)
        sys.exit("stopped")

signal.signal(signal.SIGINT, interrupted)
if end == "stubborn":
    signal.signal(signal.SIGTERM, interrupted)
pathlib.Path(file).touch()
while end in ("orderly", "stubborn", "waits"):
    time.sleep(0.05)
sys.exit(int(end))
"""
"""A command that leaves a process behind, in a process group of its own, and logs the signals that it gets."""
CALLER = """
import sys
from sagebridge import processes
{settings}
processes.run({command!r}, seconds=600)
"""
STARTS = {"Popen", "run", "call", "check_call", "check_output", "system", "popen", "posix_spawn", "fork", "forkpty"}
"""What starts a process in Python's modules `subprocess` and `os`; to replace the own process (`exec`) leaves none."""
ELSEWHERE = {
    "components/sagebridge/processes.py": "the only place that starts what must end",
    "components/sagebridge/local/control.py": "the local AWS, which stays until it is stopped",
    "components/sagebridge/local/serving/docker.py": "the local AWS's own processes, which end with it",
    "components/sagebridge/local/serving/program.py": "the same",
    "components/sagebridge/local/serving/supervisor.py": "the same",
    "components/sagebridge/local/serving/forks.py": "the same",
    "components/sagebridge/local/serving/forkserver.py": "the same",
    "bench/words.py": "cleans Go's cache",
    "bench/predictions.py": "servers and clients, which end with the block or with their input",
    "tools/browser.py": "asks a command for its version",
    "tools/build.py": "the same",
    "tools/engine.py": "the same",
    "tools/pythons.py": "asks uv which Pythons there are",
    "tools/stress.py": "busy loops, which end with the process that starts them",
}


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Marked:
    marked = Marked()
    for name, value in marked.environment.items():
        monkeypatch.setenv(name, value)
    return marked


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def command(log: Path) -> Callable[[str], list[str]]:
    return lambda end: [sys.executable, "-c", COMMAND, end, str(log)]


def caller(command: list[str], settings: str = "") -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(CALLER).format(command=command, settings=settings)]


@pytest.mark.process
def test_nothing_is_left_of_a_command_that_succeeds(marked: Marked, command: Callable[[str], list[str]]) -> None:
    assert processes.run(command("0"), seconds=60) == ""
    assert marked.running() == {}


@pytest.mark.process
def test_nothing_is_left_of_a_command_that_fails(marked: Marked, command: Callable[[str], list[str]]) -> None:
    with pytest.raises(UserError, match="failed with exit code 3"):
        processes.run(command("3"), seconds=60)
    assert marked.running() == {}


@pytest.mark.process
@pytest.mark.parametrize("end", ["waits", "stubborn"])
def test_nothing_is_left_of_a_command_that_takes_too_long(
    marked: Marked, command: Callable[[str], list[str]], end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "TERMINATED_SECONDS", 0.5)
    with pytest.raises(UserError, match="did not end within"):
        processes.run(command(end), seconds=0.5)
    assert marked.running() == {}


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_caller_is_an_interrupt_of_the_command_and_nothing_is_left(
    marked: Marked, command: Callable[[str], list[str]], log: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(caller(command("orderly")), stderr=subprocess.DEVNULL) as process:
        until(log.exists, 30)
        process.send_signal(number)
    assert process.returncode in (-signal.SIGINT, 128 + number)
    assert log.read_text() == "SIGINT\n"
    assert marked.running() == {}


@pytest.mark.process
def test_an_interrupt_while_the_command_is_being_started_counts_too(
    marked: Marked, command: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Popen(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(KeyboardInterrupt):
        processes.run(command("waits"), seconds=60)
    assert marked.running() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_this_process_handles_is_left_to_it(number: signal.Signals) -> None:
    handled = []
    before = signal.signal(number, lambda *_: handled.append(number))
    try:
        assert processes.run(["sh", "-c", f"kill -{number} {os.getpid()}; echo done"], seconds=60) == "done\n"
    finally:
        signal.signal(number, before)
    assert handled == [number]


@pytest.mark.process
def test_a_second_interrupt_does_not_wait(marked: Marked, command: Callable[[str], list[str]], log: Path) -> None:
    started = time.monotonic()
    with subprocess.Popen(caller(command("waits")), stderr=subprocess.DEVNULL) as process:
        until(log.exists, 30)
        process.send_signal(signal.SIGINT)
        until(lambda: log.read_text() == "SIGINT\n", 30)
        process.send_signal(signal.SIGINT)
    assert time.monotonic() - started < processes.INTERRUPTED_SECONDS / 2
    assert marked.running() == {}


@pytest.mark.process
def test_a_command_that_does_not_heed_an_interrupt_is_killed(
    marked: Marked, command: Callable[[str], list[str]], log: Path
) -> None:
    short = "processes.INTERRUPTED_SECONDS = processes.TERMINATED_SECONDS = 0.5"
    with subprocess.Popen(caller(command("stubborn"), short), stderr=subprocess.DEVNULL) as process:
        until(log.exists, 30)
        process.send_signal(signal.SIGINT)
    assert log.read_text() == "SIGINT\nSIGTERM\n"
    assert marked.running() == {}


@pytest.mark.process
def test_a_process_with_a_session_of_its_own_stays(marked: Marked) -> None:
    daemon = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=-3, stderr=-3)"
    processes.run([sys.executable, "-c", daemon], seconds=60)
    ((pid, name),) = marked.running().items()
    os.kill(pid, signal.SIGKILL)
    assert name == "sleep 600"


def test_signals_are_as_before_after_a_command() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    processes.run(["true"], seconds=60)
    assert {number: signal.getsignal(number) for number in before} == before


def test_no_module_starts_a_process_that_may_stay() -> None:
    starting = {
        str(file.relative_to(ROOT))
        for folder in ("components/sagebridge", "tools", "bench")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\bimport (subprocess|os)\b", text := file.read_text())  # parsing all of them takes a second
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and node.attr in STARTS
        and isinstance(node.value, ast.Name)
        and node.value.id in ("subprocess", "os")
    }
    assert starting == ELSEWHERE.keys()
