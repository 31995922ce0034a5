"""Keeps the fast ring fast.

A test without a ring's mark starts no Python, and no command that takes as long. And a module whose tests are all of a
ring that is left out is not imported.
"""

import re
import sys
from pathlib import Path

import pytest

RINGS = ("process", "server", "engine", "terraform")
"""The marks of the rings that `make unit` leaves out."""
SLOW_PROGRAM = re.compile(r"python[0-9.]*|make|sagebridge|uv")
"""The names of programs that take long to start."""

MARKED_MODULE = re.compile(r"^pytestmark = .+", re.MULTILINE)
"""The line of a module that marks all its tests."""

running: list[pytest.Item] = []
"""The test that runs, or nothing between two tests."""


def refuse_slow_program(event: str, arguments: tuple[object, ...]) -> None:
    """Fails a test of the fast ring that starts a program which takes long; an audit hook of Python."""
    if event != "subprocess.Popen" or not running:
        return
    name = Path(str(arguments[0])).name
    if SLOW_PROGRAM.fullmatch(name) and not any(running[-1].get_closest_marker(ring) for ring in RINGS):
        pytest.fail(f"A test that starts {name} must have the mark `process`, so that `make unit` stays fast.")


def is_left_out(source: str, expression: str) -> bool:
    """Returns whether a module's marks alone leave all its tests out, whichever other marks single tests have.

    Args:
        source: The source of the module.
        expression: Which marks are wanted, as the option ``-m`` says it.
    """
    unwanted = re.findall(r"not (\w+)", expression) if re.fullmatch(r"not \w+( and not \w+)*", expression) else []
    marked = MARKED_MODULE.search(source)
    return marked is not None and any(re.search(rf"\bpytest\.mark\.{mark}\b", marked[0]) for mark in unwanted)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves a module out, without importing it, if `-m` leaves out all its tests."""
    if collection_path.suffix == ".py" and is_left_out(collection_path.read_text(), config.option.markexpr):
        return True
    return None  # as the other plugins say


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
