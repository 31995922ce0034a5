"""A stack's outputs as a Terraform state: what it says, and that a real `terraform_remote_state` reads it."""

import dataclasses
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sagebridge.bridge.outputs import state_outputs, updated_state
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.stack.state import Stack, StackResource
from sagebridge.bridge.stack.values import Asset
from sagebridge.bridge.terraform.state import parse_state
from sagebridge.bridge.verify import output_differences
from sagebridge.errors import UserError
from tests.command_line import run_in_process
from tests.conftest import ROOT, Aws, Base

VALUES: dict[str, Any] = {
    "text": '${x} %{y} "ü"\n',
    "whole": 3,
    "part": 0.5,
    "flag": False,
    "mixed": {"list": [1, "a", None, True], "nested": {"empty": [], "none": {}}},
    "password": Secret("hunter2"),
    "half": {"open": 1, "hidden": Secret("hunter3")},
}


def stack(values: dict[str, Any], time: str = "2026-11-22T21:32:51.416047975+02:00") -> Stack:
    root = StackResource("urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev", "pulumi:pulumi:Stack", custom=False)
    return Stack("dev", "shop", time, "v3.246.0", (root,), values)


def written(values: dict[str, Any], before: str | None = None, *, secrets: tuple[str, ...] = ()) -> str | None:
    state = stack(values)
    return updated_state(state, state_outputs(state, secrets).outputs, before, "there")


def test_each_output_has_its_type_and_secrets_are_left_out() -> None:
    outputs, left_out = state_outputs(stack(VALUES))
    types = {name: output["type"] for name, output in outputs.items()}
    assert types == {
        "text": "string",
        "whole": "number",
        "part": "number",
        "flag": "bool",
        "mixed": [
            "object",
            {
                "list": ["tuple", ["number", "string", "dynamic", "bool"]],
                "nested": ["object", {"empty": ["tuple", []], "none": ["object", {}]}],
            },
        ],
        "pulumi_stack": ["object", dict.fromkeys(("project", "stack", "time", "pulumi"), "string")],
    }
    assert outputs["pulumi_stack"]["value"]["time"] == "2026-11-22T19:32:51Z"
    assert set(left_out) == {"password", "half"}
    assert "hunter" not in str((outputs, left_out))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "", "yesterday"])
def test_a_state_that_does_not_say_its_time_is_refused(time: str) -> None:
    with pytest.raises(UserError, match=r"does not say when it was written .* run `pulumi up` once"):
        state_outputs(stack({"a": 1}, time))


@pytest.mark.parametrize("number", [1e22, 1e23, 1.5e300, -1e-7, 2**53, 0.1])
def test_a_number_of_terraforms_is_equal_if_it_is_the_same_in_64_bits(number: float) -> None:
    read = int(Decimal(str(number))) if abs(number) >= 1 else number  # Terraform writes all digits of a whole number
    written = {"n": {"value": {"deep": [number]}, "type": "number"}}
    assert output_differences(written, {"n": {"deep": [read]}}, {"n": "number"}) == []
    assert output_differences(written, {"n": {"deep": [number * 2]}}, {"n": "number"}) == ["n: its value is another"]
    assert output_differences(written, {"n": {"deep": [True]}}, {"n": "number"}) != []


def test_a_secret_that_is_asked_for_is_written_and_marked() -> None:
    outputs = state_outputs(stack(VALUES), ["half"]).outputs
    assert outputs["half"]["value"] == {"open": 1, "hidden": "hunter3"}
    assert outputs["half"]["sensitive"] is True
    with pytest.raises(UserError, match="no output passwort"):
        state_outputs(stack(VALUES), ["passwort"])


def test_what_has_no_form_in_terraform_is_named() -> None:
    assert "archive" in state_outputs(stack({"file": [Asset("asset")]})).left_out["file"]
    with pytest.raises(UserError, match="pulumi_stack"):
        state_outputs(stack({"pulumi_stack": 1}))


def test_the_serial_rises_with_a_change_only_and_the_lineage_stays() -> None:
    first = written({"a": 1})
    assert first
    assert written({"a": 1}, first) is None
    second = written({"a": 2}, first)
    assert second
    states = [parse_state(text, "there") for text in (first, second)]
    assert [state.serial for state in states] == [1, 2]
    assert states[0].lineage == states[1].lineage


