"""Modules of somebody else are adopted and forgotten, and what else they have made stays with Terraform, untouched.

One root module calls them in all three ways, so that what starts the engine or Terraform is started once for all.
"""

import json
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.bridge.projects import STATE, Project
from tests.conftest import PREDICTION, ROOT, Aws

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

CALL = """
module "{key}" {{
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
  value = module.once.role_arn
}
"""


class Module(NamedTuple):
    """How the root module calls a module of somebody else, before and after a call goes."""

    adopted_key: str
    """The key of the call that goes."""
    repeated: str
    """What makes several calls of it."""
    name: str
    """The endpoint's name in it, after the prefix of them all."""
    repeated_afterwards: str | None
    """What makes several calls of it afterwards; None if there is none any more."""
    name_afterwards: str


MODULES = {
    "once": Module("", "", "once", None, ""),
    "keyed": Module(
        '["a"]', 'for_each = toset(["a", "b"])', "keyed-${each.key}", 'for_each = toset(["b"])', "keyed-${each.key}"
    ),
    "counted": Module("[0]", "count = 2", 'counted-${["a", "b"][count.index]}', "count = 1", "counted-b"),
}
"""The modules by their names in the root module: one call, and calls by `for_each` and by `count`."""
ADOPTED = ("once", "keyed-a", "counted-a")
"""The names of the endpoints that are adopted, after the prefix of them all."""


class Calls(Project):
    """A root module that calls modules of somebody else."""

    def __init__(self, aws: Aws, model_data: str, place: Path) -> None:
        super().__init__(aws, place)
        self.model_data = model_data
        self.prefix = f"w{uuid.uuid4().hex[:8]}"
        shutil.copytree(ROOT / "tests" / "bridge" / "adopt" / "registry", self.terraform / "registry")
        provider = (ROOT / "terraform" / "local" / "local_override.tf").read_text()
        (self.terraform / "local_override.tf").write_text(provider)
        (self.terraform / "providers.tf").write_text('provider "aws" {\n  region = "us-east-1"\n}\n')

    def write(self) -> None:
        """Writes the root module with all calls."""
        calls = [self._call(key, module.repeated, module.name) for key, module in MODULES.items()]
        (self.terraform / "main.tf").write_text("".join(calls) + OUTPUT)

    def write_afterwards(self) -> None:
        """Writes the root module without the calls of what was adopted."""
        calls = [
            self._call(key, module.repeated_afterwards, module.name_afterwards)
            for key, module in MODULES.items()
            if module.repeated_afterwards is not None
        ]
        (self.terraform / "main.tf").write_text("".join(calls))

    def _call(self, key: str, repeated: str, name: str) -> str:
        quoted = f'"{self.prefix}-{name}"'
        return CALL.format(key=key, repeated=repeated, name=quoted, model_data=json.dumps(self.model_data))

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
        attached = self.aws.attached_in(self.terraform)
        for command in commands:
            attached.must("sh", "-c", command, cwd=self.terraform)
        return commands


@pytest.fixture
def calls(aws: Aws, model_data: str, tmp_path: Path) -> Iterator[Calls]:
    calls = Calls(aws, model_data, tmp_path)
    yield calls
    calls.pulumi("destroy", "--yes", "--skip-preview")


def test_modules_of_somebody_else_are_adopted_and_what_else_they_have_made_is_untouched(aws: Aws, calls: Calls) -> None:
    calls.write()
    aws.must("terraform", "init", "-input=false", cwd=calls.terraform)
    calls.apply()
    refresh = ("terraform", "apply", "-refresh-only", "-auto-approve", "-input=false")
    aws.attached_in(calls.terraform).must(*refresh, cwd=calls.terraform)
    before = calls.instances()
    addresses = [
        f"--address=module.{key}{module.adopted_key}.aws_sagemaker_endpoint.this" for key, module in MODULES.items()
    ]
    steps = calls.adopt(*addresses)
    calls.paste()

    commands = "\n".join(calls.run_commands(steps))
    assert [key for key in MODULES if f"module.{key}" in commands] == ["keyed", "counted"]
    calls.write_afterwards()
    aws.must("terraform", "fmt", "-check", str(calls.out / "without-module"), cwd=calls.terraform)
    shutil.copytree(calls.out / "without-module", calls.terraform, dirs_exist_ok=True)
    assert "0 added, 0 changed, 0 destroyed" in calls.apply()

    after = calls.instances()
    gone = Counter(identity.split()[0] for identity in before.keys() - after.keys())
    assert gone == dict.fromkeys(
        (
            "aws_sagemaker_model",
            "aws_sagemaker_endpoint_configuration",
            "aws_sagemaker_endpoint",
            "aws_appautoscaling_target",
            "aws_appautoscaling_policy",
            "terraform_data",
        ),
        len(MODULES),
    )
    assert after == {identity: before[identity] for identity in after}
    for name in ADOPTED:
        assert aws.predict(f"{calls.prefix}-{name}") == pytest.approx(PREDICTION)
    for file in ("removed.tf", "moved.tf"):
        (calls.terraform / file).unlink(missing_ok=True)
    assert calls.planned() == 0
    assert calls.bridge("verify") == "nothing would change\n"
