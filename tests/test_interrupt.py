"""How a program ends that is interrupted."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from sagebridge.interrupt import end_quietly
from tests.conftest import ROOT
from tests.mocks import Monitor

PROGRAM = """
import os, signal
from pulumi.runtime import Settings, configure
from sagebridge.interrupt import end_quietly
signal.signal(signal.SIGINT, signal.default_int_handler)  # as the engine starts a program
configure(Settings("project", "stack", monitor="127.0.0.1:1"))
{before}
end_quietly()
os.kill(os.getpid(), signal.SIGINT)
"""


def interrupted(before: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a program as the engine does; it is interrupted when it has declared an endpoint."""
    command = [sys.executable, "-c", PROGRAM.format(before=before)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.usefixtures("inherited_interrupt")
def test_a_program_of_the_engine_ends_without_a_traceback() -> None:
    done = interrupted()
    assert done.returncode == -signal.SIGINT
    assert not done.stderr


LOGGING = """
import pulumi
from pulumi.runtime import Settings, configure
from sagebridge.interrupt import end_quietly
configure(Settings("project", "stack", monitor="127.0.0.1:1", engine="127.0.0.1:1"))
for _ in range(2):
    end_quietly()
pulumi.log.error("too late")
print("went on")
"""


def test_what_is_logged_to_an_engine_that_has_ended_goes_nowhere() -> None:
    """The SDK logs while it ends a program: it failed over that, and left the program's tasks and server behind."""
    command = [sys.executable, "-c", LOGGING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


@pytest.mark.usefixtures("inherited_interrupt")
def test_a_handler_of_the_program_stays() -> None:
    done = interrupted("signal.signal(signal.SIGINT, lambda *_: print('mine'))")
    assert (done.returncode, done.stdout) == (0, "mine\n")


def test_the_process_of_a_test_with_mocks_is_left_alone(run: Callable[[Callable[[], None]], Monitor]) -> None:
    before = signal.getsignal(signal.SIGINT)
    run(end_quietly)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_process_of_an_inline_program_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("sagebridge.interrupt.get_monitor", object)
    thread = threading.Thread(target=end_quietly)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
