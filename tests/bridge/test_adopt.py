"""Endpoints that real Terraform made come under a real stack, as they are, and Terraform forgets them."""

import dataclasses
import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PREDICTION, ROOT, Aws, Base, module_copy

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

STATE = "terraform.tfstate"
TOKEN = "hf_8f2b7c1d"  # noqa: S105 - a test's own


class Handover:
    """A Terraform configuration with endpoints, and a Pulumi project with an empty stack."""

    def __init__(self, aws: Aws, base: Base, model_data: str, folder: Path, **names: str) -> None:
        (folder / "stacks").mkdir()
        own = {"PYTHONPATH": str(ROOT), "PULUMI_BACKEND_URL": (folder / "stacks").as_uri()}
        self.aws = dataclasses.replace(aws, environment={**aws.environment, **own})
        self.terraform, self.project, self.out = folder / "terraform", folder / "project", folder / "out"
        self.names = names
        self.given = {"execution_role_arn": base.execution_role_arn, "model_data": model_data, "token": TOKEN}
        self.terraform.mkdir()
        shutil.copyfile(ROOT / "tests" / "bridge" / "adopt" / "main.tf", self.terraform / "main.tf")
        (module_copy("endpoint", self.terraform) / "providers.tf").unlink()
        aws.must("terraform", "init", "-input=false", cwd=self.terraform)
        self.apply()
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: adopted\nruntime: python\n")
        self.program = self.project / "__main__.py"
        self.program.write_text("")
        self.pulumi("stack", "init", "dev")
        for key in ("region us-east-1", "skipCredentialsValidation true", "skipRequestingAccountId true"):
            name, value = key.split()
            self.pulumi("config", "set", f"aws:{name}", value)

    def apply(self) -> str:
        variables = json.dumps({**self.given, "names": self.names})
        (self.terraform / "terraform.tfvars.json").write_text(variables)
        return self.aws.must("terraform", "apply", "-input=false", "-auto-approve", "-no-color", cwd=self.terraform)

    def planned(self) -> int:
        """Returns 0 if Terraform has nothing to do, else 2."""
        command = ("terraform", "plan", "-input=false", "-detailed-exitcode")
        return self.aws.run(*command, cwd=self.terraform).returncode

    def pulumi(self, *arguments: str) -> str:
        return self.aws.must("pulumi", *arguments, "--non-interactive", cwd=self.project)

    def up(self) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", "--color", "never")

    def bridge(self, *arguments: str) -> str:
        return self.aws.must(sys.executable, "-m", "bridge", *arguments, "--stack", "dev", cwd=self.project)

    def refused(self, *arguments: str) -> str:
        done = self.aws.run(sys.executable, "-m", "bridge", *arguments, "--stack", "dev", cwd=self.project)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    def adopt(self, *arguments: str) -> str:
        return self.bridge("adopt", "--state", str(self.terraform / STATE), "--out", str(self.out), *arguments)

    def adopt_refused(self, *arguments: str) -> str:
        said = self.refused("adopt", "--state", str(self.terraform / STATE), "--out", str(self.out), *arguments)
        assert not self.out.exists()
        return said

    def paste(self) -> str:
        text = (self.out / "endpoints.py").read_text()
        self.program.write_text(text)
        return text

    def resources(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.pulumi("stack", "export"))["deployment"].get("resources", [])
        return found

    def end(self) -> None:
        self.pulumi("destroy", "--yes", "--skip-preview")
        self.names = {}
        self.aws.must("terraform", "destroy", "-auto-approve", "-input=false", cwd=self.terraform)


@pytest.fixture
def handover(
    aws: Aws, base: Base, model_data: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Handover]:
    name = f"h{uuid.uuid4().hex[:8]}"
    made = Handover(aws, base, model_data, tmp_path, **{key: f"{name}-{key}" for key in request.param})
    yield made
    made.end()


