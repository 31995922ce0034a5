"""A base of any kind is read on the engine: every type of Terraform's, from a file, a workspace and S3."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sagebridge import TerraformState
from tests.conftest import Aws
from tests.stacks import Declared

pytestmark = [pytest.mark.engine, pytest.mark.terraform]

MODULE = """
output "text"     { value = "é\\n" }
output "empty"    { value = "" }
output "count"    { value = 2 }
output "zero"     { value = 0 }
output "fraction" { value = 2.5 }
output "most"     { value = 9007199254740992 }
output "beyond"   { value = 9007199254740993 }
output "flag"     { value = false }
output "list"     { value = tolist(["a", null]) }
output "no_list"  { value = tolist([]) }
output "set"      { value = toset([3, 1]) }
output "tuple"    { value = [1, "a", null, [true]] }
output "map"      { value = tomap({ a = 1, b = null }) }
output "no_map"   { value = {} }
output "object"   { value = { name = "a", none = null, deep = [{ none = null, size = 3, __own = 1 }] } }
output "secret"   {
  value     = { token = "hunter2", size = 4 }
  sensitive = true
}
"""
OUTPUTS: dict[str, Any] = {
    "text": "é\n",
    "empty": "",
    "count": 2,
    "zero": 0,
    "fraction": 2.5,
    "most": 2**53,
    "flag": False,
    "list": ["a", None],
    "no_list": [],
    "set": [1, 3],
    "tuple": [1, "a", None, [True]],
    "map": {"a": 1, "b": None},
    "no_map": {},
    "object": {"name": "a", "none": None, "deep": [{"none": None, "size": 3, "__own": 1}]},
}
SECRET = {"token": "hunter2", "size": 4}


def test_every_type_is_read_from_wherever_the_state_is(aws: Aws, declared: Declared, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(MODULE)
    for command in (("init",), ("workspace", "new", "dev"), ("apply", "-auto-approve")):
        aws.must("terraform", *command, cwd=tmp_path)
    file = str(tmp_path / "terraform.tfstate.d" / "dev" / "terraform.tfstate")
    aws.s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    aws.s3.upload_file(file, "elsewhere", "env:/dev/the base.tfstate")
    locations = [file, "s3://elsewhere/env:/dev/the base.tfstate?region=eu-west-1&profile=local"]
    states: list[TerraformState] = []

    def program() -> None:
        states.extend(TerraformState.read(location) for location in locations)
        for state in states:
            pulumi.export(state.location, state.outputs)
            pulumi.export(f"secret of {state.location}", state.outputs["secret"])
        declared.args["initial_instance_count"] = states[0].outputs["count"]
        declared.declare()

    declared.program = program
    result = declared.up()
    assert [state.location for state in states] == locations
    for state in states:
        values = {name: state.outputs[name] for name in OUTPUTS}
        assert json.dumps(values, sort_keys=True) == json.dumps(
            OUTPUTS, sort_keys=True
        )  # which tells 1 from 1.0 and True
        assert {*state.outputs} == {*OUTPUTS, "secret"}
        with pytest.raises(pulumi.RunError, match=r"'beyond' of the Terraform state .* beyond 2\^53"):
            state.outputs["beyond"]
        assert result.outputs[state.location].value == OUTPUTS | {"secret": SECRET}
        secret = result.outputs[f"secret of {state.location}"]
        assert (secret.value, secret.secret) == (SECRET, True)
    endpoint = aws.sagemaker.describe_endpoint(EndpointName=declared.endpoint)
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 2
