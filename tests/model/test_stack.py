import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sagebridge.errors import UserError
from sagebridge.model import stack

Command = Callable[[str, str], Path]


def outputs(**values: object) -> str:
    return json.dumps({name: {"value": value, "type": "string", "sensitive": False} for name, value in values.items()})


def test_the_base_tells_bucket_and_prefix(command: Command, tmp_path: Path) -> None:
    log = command("terraform", f"echo '{outputs(bucket_name='b', model_prefix='m', execution_role_arn='r')}'")

    assert stack.read_base(tmp_path) == ("b", "m")
    assert log.read_text() == f"-chdir={tmp_path} output -no-color -json\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "bucket_name and model_prefix"),
        (outputs(bucket_name="b"), "no output model_prefix"),
        (outputs(bucket_name=["b"], model_prefix="m"), "no output bucket_name"),
    ],
)
def test_a_base_that_is_not_applied_says_so(command: Command, tmp_path: Path, text: str, said: str) -> None:
    command("terraform", f"echo '{text}'")

    with pytest.raises(UserError, match=f"{said}.*apply it first"):
        stack.read_base(tmp_path)


def test_a_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"the Terraform base {tmp_path}/none does not exist"):
        stack.read_base(tmp_path / "none")


def test_a_command_that_is_missing_fails_or_hangs_gives_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"pulumi is not on the PATH; install it.*make -s env"):
        stack.get_output("dev", "endpointName")

    command("pulumi", "echo 'error: no stack named' >&2; echo \"'dev' found\" >&2; exit 255")
    with pytest.raises(UserError) as error:
        stack.get_config("dev", "containerImage")
    assert error.value.message == (
        "`pulumi config get containerImage --stack dev` failed with exit code 255: error: no stack named 'dev' found"
    )

    command("pulumi", "exec sleep 5")
    monkeypatch.setattr(stack, "SECONDS", 0.2)
    with pytest.raises(UserError, match=r"did not end within 0\.2 s"):
        stack.set_config("dev", "modelData", "s3://b/k")


def test_commands_run_in_the_current_folder_and_their_output_is_trimmed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("pulumi", "pwd")
    monkeypatch.chdir(tmp_path)

    assert stack.get_output("dev", "endpointName") == str(tmp_path)
