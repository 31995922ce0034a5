"""A module of somebody else is adopted and forgotten, and what else it has made stays with Terraform, untouched."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.bridge.projects import STATE, Project
from tests.conftest import PREDICTION, ROOT, Aws

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

CALL = """
module "serving" {{
  source      = "./registry"
  {repeated}
  name        = {name}
  model_data  = {model_data}
  autoscaling = {{ min = 1, max = 2, target = 100 }}
  tags        = {{ team = "ml" }}
}}
"""
OUTPUT = """
output "role" {
  value = module.serving.role_arn
}
"""


class Call(Project):
    """A root module that calls a module of somebody else, once or for several endpoints."""

    def __init__(self, aws: Aws, model_data: str, place: Path) -> None:
        super().__init__(aws, place)
        self.model_data = model_data
        self.prefix = f"w{uuid.uuid4().hex[:8]}"
        shutil.copytree(ROOT / "tests" / "bridge" / "adopt" / "registry", self.terraform / "registry")
        provider = (ROOT / "terraform" / "local" / "local_override.tf").read_text()
        (self.terraform / "local_override.tf").write_text(provider)
        (self.terraform / "providers.tf").write_text('provider "aws" {\n  region = "us-east-1"\n}\n')

    def write(self, repeated: str, name: str, others: str = "") -> None:
        """Writes the root module."""
        call = CALL.format(repeated=repeated, name=name, model_data=json.dumps(self.model_data)) if name else ""
        (self.terraform / "main.tf").write_text(call + others)

    def instances(self) -> dict[str, dict[str, Any]]:
        """Returns what Terraform manages: the attributes by type and ID."""
        state = json.loads((self.terraform / STATE).read_text())
        return {
            f"{block['type']} {instance['attributes']['id']}": instance["attributes"]
            for block in state["resources"]
            if block["mode"] == "managed"
            for instance in block["instances"]
        }

    def run_commands(self, steps: str) -> list[str]:
        """Runs the commands of the steps for a module of somebody else."""
        step = steps.partition("is a module of somebody else")[2].partition("Terraform 1.6 and older")[0]
        commands = [line.strip() for line in step.splitlines() if line.strip().startswith("terraform state")]
        for command in commands:
            self.aws.must("sh", "-c", command, cwd=self.terraform)
        return commands


@pytest.fixture
def call(aws: Aws, model_data: str, tmp_path: Path) -> Iterator[Call]:
    call = Call(aws, model_data, tmp_path)
    yield call
    call.pulumi("destroy", "--yes", "--skip-preview")


class Calls(NamedTuple):
    """How the root module calls the module of somebody else, before and after a call goes."""

    key: str
    """The key of the call that goes."""
    repeated: str
    """What makes several calls of it."""
    name: str
    """The endpoint's name in it."""
    repeated_afterwards: str | None
    """What makes several calls of it afterwards; None if there is none any more."""
    name_afterwards: str


ONCE = Calls("", "", '"{prefix}-a"', None, "")
FOR_EACH = Calls(
    '["a"]',
    'for_each = toset(["a", "b"])',
    '"{prefix}-${{each.key}}"',
    'for_each = toset(["b"])',
    '"{prefix}-${{each.key}}"',
)
COUNT = Calls("[0]", "count = 2", '"{prefix}-${{["a", "b"][count.index]}}"', "count = 1", '"{prefix}-b"')


@pytest.mark.parametrize("calls", [ONCE, FOR_EACH, COUNT], ids=["once", "for_each", "count"])
def test_a_module_of_somebody_else_is_adopted_and_what_else_it_has_made_is_untouched(
    aws: Aws, call: Call, calls: Calls
) -> None:
    call.write(calls.repeated, calls.name.format(prefix=call.prefix), "" if calls.key else OUTPUT)
    aws.must("terraform", "init", "-input=false", cwd=call.terraform)
    call.apply()
    aws.must("terraform", "apply", "-refresh-only", "-auto-approve", "-input=false", cwd=call.terraform)
    before = call.instances()
    endpoint = f"{call.prefix}-a"
    steps = call.adopt("--address", f"module.serving{calls.key}.aws_sagemaker_endpoint.this")
    call.paste()

    commands = call.run_commands(steps)
    assert bool(commands) == bool(calls.key)
    if calls.repeated_afterwards is None:
        call.write("", "")
    else:
        call.write(calls.repeated_afterwards, calls.name_afterwards.format(prefix=call.prefix))
    aws.must("terraform", "fmt", "-check", str(call.out / "without-module"), cwd=call.terraform)
    shutil.copytree(call.out / "without-module", call.terraform, dirs_exist_ok=True)
    assert "0 added, 0 changed, 0 destroyed" in call.apply()

    after = call.instances()
    gone = {identity.split()[0] for identity in before.keys() - after.keys()}
    assert gone == {
        "aws_sagemaker_model",
        "aws_sagemaker_endpoint_configuration",
        "aws_sagemaker_endpoint",
        "aws_appautoscaling_target",
        "aws_appautoscaling_policy",
        "terraform_data",
    }
    assert after == {identity: before[identity] for identity in after}
    assert aws.predict(endpoint) == pytest.approx(PREDICTION)
    for file in ("removed.tf", "moved.tf"):
        (call.terraform / file).unlink(missing_ok=True)
    assert call.planned() == 0
    assert call.bridge("verify") == "nothing would change\n"
