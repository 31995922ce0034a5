"""The program as a process."""

import signal
import subprocess
import sys

from tests.conftest import ROOT

INTERRUPTED = """
import os, runpy, signal, time
try:
    runpy.run_path("__main__.py")
except Exception:
    pass  # no engine, hence no configuration
os.kill(os.getpid(), signal.SIGINT)
time.sleep(30)
"""


def test_the_program_ends_without_a_traceback_when_the_engine_stops_it() -> None:
    # After a failed update the engine interrupts the program, which may still be at work.
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert not done.stderr
