"""`sagebridge local env`, as a shell and as a machine read it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sagebridge.errors import UserError
from sagebridge.local import control, environment
from tests.local.account import COMMAND


@pytest.mark.process
def test_a_shell_reaches_the_local_aws_whatever_its_variables_were(tmp_path: Path) -> None:
    directory = tmp_path / "it's here"
    script = f'eval "$({COMMAND} local env)"; env'
    environment = {
        **os.environ,
        "LOCAL_AWS_DIR": str(directory),
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_REGION": "eu-west-1",
    }
    shell = subprocess.run(["bash", "-euc", script], env=environment, capture_output=True, text=True, check=True)
    variables = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
    assert variables["AWS_CONFIG_FILE"] == str(directory / "config")
    assert variables["AWS_PROFILE"] == "local"
    assert variables["LOCAL_AWS_DIR"] == str(directory)
    assert not {"AWS_ACCESS_KEY_ID", "AWS_REGION"} & variables.keys()
    assert "[profile local]" in (directory / "config").read_text()  # tools then say how to start the server


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_folder_that_cannot_be_written_stops_what_follows(tmp_path: Path, shell: str) -> None:
    """Without the last line, the shell would go on, with the variables of the real account."""
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "aws"
    done = subprocess.run(
        [shell, "-c", f'eval "$({COMMAND} local env)" && echo goes on; echo "$AWS_ACCESS_KEY_ID $AWS_CONFIG_FILE"'],
        env={**os.environ, "LOCAL_AWS_DIR": str(directory), "AWS_ACCESS_KEY_ID": "real"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(directory / "config")  # which is not there, so that no command finds a profile
    assert done.stderr == (
        f"Error: The local AWS cannot write its folder {directory}: Not a directory. "
        "Free space or make it writable, or set LOCAL_AWS_DIR to another folder.\n"
    )


@pytest.mark.process
def test_a_start_in_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "server.log").mkdir()
    started = subprocess.run(
        [COMMAND, "local", "start"],
        env={**os.environ, "LOCAL_AWS_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 1
    assert started.stderr.startswith(f"Error: The local AWS cannot write its folder {tmp_path}: ")
    assert started.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["a $HOME", "a #b", "a ;b"])
def test_a_folder_whose_name_a_tool_misreads_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"cannot use the folder .* misreads the .* Set LOCAL_AWS_DIR"):
        control.prepare(tmp_path / name)


def test_a_name_that_no_shell_can_unset_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WITH-DASH", "x")
    monkeypatch.setenv("AWS_NEW", "x")
    assert "AWS_NEW" in environment.unset()
    assert "AWS_WITH-DASH" not in environment.unset()
    assert "AWS_WITH-DASH" not in environment.process_environment({})


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ({}, "a folder of the local AWS"),
        ({"PULUMI_BACKEND_URL": "s3://states"}, "a folder of the local AWS"),
        ({"PULUMI_BACKEND_URL": "file:///states"}, "as it was"),
        ({"PULUMI_BACKEND_URL": "https://api.pulumi.com"}, "as it was"),
    ],
)
def test_pulumi_keeps_its_stacks_where_it_can_without_an_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: dict[str, str], expected: str
) -> None:
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    set_to = environment.settings(tmp_path / "a b").get("PULUMI_BACKEND_URL")
    assert set_to == (None if expected == "as it was" else f"file://{tmp_path}/a%20b/pulumi?metadata=skip")


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_a_passphrase_of_the_shell_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert environment.settings(tmp_path)["PULUMI_CONFIG_PASSPHRASE"] == ""
    monkeypatch.setenv(name, "theirs")
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment.settings(tmp_path)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_S3", "TF_WORKSPACE", "PULUMI_STACK"])
def test_the_best_known_names_are_unset_also_where_the_lines_are_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    assert name in environment.unset()


@pytest.mark.process
def test_a_machine_reads_json(tmp_path: Path) -> None:
    environment = {**os.environ, "LOCAL_AWS_DIR": str(tmp_path)}
    output = subprocess.run(
        [COMMAND, "local", "env", "--json"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    content = json.loads(output)
    assert content["set"]["AWS_CONFIG_FILE"] == str(tmp_path / "config")
    assert "AWS_SECRET_ACCESS_KEY" in content["unset"]


@pytest.mark.process
def test_the_status_of_a_server_that_does_not_run_is_json_too(tmp_path: Path) -> None:
    environment = {**os.environ, "LOCAL_AWS_DIR": str(tmp_path)}
    status = subprocess.run(
        [COMMAND, "local", "status", "--json"], env=environment, capture_output=True, text=True, check=False
    )
    assert status.returncode == 3
    assert json.loads(status.stdout) == {"running": False, "directory": str(tmp_path)}
