"""The shell that `make env` makes."""

import os
import subprocess
from pathlib import Path

import pytest

from tools import environment
from tools.errors import ToolsError
from tools.progress import duration


def test_without_the_engine_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolsError) as failed:
        environment.settings()
    assert "Missing: pulumi" in failed.value.message
    assert "make up" in failed.value.message


@pytest.mark.engine
def test_a_shell_gets_each_setting_and_loses_what_leads_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_AWS_DIR", str(tmp_path / "aws"))
    command = 'eval "$1"; env'
    before = {**os.environ, "AWS_SECRET_ACCESS_KEY": "real", "AWS_ENDPOINT_URL": "https://aws"}
    done = subprocess.run(
        ["bash", "-c", command, "_", environment.shell()], env=before, capture_output=True, text=True, check=True
    )
    got = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert "AWS_SECRET_ACCESS_KEY" not in got
    assert "AWS_ENDPOINT_URL" not in got
    for name, value in environment.settings().items():
        assert got[name] == value
    assert got["AWS_PROFILE"] == "local"
    assert "[profile local]" in Path(got["AWS_CONFIG_FILE"]).read_text()


@pytest.mark.engine
def test_evaluating_it_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    once = environment.settings()
    monkeypatch.setenv("PATH", once["PATH"])
    assert environment.settings() == once


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.4, "59.4 s"), (60, "1 min 00 s"), (185, "3 min 05 s")]
)
def test_a_duration_is_shown_as_a_person_reads_it(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
