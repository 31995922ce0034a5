"""The shell that `make env` makes."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sagebridge.local import environment as local_environment
from tests.conftest import ROOT, Aws
from tools import engine, environment, paths
from tools.__main__ import main
from tools.engine import Installed
from tools.errors import ToolsError
from tools.progress import duration


def test_without_the_engine_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolsError) as failed:
        environment.settings()
    assert "Missing: pulumi" in failed.value.message
    assert "make up" in failed.value.message


@pytest.mark.process
def test_without_the_engine_a_shell_does_not_go_on_with_a_real_account(tmp_path: Path) -> None:
    """Without the last line, `eval` would succeed, and the next command would use the shell's own keys."""
    script = 'eval "$("$0" -m tools env)" && echo goes on; echo "$AWS_ACCESS_KEY_ID $AWS_PROFILE"'
    done = subprocess.run(
        ["/bin/bash", "-c", script, sys.executable],
        env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "real"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "local"
    assert "Missing: pulumi" in done.stderr


@pytest.mark.parametrize("command", ["engine", "env"])
def test_a_cache_folder_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    monkeypatch.setattr(engine, "find_all", lambda: dict.fromkeys(["terraform"], Installed("1", "PATH", tmp_path)))
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {file}/sagebridge cannot be written: Not a directory. The engine needs up to 3 GiB there. "
        "Free space or make it writable, or set XDG_CACHE_HOME to another folder.\n"
    )


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_a_cache_folder_that_is_no_absolute_path_is_passed_over(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert paths.cache() == Path.home() / ".cache" / "sagebridge"


@pytest.mark.process
@pytest.mark.parametrize("columns", ["20", "80", ""])
def test_the_doctor_breaks_no_path(tmp_path: Path, columns: str) -> None:
    tool = tmp_path / ("long" * 30) / "terraform"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho Terraform v1.13.3\n")
    tool.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "tools", "doctor"],
        env={"PATH": str(tool.parent), "XDG_CACHE_HOME": str(tmp_path), "COLUMNS": columns},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"1.13.3   PATH     0 MiB  {tool}\n" in done.stdout
    assert done.stderr == ""


@pytest.mark.engine
def test_a_shell_gets_each_setting_and_loses_what_leads_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_AWS_DIR", str(tmp_path / "aws"))
    command = 'eval "$1"; env'
    elsewhere = {
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_ENDPOINT_URL": "https://aws",
        "TF_WORKSPACE": "prod",
        "TF_DATA_DIR": "/elsewhere",
    }
    before = {**os.environ, **elsewhere}
    done = subprocess.run(
        ["bash", "-c", command, "_", environment.shell()], env=before, capture_output=True, text=True, check=True
    )
    got = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert not elsewhere.keys() & got.keys()
    for name, value in environment.settings().items():
        assert got[name] == value
    assert got["AWS_PROFILE"] == "local"
    assert "[profile local]" in Path(got["AWS_CONFIG_FILE"]).read_text()


@pytest.mark.engine
def test_evaluating_it_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    once = environment.settings()
    for name in ("PATH", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, once[name])
    assert environment.settings() == once


@pytest.mark.engine
@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "http_proxy"])
def test_the_local_aws_is_reached_where_the_shell_names_a_proxy(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """boto3 asked the proxy for the loopback address too, unless NO_PROXY named it."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv(proxy, "http://127.0.0.1:1")  # nobody listens there
    settings = {**environment.process_environment(), "AWS_CONFIG_FILE": aws.environment["AWS_CONFIG_FILE"]}
    replace(aws, environment=settings).must(
        sys.executable, "-c", "import boto3; boto3.client('sagemaker').list_models()"
    )


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "corp.example,localhost"}, "corp.example,localhost,127.0.0.1"),
        ({"NO_PROXY": "a.example", "no_proxy": "b.example"}, "b.example,127.0.0.1,localhost"),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_the_hosts_that_the_shell_reaches_without_a_proxy_stay(
    monkeypatch: pytest.MonkeyPatch, shell: dict[str, str], expected: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    assert local_environment.no_proxy() == expected


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.4, "59.4 s"), (60, "1 min 00 s"), (185, "3 min 05 s")]
)
def test_a_duration_is_shown_as_a_person_reads_it(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
