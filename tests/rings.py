"""Keeps the fast ring fast: a test without a ring's mark starts no Python, and no command that takes as long."""

import re
import sys
from pathlib import Path

import pytest

RINGS = ("process", "server", "engine", "terraform")
"""The marks of the rings that `make unit` leaves out."""
SLOW_PROGRAM = re.compile(r"python[0-9.]*|make|sagebridge|uv")
"""The names of programs that take long to start."""

running: list[pytest.Item] = []
"""The test that runs, or nothing between two tests."""


def refuse_slow_program(event: str, arguments: tuple[object, ...]) -> None:
    """Fails a test of the fast ring that starts a program which takes long; an audit hook of Python."""
    if event != "subprocess.Popen" or not running:
        return
    name = Path(str(arguments[0])).name
    if SLOW_PROGRAM.fullmatch(name) and not any(running[-1].get_closest_marker(ring) for ring in RINGS):
        pytest.fail(f"A test that starts {name} must have the mark `process`, so that `make unit` stays fast.")


def pytest_configure() -> None:
    """Watches which programs are started."""
    sys.addaudithook(refuse_slow_program)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes which test runs."""
    running.append(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Notes that the test is over: what is torn down after it may be a fixture of the whole session."""
    running.clear()
