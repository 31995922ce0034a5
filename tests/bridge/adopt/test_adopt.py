"""Endpoints that real Terraform made come under a real stack, as they are, and Terraform forgets them."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.projects import STATE, Project
from tests.conftest import PREDICTION, ROOT, Aws, Base, module_copy

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

TOKEN = "hf_8f2b7c1d"  # noqa: S105 - a test's own


class Handover(Project):
    """A Terraform configuration with endpoints, and a Pulumi project with an empty stack."""

    def __init__(self, aws: Aws, base: Base, model_data: str, place: Path, **names: str) -> None:
        super().__init__(aws, place, passphrase=True)  # as most stacks that take over secrets
        self.names = names
        self.variables = {"execution_role_arn": base.execution_role_arn, "model_data": model_data, "token": TOKEN}
        self.terraform.mkdir()
        shutil.copyfile(ROOT / "tests" / "bridge" / "adopt" / "main.tf", self.terraform / "main.tf")
        (module_copy("endpoint", self.terraform) / "providers.tf").unlink()
        aws.must("terraform", "init", "-input=false", cwd=self.terraform)
        self.apply()

    def apply(self, folder: Path | None = None) -> str:
        text = json.dumps({**self.variables, "names": self.names})
        (self.terraform / "terraform.tfvars.json").write_text(text)
        return super().apply(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the stack until the body ends, as another person's update does."""
        folder = self.project.parent / "stacks" / ".pulumi" / "locks" / "organization" / "adopted" / "dev"
        folder.mkdir(parents=True, exist_ok=True)
        lock = {"pid": 77, "username": "ann", "hostname": "host", "timestamp": "2026-11-22T21:32:51Z"}
        (folder / "77.json").write_text(json.dumps(lock))
        try:
            yield
        finally:
            (folder / "77.json").unlink()


@pytest.fixture
def handover(
    aws: Aws, base: Base, model_data: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Handover]:
    name = f"h{uuid.uuid4().hex[:8]}"
    handover = Handover(aws, base, model_data, tmp_path, **{key: f"{name}-{key}" for key in request.param})
    yield handover
    handover.pulumi("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize("handover", [("scaled", "serverless")], indirect=True)
def test_one_of_two_is_adopted_forgotten_and_changed_and_the_other_is_untouched(aws: Aws, handover: Handover) -> None:
    name, other = handover.names["scaled"], handover.names["serverless"]
    capacity: Any = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]  # as autoscaling would
    aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=capacity)
    aws.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    before = aws.sagemaker.describe_endpoint(EndpointName=name)
    steps = handover.adopt("--address", 'module.served["scaled"].aws_sagemaker_endpoint.this')
    assert (handover.out / "stack-before.json").stat().st_mode & 0o777 == 0o600

    assert "autoscaling" in handover.paste()
    assert handover.bridge("verify") == "nothing would change\n"
    assert handover.planned() == 0
    assert {resource["type"] for resource in handover.resources() if not resource["type"].startswith("pulumi:")} == {
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

    commands = [line.strip() for line in steps.splitlines() if line.strip().startswith("terraform state rm")]
    assert len(commands) == 7
    for command in commands:
        handover.aws.must("sh", "-c", command, cwd=handover.terraform)
    del handover.names["scaled"]
    assert "0 added, 0 changed, 0 destroyed" in handover.apply()
    assert aws.predict(name) == pytest.approx(PREDICTION)

    handover.program.write_text(handover.program.read_text().replace("ml.m5.xlarge", "ml.m5.large"))
    assert f"{name} ({'aws:sagemaker/endpoint:Endpoint'}): update of endpointConfigName" in handover.refused("verify")
    handover.up()
    after = aws.sagemaker.describe_endpoint(EndpointName=name)
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert after["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    with pytest.raises(aws.sagemaker.exceptions.ClientError, match="Could not find"):
        aws.sagemaker.describe_endpoint_config(EndpointConfigName=before["EndpointConfigName"])
    assert handover.bridge("verify") == "nothing would change\n"
    assert aws.predict(name) == aws.predict(other) == pytest.approx(PREDICTION)
    assert handover.planned() == 0


@pytest.mark.parametrize("handover", [("secret", "beside")], indirect=True)
def test_what_terraform_would_not_change_is_adopted_with_its_secret_and_forgotten_by_removed_blocks(
    aws: Aws, handover: Handover
) -> None:
    secret, beside = handover.names["secret"], handover.names["beside"]
    arn = aws.sagemaker.describe_endpoint(EndpointName=beside)["EndpointArn"]
    changed: Any = [{"Key": "team", "Value": "ops"}]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=changed)
    assert f"{beside} (aws:sagemaker/endpoint:Endpoint): update of tags.team" in handover.adopt_refused()
    assert handover.resources() == []
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}])
    with handover.locked():
        message = handover.adopt_refused()
    assert "locked" in message
    assert "ann@host" in message
    assert TOKEN not in handover.pulumi("config", "--json", "--show-secrets")  # or the next try would be refused for it

    adopted = json.loads(handover.adopt("--json"))
    assert len(adopted["endpoints"][beside]) == 7
    text = handover.paste()
    assert "aws.appautoscaling.Policy(" in text  # a policy that has not the component's name stands beside it
    assert "is declared beside the component" in (handover.out / "README.md").read_text()
    assert '"initial_variant_weight": 0.8,' in text  # not what AWS keeps of it, 0.800000011920929
    assert f'config.require_secret("{secret}-environment-TOKEN")' in text
    assert handover.bridge("verify") == "nothing would change\n"
    files = [file for folder in (handover.out, handover.project) for file in folder.rglob("*") if file.is_file()]
    assert len(files) >= 6
    assert not [file for file in files if TOKEN in file.read_text(errors="replace")]
    assert TOKEN not in json.dumps(handover.resources())
    assert TOKEN in handover.pulumi("config", "get", f"{secret}-environment-TOKEN")

    shutil.copyfile(handover.out / "removed.tf", handover.terraform / "removed.tf")
    main = handover.terraform / "main.tf"
    main.write_text(main.read_text().partition('module "served"')[0])
    assert "0 added, 0 changed, 0 destroyed" in handover.apply()
    assert aws.predict(secret) == aws.predict(beside) == pytest.approx(PREDICTION)
    (handover.terraform / "removed.tf").unlink()
    assert handover.planned() == 0
    assert handover.bridge("verify") == "nothing would change\n"

    aws.sagemaker.add_tags(ResourceArn=arn, Tags=changed)
    handover.pulumi("refresh", "--yes", "--skip-preview")
    assert "update of tags.team" in handover.refused("verify")