@pytest.mark.parametrize("handover", [("scaled", "serverless")], indirect=True)
def test_one_of_two_is_adopted_forgotten_and_changed_and_the_other_is_untouched(aws: Aws, handover: Handover) -> None:
    name, other = handover.names["scaled"], handover.names["serverless"]
    before = aws.sagemaker.describe_endpoint(EndpointName=name)
    said = handover.adopt("--address", 'module.served["scaled"].aws_sagemaker_endpoint.this')
    assert (handover.out / "stack-before.json").stat().st_mode & 0o777 == 0o600

    assert "autoscaling" in handover.paste()
    assert handover.bridge("verify") == "nothing would change\n"
    assert handover.planned() == 0
    assert {each["type"] for each in handover.resources() if not each["type"].startswith("pulumi:")} == {
        "sagebridge:index:SageMakerEndpoint",
        "aws:sagemaker/model:Model",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "aws:sagemaker/endpoint:Endpoint",
        "aws:appautoscaling/target:Target",
        "aws:appautoscaling/policy:Policy",
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
    }
    assert "adopted before" in handover.refused(
        "adopt", "--state", str(handover.terraform / STATE), "--out", str(handover.out / "again")
    )

    commands = [line.strip() for line in said.splitlines() if line.strip().startswith("terraform state rm")]
    assert len(commands) == 7
    for command in commands:
        handover.aws.must("sh", "-c", command, cwd=handover.terraform)
    del handover.names["scaled"]
    assert "0 added, 0 changed, 0 destroyed" in handover.apply()
    assert aws.predict(name) == pytest.approx(PREDICTION)
    assert handover.bridge("verify") == "nothing would change\n"

    handover.program.write_text(handover.program.read_text().replace("ml.m5.xlarge", "ml.m5.large"))
    assert f"{name} ({'aws:sagemaker/endpoint:Endpoint'}): update of endpointConfigName" in handover.refused("verify")
    handover.up()
    after = aws.sagemaker.describe_endpoint(EndpointName=name)
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    with pytest.raises(aws.sagemaker.exceptions.ClientError, match="Could not find"):
        aws.sagemaker.describe_endpoint_config(EndpointConfigName=before["EndpointConfigName"])
    assert handover.bridge("verify") == "nothing would change\n"
    assert aws.predict(name) == aws.predict(other) == pytest.approx(PREDICTION)
    assert handover.planned() == 0


@pytest.mark.parametrize("handover", [("secret",)], indirect=True)
def test_removed_blocks_forget_what_was_adopted_and_its_secret_stays_one(aws: Aws, handover: Handover) -> None:
    name = handover.names["secret"]
    handover.adopt()
    text = handover.paste()
    assert '"initial_variant_weight": 0.800000011920929' in text  # what is left of 0.8 in AWS's 32 bits
    assert f'config.require_secret("{name}-environment-TOKEN")' in text
    assert handover.bridge("verify") == "nothing would change\n"
    files = [file for folder in (handover.out, handover.project) for file in folder.rglob("*") if file.is_file()]
    assert len(files) >= 6
    assert not [file for file in files if TOKEN in file.read_text(errors="replace")]
    assert TOKEN not in json.dumps(handover.resources())
    assert TOKEN in handover.pulumi("config", "get", f"{name}-environment-TOKEN")

    shutil.copyfile(handover.out / "removed.tf", handover.terraform / "removed.tf")
    main = handover.terraform / "main.tf"
    main.write_text(main.read_text().partition('resource "aws_sagemaker_model" "secret"')[0])
    assert "0 added, 0 changed, 0 destroyed" in handover.apply()
    assert aws.predict(name) == pytest.approx(PREDICTION)
    (handover.terraform / "removed.tf").unlink()
    assert handover.planned() == 0
    assert handover.bridge("verify") == "nothing would change\n"


@pytest.mark.parametrize("handover", [("scaled",)], indirect=True)
def test_what_was_changed_behind_terraforms_back_is_not_adopted(aws: Aws, handover: Handover) -> None:
    name = handover.names["scaled"]
    arn = aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ops"}])
    assert f"{name} (aws:sagemaker/endpoint:Endpoint): update of tags.team" in handover.adopt_refused()
    assert handover.resources() == []
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}])

    # Names that are not the component's stand beside it.
    handover.given["policy_name"] = "mine"
    handover.apply()
    locks = handover.project.parent / "stacks" / ".pulumi" / "locks" / "organization" / "adopted" / "dev"
    locks.mkdir(parents=True, exist_ok=True)
    lock = {"pid": 77, "username": "ann", "hostname": "host", "timestamp": "2026-11-22T21:32:51Z"}
    (locks / "77.json").write_text(json.dumps(lock))
    said = handover.adopt_refused()
    assert "locked" in said
    assert "ann@host" in said
    (locks / "77.json").unlink()

    adopted = json.loads(handover.adopt("--json"))
    assert len(adopted["endpoints"][name]) == 7
    text = handover.paste()
    assert "aws.appautoscaling.Policy(" in text
    assert "stands beside the component" in (handover.out / "README.md").read_text()
    assert handover.bridge("verify") == "nothing would change\n"
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ops"}])
    handover.pulumi("refresh", "--yes", "--skip-preview")
    assert "update of tags.team" in handover.refused("verify")
