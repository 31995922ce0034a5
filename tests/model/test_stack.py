import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sagebridge import pulumi_cli
from sagebridge.errors import UserError
from sagebridge.model import stack

from .conftest import config_json

Command = Callable[[str, str], Path]
pytestmark = pytest.mark.usefixtures("project")


def test_the_configuration_has_the_projects_own_keys_without_their_namespace_and_no_secrets(command: Command) -> None:
    config = json.loads(config_json(modelData="s3://b/k"))
    config |= {"aws:region": {"value": "eu-west-1", "secret": False}, "shop:token": {"secret": True}}
    command("pulumi", f"echo '{json.dumps(config)}'")

    assert stack.get_config("dev") == {"modelData": "s3://b/k", "aws:region": "eu-west-1"}


@pytest.mark.process
def test_a_command_that_is_missing_fails_or_hangs_gives_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"pulumi is not on the PATH; install it.*make -s env"):
        stack.get_output("dev", "endpointName")

    command("pulumi", "echo \"error: no stack named 'dev' found\" >&2; exit 255")
    with pytest.raises(UserError) as error:
        stack.get_config("dev")
    assert error.value.message == (
        "`pulumi config` failed with exit code 255: error: no stack named 'dev' found;"
        " `pulumi stack ls` lists the project's stacks, and `pulumi stack init NAME` makes one"
    )

    command("pulumi", "exec sleep 5")
    monkeypatch.setattr(pulumi_cli, "SECONDS", 0.2)
    with pytest.raises(UserError, match=r"did not end within 0\.2 s"):
        stack.set_config("dev", "modelData", "s3://b/k")


@pytest.mark.parametrize(
    "change", [lambda: stack.get_config("acme/bank/dev"), lambda: stack.set_config("acme/bank/dev", "modelData", "x")]
)
def test_a_stack_of_another_project_is_not_touched(command: Command, change: Callable[[], object]) -> None:
    log = command("pulumi", "echo {}")

    with pytest.raises(UserError, match="acme/bank/dev is not one of the project shop"):
        change()

    assert not log.exists()


def test_commands_run_in_the_current_folder_and_their_output_is_trimmed(command: Command, project: Path) -> None:
    command("pulumi", "pwd")

    assert stack.get_output("dev", "endpointName") == str(project)
