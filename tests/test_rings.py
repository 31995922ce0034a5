"""Pure: a test that starts a slow program and has no mark fails, and says which mark it needs."""

import subprocess
import sys
from pathlib import Path

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


SERVER = "import pytest\n\npytestmark = pytest.mark.server\n"
SEVERAL = "pytestmark = [pytest.mark.engine, pytest.mark.long]  # the others are not wanted\n"
SINGLE = "@pytest.mark.server\ndef test_it() -> None: ...\n"


@pytest.mark.parametrize(
    ("source", "expression", "left_out"),
    [
        (SERVER, "not server", True),
        (SERVER, "not process and not server and not engine", True),
        (SERVER, "not engine", False),
        (SERVER, "", False),
        (SERVER, "server", False),
        (SERVER, "engine or not server", False),  # a test of it may have the mark `engine`, too
        (SERVER, "not (server and engine)", False),
        (SERVER, "not serve", False),
        (SEVERAL, "not engine", True),
        (SEVERAL, "not wanted", False),
        (SINGLE, "not server", False),
        ('pytestmark = pytest.mark.usefixtures("server")\n', "not server", False),
    ],
)
def test_a_module_is_left_out_if_its_own_marks_are_not_wanted(source: str, expression: str, *, left_out: bool) -> None:
    assert rings.is_left_out(source, expression) == left_out


def test_only_a_module_that_is_left_out_is_not_collected(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "markexpr", "not server")
    for name, source in (("test_server.py", SERVER), ("test_single.py", SINGLE)):
        (tmp_path / name).write_text(source)
    ignore = pytestconfig.hook.pytest_ignore_collect
    ignored = {path.name: ignore(collection_path=path, config=pytestconfig) for path in tmp_path.iterdir()}
    assert ignored == {"test_server.py": True, "test_single.py": None}


def test_the_marks_of_the_rings_are_declared(pytestconfig: pytest.Config) -> None:
    declared = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert set(rings.RINGS) <= declared


@pytest.mark.process
def test_a_group_of_tests_goes_to_one_worker(tmp_path: Path) -> None:
    """With other versions of pytest and of pytest-xdist, groups are silently spread (pytest-xdist#1386)."""
    (tmp_path / "test_group.py").write_text(
        "import os, pytest\n"
        "@pytest.mark.xdist_group('group')\n@pytest.mark.parametrize('number', range(6))\n"
        "def test_it(number): open(os.environ['PYTEST_XDIST_WORKER'], 'a').close()\n"
    )
    options = ("-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *options]
    subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
    assert len([*tmp_path.glob("gw*")]) == 1
