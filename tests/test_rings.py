"""Pure: a test that starts a slow program and has no mark fails, and says which mark it needs."""

import subprocess
import sys

import pytest

from tests import rings


@pytest.mark.parametrize("program", [sys.executable, "/usr/bin/make", "sagebridge", "python3.12", "uv"])
def test_a_test_of_the_fast_ring_starts_no_slow_program(program: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="must have the mark `process`"):
        subprocess.run([program, "--version"], check=False)


def test_a_test_of_the_fast_ring_may_start_a_quick_program() -> None:
    assert subprocess.run(["sh", "-c", "exit 3"], check=False).returncode == 3


@pytest.mark.process
def test_a_test_with_a_mark_may_start_python() -> None:
    assert subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=False).returncode == 3


def test_the_marks_of_the_rings_are_declared(pytestconfig: pytest.Config) -> None:
    declared = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert set(rings.RINGS) <= declared
