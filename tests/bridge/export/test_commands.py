"""What `export` and `verify` say where they cannot go on: one message, and nothing is left behind."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sagebridge.bridge.commands import export_command
from sagebridge.bridge.export.folder import FORMATS
from sagebridge.bridge.terraform.cli import plan_copy, terraform_command
from sagebridge.cli import main
from sagebridge.errors import UserError
from tests.bridge.commands import Bridge
from tests.conftest import Aws
from tests.local.account import until
from tests.stacks import Declared

EXPORT = ("export", "--stack", "dev", "--out", "module")
VERIFY = ("verify", "--stack", "dev", "--module", "module")
ABOUT = {
    "stack": "dev",
    "project": "shop",
    "time": "",
    "imports": {"aws_iam_role.a": "a"},
    "variables": {},
    "files": {},
}


TITLE = "project shop, stack dev\n"


def refusal(*arguments: str) -> str:
    """Returns what a command that must fail says after its title."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output.removeprefix(TITLE)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    monkeypatch.chdir(tmp_path)


def test_a_missing_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "pulumi is not on the PATH" in refusal(*EXPORT)
    assert not Path("module").exists()


def test_a_missing_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    Path("module").mkdir()
    Path("module", "bridge.json").write_text(json.dumps(ABOUT))
    assert "neither terraform nor tofu is on the PATH" in refusal(*VERIFY)


def test_opentofu_is_taken_where_there_is_no_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("tofu", "terraform"):
        (tmp_path / name).symlink_to(sys.executable)
        assert terraform_command() == name


def test_no_exported_module(tmp_path: Path) -> None:
    assert "has no bridge.json" in refusal(*VERIFY)
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "main.tf").touch()
    assert "not overwritten" in refusal(*EXPORT)


@pytest.mark.parametrize(
    "command", [("outputs", "--to"), ("verify", "--outputs"), ("adopt", "--out", "adopted", "--state")]
)
@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("remote://acme/base", "run `terraform state pull > FILE` in Terraform's folder and name that file"),
        ("gcs://bucket/key", "it must be a path, s3://bucket/key"),
        ("s3://bucket/key?regoin=x", "it may have region and profile, each once and with a value, not regoin=x"),
    ],
)
def test_a_state_in_another_place(command: tuple[str, ...], location: str, message: str) -> None:
    text = refusal(*command, location, "--stack", "dev")
    assert message in text
    assert text.count("\n") == 1


