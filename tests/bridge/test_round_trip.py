"""`terraform/endpoint`, exactly as it is shipped, goes to Pulumi and back, serves all the while, and is as it was."""

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.projects import Project
from tests.conftest import PREDICTION, ROOT, Aws, Base, module_copy

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]


class Journey(Project):
    """The module is applied; the project's stack is empty."""

    def __init__(self, aws: Aws, base: Base, model_data: str, place: Path, serverless: dict[str, int] | None) -> None:
        super().__init__(aws, place)
        self.endpoint = f"r{uuid.uuid4().hex[:8]}"
        module_copy("endpoint", place).rename(self.terraform)
        override = "local_override.tf"
        shutil.copyfile(ROOT / "terraform" / "local" / override, self.terraform / override)
        variables = {"endpoint_name": self.endpoint, "serverless": serverless, "tags": {"team": "ml"}}
        variables |= {"model_data": model_data, "execution_role_arn": base.execution_role_arn}
        (self.terraform / "terraform.tfvars.json").write_text(json.dumps(variables))
        aws.must("terraform", "init", "-input=false", cwd=self.terraform)
        self.apply()

    def attributes(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Returns what Terraform knows of each resource, by type."""
        shown = json.loads(self.aws.must("terraform", "show", "-json", cwd=folder))
        return {resource["type"]: resource["values"] for resource in shown["values"]["root_module"]["resources"]}

    def served(self) -> tuple[object, float]:
        """Returns when the endpoint was made, and what it predicts."""
        described = self.aws.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        return described["CreationTime"], self.aws.predict(self.endpoint)

    def forget(self) -> None:
        """Terraform forgets as the README of `adopt` says: no blocks, no outputs of them, and `removed.tf`."""
        for name in ("main.tf", "outputs.tf"):
            (self.terraform / name).unlink()
        shutil.copyfile(self.out / "removed.tf", self.terraform / "removed.tf")
        assert "0 added, 0 changed, 0 destroyed" in self.apply()


@pytest.fixture(params=[None, {"memory_size_in_mb": 2048}], ids=["real-time", "serverless"])
def journey(aws: Aws, base: Base, model_data: str, tmp_path: Path, request: pytest.FixtureRequest) -> Journey:
    return Journey(aws, base, model_data, tmp_path, request.param)


def test_there_and_back_again(journey: Journey, tmp_path: Path) -> None:
    attributes, first = journey.attributes(journey.terraform), journey.served()
    assert first[1] == pytest.approx(PREDICTION, abs=1e-9)
    assert len(attributes) == 3
    journey.adopt()
    journey.paste()
    journey.forget()
    assert journey.served() == first
    assert journey.bridge("verify") == "nothing would change\n"

    fresh = tmp_path / "fresh"
    printed = journey.bridge("export", "--out", str(fresh), "--handoff")
    *steps, proof = re.findall(r"```sh\n(.*?)```", printed, flags=re.DOTALL)
    commands = [step.replace(" apply", " apply -auto-approve") for step in steps]
    assert [command.split()[0] for command in commands] == ["sagebridge", "pulumi", "terraform", "terraform", "pulumi"]
    outputs = [journey.aws.must("bash", "-euc", command, cwd=journey.project) for command in commands]
    assert "3 imported, 0 added, 0 changed, 0 destroyed" in outputs[2]
    journey.program.write_text("")
    journey.aws.must("bash", "-euc", proof, cwd=journey.project)
    assert [resource["type"] for resource in journey.resources()] == ["pulumi:pulumi:Stack"]

    assert journey.planned(fresh) == 0
    assert journey.served() == first
    assert journey.attributes(fresh) == attributes
