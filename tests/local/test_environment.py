"""`sagebridge local env`, as a shell and as a machine read it."""

import json
import os
import subprocess
from pathlib import Path

from tests.local.account import COMMAND


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


def test_a_machine_reads_json(tmp_path: Path) -> None:
    environment = {**os.environ, "LOCAL_AWS_DIR": str(tmp_path)}
    output = subprocess.run(
        [COMMAND, "local", "env", "--json"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    content = json.loads(output)
    assert content["set"]["AWS_CONFIG_FILE"] == str(tmp_path / "config")
    assert "AWS_SECRET_ACCESS_KEY" in content["unset"]


def test_the_status_of_a_server_that_does_not_run_is_json_too(tmp_path: Path) -> None:
    environment = {**os.environ, "LOCAL_AWS_DIR": str(tmp_path)}
    status = subprocess.run(
        [COMMAND, "local", "status", "--json"], env=environment, capture_output=True, text=True, check=False
    )
    assert status.returncode == 3
    assert json.loads(status.stdout) == {"running": False, "directory": str(tmp_path)}