def test_every_format_can_be_chosen() -> None:
    (option,) = [option for option in export_command.params if option.name == "form"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(FORMATS)


def test_two_proofs_at_once() -> None:
    result = CliRunner().invoke(main, [*VERIFY, "--outputs", "x"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output


@pytest.mark.engine
def test_no_such_stack(bridge: Bridge) -> None:
    message = bridge.fails("export", "--stack", "organization/shop/nothing", "--out", "module")
    assert "no stack named" in message
    assert not Path("module").exists()


@pytest.mark.parametrize(
    "command", [EXPORT, VERIFY, ("outputs", "--to", "x"), ("adopt", "--out", "adopted", "--state", "x")]
)
def test_no_project(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").unlink()
    message = refusal(*command, *(() if "--stack" in command else ("--stack", "dev")))
    assert f"there is no Pulumi.yaml in {tmp_path} or in a folder around it" in message
    assert "sagebridge -C DIRECTORY" in message
    assert message.count("\n") == 1


def test_project_and_stack_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert CliRunner().invoke(main, EXPORT).output.startswith(TITLE)


@pytest.mark.engine
def test_a_stack_that_an_update_has_locked(aws: Aws, declared: Declared, tmp_path: Path) -> None:
    bridge = Bridge(aws, Path(declared.work_dir))
    commands = (("outputs", "--to", str(tmp_path / "outputs")), ("export", "--out", str(tmp_path / "module")))

    def is_being_created() -> bool:
        assert not update.done(), update.result()
        return declared.endpoint in {found["EndpointName"] for found in aws.sagemaker.list_endpoints()["Endpoints"]}

    with ThreadPoolExecutor(1) as beside, aws.holding("creating"):
        update = beside.submit(declared.up)
        until(is_being_created)
        for command in commands:
            said = bridge.fails(*command, "--stack", declared.endpoint)
            assert "creating urn:" in said
            assert "wait for its end" in said
    update.result()
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.yaml"]
    for command in commands:
        bridge.must(*command, "--stack", declared.endpoint)


@pytest.mark.engine
def test_a_stack_whose_passphrase_is_another(aws: Aws, bridge: Bridge, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    aws.must("pulumi", "stack", "init", "locked", cwd=tmp_path)
    aws.must("pulumi", "config", "set", "--secret", "token", "hidden", "--stack", "locked", cwd=tmp_path)
    state = json.loads(aws.must("pulumi", "stack", "export", "--stack", "locked", cwd=tmp_path))
    root = {"urn": "urn:pulumi:locked::shop::pulumi:pulumi:Stack::shop-locked", "type": "pulumi:pulumi:Stack"}
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hidden"'}
    state["deployment"]["resources"] = [root | {"custom": False, "outputs": {"token": secret}}]
    (tmp_path / "state.json").write_text(json.dumps(state))
    aws.must("pulumi", "stack", "import", "--stack", "locked", "--file", "state.json", cwd=tmp_path)
    (tmp_path / "state.json").unlink()
    aws.environment["PULUMI_CONFIG_PASSPHRASE"], before = "another", aws.environment["PULUMI_CONFIG_PASSPHRASE"]
    try:
        message = bridge.fails("export", "--stack", "locked", "--out", str(tmp_path / "module"))
    finally:
        aws.environment["PULUMI_CONFIG_PASSPHRASE"] = before
        aws.must("pulumi", "stack", "rm", "locked", "--yes", "--force", cwd=tmp_path)
    assert "incorrect passphrase" in message
    assert "hidden" not in message
    assert not (tmp_path / "module").exists()


@pytest.mark.terraform
def test_terraforms_own_refusal_is_shown_without_secrets(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    memory = tmp_path / "memory"  # others use the machine's at the same time
    memory.mkdir()
    monkeypatch.setattr("sagebridge.scratch.MEMORY", memory)
    text = json.dumps(
        {"variable": {"a": {"validation": [{"condition": "${length(var.a) > 20}", "error_message": "not ${var.a}!"}]}}}
    )
    module = tmp_path / "module"
    module.mkdir()
    (module / "main.tf.json").write_text(text)
    (module / "backend.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    with pytest.raises(UserError, match=r"not \(secret\)!") as refused:
        plan_copy(module, {"a": "sw0rdf1sh"})
    assert "sw0rdf1sh" not in refused.value.message
    assert sorted(file.name for file in module.iterdir()) == ["backend.tf", "main.tf.json"]
    assert list(memory.iterdir()) == []


@pytest.mark.terraform
def test_the_shells_own_settings_of_terraform_do_not_change_the_plan(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    for name, value in {
        "TF_CLI_ARGS": "-no-such-flag",
        "TF_CLI_ARGS_init": "-backend-config=missing.hcl",
        "TF_CLI_ARGS_plan": "-detailed-exitcode -var-file=missing.tfvars -destroy",
        "TF_CLI_ARGS_show": "-no-such-flag",
        "TF_LOG": "trace",
        "TF_LOG_PATH": str(tmp_path / "terraform.log"),
        "TF_WORKSPACE": "other",
        "TF_DATA_DIR": "/nowhere",
        "TF_INPUT": "true",
        "TF_REATTACH_PROVIDERS": "{",
        "TF_VAR_theirs": "kept",
    }.items():
        monkeypatch.setenv(name, value)
    module = tmp_path / "module"
    module.mkdir()
    (module / "main.tf").write_text('variable "theirs" {}\noutput "theirs" {\n  value = var.theirs\n}\n')
    assert plan_copy(module, {})["planned_values"]["outputs"]["theirs"]["value"] == "kept"
    assert not (tmp_path / "terraform.log").exists()
