"""The environment of an image is made once, whole or not at all, and where it cannot be made the log says what differs.

A script stands in for uv, so that no registry is needed; `tests/local/serving/test_image_python.py` has the real one.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from sagebridge.containers import interpreter, uv_command
from sagebridge.containers.image import Image, image
from sagebridge.containers.interpreter import environments, interpreter_for

UV = """#!/bin/sh
for last in "$@"; do :; done
echo "$3" >> "$CALLS"
case "$3" in
venv)
  [ -z "$REFUSAL" ] || { echo "$REFUSAL" >&2; exit 2; }
  mkdir -p "$last/bin" && ln -s "$PYTHON" "$last/bin/python" ;;
pip)
  [ -z "$WAIT" ] || { echo $$ > "$CALLS.pid"; sleep "$WAIT"; }
  grep -c == "$last" > "$7/installed" ;;
esac
"""
IMAGE = Image("1.9-0", "3.1", "aws/spoken@1234567", {"flask": version("flask"), "spoken": "7"}, {"numpy": "9"}, {})
PYTHON = """#!/bin/sh
[ -z "$BROKEN" ] || { echo "ImportError: $BROKEN" >&2; exit 1; }
"""
PROGRAM = """
import sys
from unittest.mock import patch
from tests.containers.test_interpreter import IMAGE
from sagebridge.containers.interpreter import interpreter_for
with patch("sagebridge.containers.uv_command.find_uv_bin", lambda: sys.argv[1]):
    print(interpreter_for(IMAGE, lambda line: None))
"""


@pytest.fixture(autouse=True)
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the script in uv's place, and the cache into a folder of the test."""
    script = tmp_path / "uv"
    script.write_text(UV)
    script.chmod(0o755)
    base = tmp_path / "base-python"
    base.write_text(PYTHON)
    base.chmod(0o755)
    for name, value in {"CALLS": tmp_path / "calls", "PYTHON": base, "XDG_CACHE_HOME": tmp_path / "cache"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(uv_command, "find_uv_bin", lambda: str(script))
    return script


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """Returns what uv was asked for."""
    return lambda: (tmp_path / "calls").read_text().split() if (tmp_path / "calls").exists() else []


def start(uv: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(uv)], stdout=subprocess.PIPE, text=True)


@pytest.mark.process
def test_it_is_made_once_and_the_log_says_so(calls: Callable[[], list[str]], tmp_path: Path) -> None:
    notes: list[str] = []
    python = Path(interpreter_for(IMAGE, notes.append))
    assert python.name == "python"
    assert python.is_relative_to(tmp_path / "cache" / "sagebridge" / "images")
    assert (python.parents[1] / "installed").read_text() == "3\n"
    assert notes[0] == (
        "Making an environment with the 3 packages of AWS's image sagemaker-scikit-learn:1.9-0, once for this user …"
    )
    assert notes[1].startswith("The environment was made in ")
    assert notes[2] == (
        "The container runs with Python 3.1 and the packages of AWS's image sagemaker-scikit-learn:1.9-0, "
        "as listed in aws/spoken@1234567."
    )
    assert interpreter_for(IMAGE, notes.append) == str(python)
    assert calls() == ["venv", "pip"]
    assert len(notes) == 4


@pytest.mark.process
@pytest.mark.parametrize(
    "other",
    [
        IMAGE._replace(version="2.0-1"),
        IMAGE._replace(python="3.2"),
        IMAGE._replace(published={"spoken": "8"}),
        IMAGE._replace(resolved={"numpy": "10"}),
    ],
)
def test_another_version_or_list_has_another_environment(other: Image) -> None:
    assert interpreter_for(IMAGE, str) != interpreter_for(other, str)


