"""How the Automation API's commands are run: a script stands in for `pulumi`."""

import sys
from pathlib import Path

import pytest
from pulumi import automation

from sagebridge.errors import UserError
from sagebridge.model import pulumi_command
from sagebridge.model.pulumi_command import PulumiCommand
from tests.processes import Marked

PULUMI = """#!{python}
import os, subprocess, sys, time
if sys.argv[1] == "version":
    sys.exit(print("v3.999.0"))
subprocess.Popen(["sleep", "600"], process_group=0)
print(*sys.argv[1:])
print(os.environ["PULUMI_AUTOMATION_API"], os.environ["KEY"], file=sys.stderr)
time.sleep(float(os.environ["KEY"]))
sys.exit(sys.argv[2] != "preview")
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    (tmp_path / "pulumi").write_text(PULUMI.format(python=sys.executable))
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return PulumiCommand()


def test_a_command_tells_all_that_it_prints_and_leaves_nothing(command: PulumiCommand, tmp_path: Path) -> None:
    marked, output, error_output = Marked(), list[str](), list[str]()
    variables = marked.environment | {"KEY": "0"}
    result = command.run(["preview", "--x"], str(tmp_path), variables, output.append, error_output.append)
    assert (result.stdout, result.code) == ("--non-interactive preview --x\n", 0)
    assert (output, error_output) == (["--non-interactive preview --x"], ["true 0"])
    assert marked.running() == {}


def test_a_command_that_fails_is_the_automation_api_s_error(command: PulumiCommand, tmp_path: Path) -> None:
    marked = Marked()
    with pytest.raises(automation.CommandError, match="true 0"):
        command.run(["up"], str(tmp_path), marked.environment | {"KEY": "0"})
    assert marked.running() == {}


@pytest.mark.process
def test_a_command_that_hangs_is_ended(command: PulumiCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_command, "SECONDS", 0.5)
    marked = Marked()
    with pytest.raises(UserError, match=r"`pulumi preview` did not end within 0\.5 s"):
        command.run(["preview"], str(tmp_path), marked.environment | {"KEY": "600"})
    assert marked.running() == {}