@pytest.mark.parametrize(
    ("changes", "message"), [({"pending": ("updating urn",)}, "updating urn.*wait"), ({"resources": ()}, "pulumi up")]
)
def test_a_stack_that_is_not_settled_has_no_outputs_to_tell(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        state_outputs(dataclasses.replace(stack({"a": 1}), **changes))


@pytest.mark.parametrize("text", ["", '{"version": 4, "outputs"', "[]", "null"])
def test_a_broken_file_is_not_written_over(text: str) -> None:
    with pytest.raises(UserError, match="there"):
        written({"a": 1}, text)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lineage": "b4c0"}, "its lineage is b4c0"),
        ({"resources": [{"mode": "managed", "type": "a", "name": "b", "instances": [{"attributes": {}}]}]}, "manages"),
        ({"version": 3}, "version 3"),
        ({"encrypted_data": "x", "encryption_version": "v0"}, "encrypted by OpenTofu"),
    ],
)
def test_a_state_of_something_else_is_not_touched(changed: dict[str, Any], message: str) -> None:
    first = written({"a": 1})
    assert first
    with pytest.raises(UserError, match=message):
        written({"a": 2}, json.dumps(json.loads(first) | changed))


PROGRAM = """
import pulumi
for name, value in {values!r}.items():
    pulumi.export(name, value)
pulumi.export("password", pulumi.Output.secret("hunter2"))
"""
READER = """
data "terraform_remote_state" "stack" {
  backend = "%s"
  config  = %s
}

locals {
  read = data.terraform_remote_state.stack.outputs
}

output "right" {
  value = local.read.text == %s && local.read.whole + 1 == 4 && local.read.part * 2 == 1 && local.read.flag == false

  precondition {
    condition     = timecmp(local.read.pulumi_stack.time, timeadd(plantimestamp(), "-24h")) > 0
    error_message = "the stack's outputs are older than a day"
  }
}

output "shape" {
  value = [for value in local.read.mixed.list : value == null ? "null" : tostring(value)]
}

output "names" {
  value = keys(local.read)
}
"""


@pytest.mark.engine
@pytest.mark.terraform
def test_terraform_reads_them_from_a_file_and_from_s3(aws: Aws, base: Base, tmp_path: Path) -> None:
    aws = aws.with_stacks_in(tmp_path / "stacks", PYTHONPATH=str(ROOT))
    project, reader = tmp_path / "project", tmp_path / "reader"
    project.mkdir()
    reader.mkdir()
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    values = {name: value for name, value in VALUES.items() if name not in ("password", "half")}
    (project / "__main__.py").write_text(PROGRAM.format(values=values))
    aws.must("pulumi", "stack", "init", "dev", cwd=project)
    up = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")
    aws.must(*up, cwd=project)

    def bridge(*arguments: str, code: int = 0) -> str:
        done = run_in_process(*arguments, "--stack", "dev", cwd=project, environment=aws.environment)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    file, key, profile = project / "outputs.tfstate", f"outputs/{uuid.uuid4().hex}", aws.environment["AWS_PROFILE"]
    places = {
        "local": (str(file), {"path": str(file)}),
        "s3": (
            f"s3://{base.bucket_name}/{key}?region=us-east-1&profile={profile}",
            {"bucket": base.bucket_name, "key": key, "region": "us-east-1"},
        ),
    }
    for backend, (place, config) in places.items():
        bridge("outputs", "--to", place)
        text = json.dumps(values["text"]).replace("${", "$${").replace("%{", "%%{")
        (reader / "main.tf").write_text(READER % (backend, json.dumps(config), text))
        aws.must("terraform", "init", "-input=false", "-reconfigure", cwd=reader)
        aws.must("terraform", "apply", "-auto-approve", "-input=false", cwd=reader)
        read = {
            name: output["value"]
            for name, output in json.loads(aws.must("terraform", "output", "-json", cwd=reader)).items()
        }
        assert read["right"] is True
        assert read["shape"] == ["1", "a", "null", "true"]
        assert read["names"] == ["flag", "mixed", "part", "pulumi_stack", "text", "whole"]
        assert "Terraform reads" in bridge("verify", "--outputs", place)
        assert "up to date" in bridge("outputs", "--to", place)
    assert file.stat().st_mode & 0o777 == 0o600

    aws.must(*up, cwd=project)  # later, so the outputs are not of the newest update
    for place, _ in places.values():
        assert "pulumi_stack: of another update" in bridge("verify", "--outputs", place, code=1)
        bridge("outputs", "--to", place, "--with-secret", "password")
        assert "Terraform reads" in bridge("verify", "--outputs", place)
    assert "hunter2" in file.read_text()

    lock = {"ID": "77", "Who": "ann@host", "Operation": "OperationTypeApply", "Created": "now"}
    file.with_name(f".{file.name}.lock.info").write_text(json.dumps(lock))
    aws.s3.put_object(Bucket=base.bucket_name, Key=f"{key}.tflock", Body=json.dumps(lock).encode())
    for place, _ in places.values():
        assert "is locked: who ann@host" in bridge("outputs", "--to", place, code=1)