@pytest.mark.process
def test_an_environment_whose_python_is_gone_is_made_again(
    monkeypatch: pytest.MonkeyPatch, calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    python = Path(interpreter_for(IMAGE, str))
    shutil.copy2(tmp_path / "base-python", tmp_path / "other-python")
    (tmp_path / "base-python").unlink()
    assert not python.exists()
    monkeypatch.setenv("PYTHON", str(tmp_path / "other-python"))
    assert interpreter_for(IMAGE, str) == str(python)
    assert python.resolve() == tmp_path / "other-python"
    assert calls() == ["venv", "pip", "venv", "pip"]


def test_an_environment_that_equals_this_one_is_not_made(calls: Callable[[], list[str]]) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    same = Image("1.9-0", python, "", {"flask": version("flask")}, {"numpy": "0"}, {})
    assert interpreter_for(same, pytest.fail) == ""
    assert calls() == []


@pytest.mark.process
def test_without_it_the_log_says_what_differs(monkeypatch: pytest.MonkeyPatch, calls: Callable[[], list[str]]) -> None:
    monkeypatch.setenv("REFUSAL", "error: no registry answers")
    notes: list[str] = []
    wanted = IMAGE._replace(published={**IMAGE.published, "numpy": "0.1"})
    assert interpreter_for(wanted, notes.append) == ""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert notes[-1] == (
        "There is no environment with the packages of AWS's image sagemaker-scikit-learn:1.9-0: it cannot be made.\n"
        "error: no registry answers\nThe container runs with the environment of sagebridge, which differs: "
        f"Python {python}, not 3.1; no spoken, which is 7 there; numpy {version('numpy')}, not 0.1."
    )
    assert calls() == ["venv"]


@pytest.mark.process
def test_a_failure_is_remembered_for_a_while(
    monkeypatch: pytest.MonkeyPatch, calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    monkeypatch.setenv("REFUSAL", "error: no registry answers")
    interpreter_for(IMAGE, str)
    notes: list[str] = []
    monkeypatch.delenv("REFUSAL")
    assert interpreter_for(IMAGE, notes.append) == ""
    (failure,) = (tmp_path / "cache" / "sagebridge" / "images").glob("*.failed")
    assert f"no registry answers\nIt is tried again in 10 min, or when you remove {failure}." in notes[0]
    assert calls() == ["venv"]
    earlier = time.time() - interpreter.RETRY_SECONDS
    os.utime(failure, (earlier, earlier))
    assert interpreter_for(IMAGE, str)
    assert not failure.exists()


@pytest.mark.process
def test_an_environment_that_does_not_work_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BROKEN", "no such library")
    notes: list[str] = []
    assert interpreter_for(IMAGE, notes.append) == ""
    assert "it cannot be made.\nImportError: no such library\n" in notes[-1]
    assert not list((tmp_path / "cache").rglob("python"))


@pytest.mark.process
def test_uv_gets_no_more_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAIT", "30")
    monkeypatch.setattr(interpreter, "SECONDS", 0.3)
    notes: list[str] = []
    assert interpreter_for(IMAGE, notes.append) == ""
    assert ": it was not made within 0.3 s." in notes[-1]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    notes: list[str] = []
    assert interpreter_for(IMAGE, notes.append) == ""
    assert f"Not a directory: '{tmp_path}/cache/sagebridge/images'" in notes[-1]


@pytest.mark.process
def test_of_two_processes_at_once_one_makes_it(
    uv: Path, monkeypatch: pytest.MonkeyPatch, calls: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("WAIT", "1")
    processes = [start(uv), start(uv)]
    paths = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(paths) == 1
    assert Path(paths.pop()).exists()
    assert calls() == ["venv", "pip"]


@pytest.mark.process
def test_after_a_kill_half_way_another_process_makes_it_whole(
    uv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WAIT", "60")
    killed = start(uv)
    pid_file = tmp_path / "calls.pid"
    deadline = time.monotonic() + 60
    while not (pid_file.exists() and pid_file.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    folder = tmp_path / "cache" / "sagebridge" / "images"
    assert not list(folder.glob("1.9-0-*/bin/python"))
    assert list(folder.glob(".part-*"))
    monkeypatch.delenv("WAIT")
    python = Path(interpreter_for(IMAGE, str))
    assert (python.parents[1] / "installed").exists()
    assert not list(folder.glob(".part-*"))


@pytest.mark.parametrize("value", ["", "cache"])
def test_a_cache_that_is_no_absolute_path_is_ignored(
    monkeypatch: pytest.MonkeyPatch, value: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert environments() == tmp_path / ".cache" / "sagebridge" / "images"


@pytest.mark.process
def test_pythons_of_pyenv_are_found_though_they_are_switched_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyenv" / "versions" / "3.1.4" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("REFUSAL", "$PATH")
    script = tmp_path / "uv"
    script.write_text(UV.replace('echo "$REFUSAL"', 'echo "$PATH"'))
    notes: list[str] = []
    interpreter_for(IMAGE, notes.append)
    assert f"{tmp_path}/pyenv/versions/3.1.4/bin:{os.environ['PATH']}" in notes[-1]


def test_the_server_of_an_image_that_is_known_differs_from_it_in_what_its_list_pins() -> None:
    facts = image("0.23-1")
    assert facts is not None
    differences = "; ".join(interpreter.differences_from(facts))
    assert f"scikit-learn {version('scikit-learn')}, not 0.23.2" in differences
    assert "blinker" not in differences


def test_where_the_python_is_another_nobody_reads_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = image("0.23-1")
    assert facts is not None
    asked: list[str] = []
    monkeypatch.setattr(interpreter, "version", asked.append)
    assert next(interpreter.differences_from(facts)).startswith("Python ")
    assert asked == []
