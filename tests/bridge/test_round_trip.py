"""`terraform/endpoint`, exactly as it is shipped, goes to Pulumi and back, serves all the while, and is as it was.

A real-time endpoint and a serverless one, each with a state of its own, go there one after the other into the same
stack, and back together.
"""

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.projects import STATE, Project
from tests.conftest import PREDICTION, ROOT, Aws, Base, module_copy

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

SERVERLESS = {"real-time": None, "serverless": {"memory_size_in_mb": 2048}}
"""The module's variable `serverless` by the kind of endpoint that it makes."""


class Journey(Project):
    """The module is applied, once for each kind of endpoint; the project's stack is empty."""

    def __init__(self, aws: Aws, base: Base, model_data: str, place: Path) -> None:
        super().__init__(aws, place)
        prefix = f"r{uuid.uuid4().hex[:8]}"
        self.endpoints = {kind: f"{prefix}-{kind}" for kind in SERVERLESS}
        """The endpoints' names by their kind."""
        self.modules = {kind: place / kind for kind in SERVERLESS}
        """The folders of the root modules by the kind of their endpoint."""
        for kind, folder in self.modules.items():
            module_copy("endpoint", place).rename(folder)
            override = "local_override.tf"
            shutil.copyfile(ROOT / "terraform" / "local" / override, folder / override)
            variables = {"endpoint_name": self.endpoints[kind], "serverless": SERVERLESS[kind], "tags": {"team": "ml"}}
            variables |= {"model_data": model_data, "execution_role_arn": base.execution_role_arn}
            (folder / "terraform.tfvars.json").write_text(json.dumps(variables))
            aws.must("terraform", "init", "-input=false", cwd=folder)
            self.apply(folder)

    def attributes(self, *folders: Path) -> dict[str, dict[str, Any]]:
        """Returns what Terraform knows of each resource in folders, by type and ID."""
        shown = [self.aws.attached_in(folder).must("terraform", "show", "-json", cwd=folder) for folder in folders]
        return {
            f"{resource['type']} {resource['values']['id']}": resource["values"]
            for text in shown
            for resource in json.loads(text)["values"]["root_module"]["resources"]
        }

    def served(self) -> list[tuple[object, float]]:
        """Returns when each endpoint was made, and what it predicts."""
        described = [self.aws.sagemaker.describe_endpoint(EndpointName=name) for name in self.endpoints.values()]
        return [(item["CreationTime"], self.aws.predict(item["EndpointName"])) for item in described]

    def take_over(self, kind: str) -> None:
        """Adopts an endpoint and pastes its program, and Terraform forgets it as the README of `adopt` says.

        The configuration has no blocks any more, no outputs of them, and `removed.tf`.
        """
        folder, out = self.modules[kind], self.out / kind
        self.bridge("adopt", "--state", str(folder / STATE), "--out", str(out))
        self.program.write_text(self.program.read_text() + (out / "endpoints.py").read_text())
        for name in ("main.tf", "outputs.tf"):
            (folder / name).unlink()
        shutil.copyfile(out / "removed.tf", folder / "removed.tf")
        assert "0 added, 0 changed, 0 destroyed" in self.apply(folder)


@pytest.fixture
def journey(aws: Aws, base: Base, model_data: str, tmp_path: Path) -> Journey:
    return Journey(aws, base, model_data, tmp_path)


def test_there_and_back_again(journey: Journey, tmp_path: Path) -> None:
    attributes, first = journey.attributes(*journey.modules.values()), journey.served()
    assert [prediction for _, prediction in first] == [pytest.approx(PREDICTION, abs=1e-9)] * len(SERVERLESS)
    assert len(attributes) == 3 * len(SERVERLESS)
    for kind in SERVERLESS:
        journey.take_over(kind)
    assert journey.served() == first
    assert journey.bridge("verify") == "nothing would change\n"

    fresh = tmp_path / "fresh"
    printed = journey.bridge("export", "--out", str(fresh), "--handoff")
    *steps, proof = re.findall(r"```sh\n(.*?)```", printed, flags=re.DOTALL)
    commands = [step.replace(" apply", " apply -auto-approve") for step in steps]
    assert [command.split()[0] for command in commands] == ["sagebridge", "pulumi", "terraform", "terraform", "pulumi"]
    outputs = [journey.aws.must("bash", "-euc", command, cwd=journey.project) for command in commands]
    assert f"{len(attributes)} imported, 0 added, 0 changed, 0 destroyed" in outputs[2]
    journey.program.write_text("")
    journey.aws.must("bash", "-euc", proof, cwd=journey.project)
    assert [resource["type"] for resource in journey.resources()] == ["pulumi:pulumi:Stack"]

    assert journey.planned(fresh) == 0
    assert journey.served() == first
    assert journey.attributes(fresh) == attributes
