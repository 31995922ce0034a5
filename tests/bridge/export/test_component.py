"""A stack of the component goes to Terraform: exported, proven, imported, forgotten by Pulumi, changed by Terraform."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws_
import pytest

from tests.bridge import states
from tests.bridge.commands import Bridge
from tests.conftest import PREDICTION, ROOT, Aws
from tests.fields import REGION
from tests.stacks import Declared, local_settings

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

CREDENTIAL = "NOTCARRIED"
SECRETS_NAME = "TF_VAR_endpoint_Most_model_TOKEN"
CORE = "sw0rdf1sh"
SECRET = CORE + ' " ${word} %{if} \\ é\n1'
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Condition": {"StringLike": {"aws:PrincipalTag/team": "${aws:username}"}},
        }
    ],
}


def program(declared: Declared) -> None:
    """Declares a component with all that belongs to it, and what is difficult around it."""
    settings = {key.removeprefix("aws:"): value for key, value in local_settings().items()}
    provider = aws_.Provider(
        "tagged.one",
        region=REGION,
        profile=settings["profile"],
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
        default_tags=aws_.ProviderDefaultTagsArgs(tags={"team": "ml", "cost centre": "42"}),
        access_key=CREDENTIAL,
        secret_key=CREDENTIAL,
    )
    most = declared.args["production_variants"][0]
    most["environment"] = {"TOKEN": pulumi.Output.secret(SECRET), "PLAIN": "${HOME} %{x}"}
    declared.declare(pulumi.ResourceOptions(provider=provider))
    role = aws_.iam.Role("role", assume_role_policy=json.dumps(TRUST), description='"quoted"', tags={"é": "x"})
    aws_.iam.RolePolicy(
        "role.policy", role=role.name, policy=json.dumps({"Version": "2012-10-17", "Statement": TRUST_ALLOW})
    )
    managed = aws_.iam.Policy("role-policy", policy=json.dumps({"Version": "2012-10-17", "Statement": TRUST_ALLOW}))
    aws_.iam.RolePolicyAttachment("role-policy", role=role.name, policy_arn=managed.arn)
    bucket = aws_.s3.Bucket("bucket", force_destroy=True, opts=pulumi.ResourceOptions(protect=True))
    text = pulumi.StringAsset("a model would be too long")
    aws_.s3.BucketObjectv2("text", bucket=bucket.bucket, key="a/b c.txt", source=text)
    aws_.s3.BucketObject("older", bucket=bucket.bucket, key="older.txt", content="${HOME}")
    aws_.cloudwatch.MetricAlarm(
        "elsewhere",
        region="eu-west-1",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=1,
        metric_name="Invocations",
        namespace="AWS/SageMaker",
        period=60,
        statistic="Sum",
        threshold=0.1,
        opts=pulumi.ResourceOptions(ignore_changes=["tags", "dimensions.EndpointName"]),
    )


TRUST_ALLOW = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}/*"}]


@pytest.fixture
def stack(aws: Aws, declared: Declared) -> Iterator[str]:
    """Yields the stack's name, once it is up."""
    image = {"image": declared.args.pop("image"), "model_data_url": declared.args.pop("model_data_url")}
    scaling: Any = {"min_capacity": 1, "max_capacity": 3, "invocations_per_instance": 100.0}
    most: Any = image | {"variant_name": "Most", "initial_variant_weight": 0.8, "autoscaling": scaling}
    rest: Any = image | {"variant_name": "Rest", "initial_variant_weight": 0.2}
    declared.args |= {
        "production_variants": [most, rest],
        "alarms": {"model_latency": 1000.5},
        "dashboard": True,
        "tags": {"team": "ml", "stage": "test"},
    }
    declared.program = lambda: program(declared)
    declared.up()
    aws.must("pulumi", "stack", "select", declared.name, cwd=Path(declared.work_dir))
    yield declared.endpoint
    aws.run("pulumi", "state", "unprotect", "--all", "--yes", cwd=Path(declared.work_dir))


@pytest.mark.usefixtures("separate_providers")
def test_from_pulumi_to_terraform(aws: Aws, declared: Declared, stack: str, tmp_path: Path) -> None:
    bridge = Bridge(aws, Path(declared.work_dir))
    states.keep(aws.must("pulumi", "stack", "export", "--show-secrets", cwd=bridge.folder))
    for form in ("json", "hcl"):
        folder = tmp_path / form
        printed = bridge.must("export", "--stack", stack, "--out", str(folder), "--format", form, "--handoff")
        verified = bridge.must("verify", "--stack", stack, "--module", str(folder))
        for text in (printed, verified, *(file.read_text() for file in folder.iterdir())):
            assert CORE not in text
            assert CREDENTIAL not in text

    changed_behind_its_back(aws, bridge, declared, folder)

    terraform = replace(aws, environment=aws.environment | {SECRETS_NAME: SECRET, "PYTHONPATH": str(ROOT)})
    *steps, proof = re.findall(r"```sh\n(.*?)```", printed, flags=re.DOTALL)
    assert [step.split()[0] for step in steps] == ["sagebridge", "pulumi", "terraform", "terraform", "pulumi"]
    assert "pulumi preview" in proof
    outputs = [
        terraform.must("bash", "-euc", step.replace(" apply", " apply -auto-approve"), cwd=bridge.folder)
        for step in steps
    ]
    assert "23 imported, 0 added, 1 changed, 0 destroyed" in outputs[2]
    assert CORE not in "".join(outputs)
    declared.program = lambda: None
    assert set(declared.preview()) <= {"same"}
    assert aws.predict(stack) == pytest.approx(PREDICTION, abs=1e-9)

    refused = terraform.run("terraform", "plan", "-destroy", "-input=false", "-no-color", cwd=folder)
    assert "aws_s3_bucket.bucket has lifecycle.prevent_destroy set" in refused.stdout + refused.stderr
    changed_by_terraform(terraform, stack, folder)
    terraform.must("terraform", "destroy", "-input=false", "-auto-approve", "-no-color", cwd=folder)


def changed_behind_its_back(aws: Aws, bridge: Bridge, declared: Declared, folder: Path) -> None:
    """A tag in AWS, then a secret in the stack, are not what the module says: `verify` says so."""
    verify = ("verify", "--stack", declared.endpoint, "--module", str(folder))
    arn = aws.sagemaker.describe_endpoint(EndpointName=declared.endpoint)["EndpointArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "live"}])
    done = bridge.run(*verify, "--json")
    assert done.returncode == 1
    differences = [
        line
        for line in json.loads(done.stdout)["differences"]
        if line.startswith("aws_sagemaker_endpoint.endpoint: tags.")
    ]
    assert differences == ['aws_sagemaker_endpoint.endpoint: tags.stage: "live" → "test"']
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])

    manifest = folder / "bridge.json"
    text = manifest.read_text()
    manifest.write_text(text.replace(f'"stack": "{declared.endpoint}"', '"stack": "other"'))
    assert f"was exported from declared/other, not declared/{declared.endpoint}" in bridge.fails(*verify)
    manifest.write_text(text)

    state = folder.parent / "state.json"
    exported = aws.must("pulumi", "stack", "export", "--show-secrets", "--file", str(state), cwd=bridge.folder)
    assert CORE not in exported
    state.write_text(state.read_text().replace(CORE, "another"))
    aws.must("pulumi", "stack", "import", "--file", str(state), cwd=bridge.folder)
    message = bridge.fails(*verify)
    assert (
        "aws_sagemaker_model.endpoint_Most_model: primary_container[0].environment.TOKEN: (secret) → (secret)"
        in message
    )
    assert CORE not in message
    assert "another" not in message
    state.write_text(state.read_text().replace("another", CORE))
    aws.must("pulumi", "stack", "import", "--file", str(state), cwd=bridge.folder)


def changed_by_terraform(terraform: Aws, endpoint: str, folder: Path) -> None:
    """Another instance type of the variant that does not scale: a new configuration, the same endpoint."""
    before = terraform.sagemaker.describe_endpoint(EndpointName=endpoint)
    code = re.sub("prevent_destroy += true", "", (folder / "main.tf").read_text())
    begin, instance_type, end = code.rpartition("ml.m5.xlarge")
    assert instance_type
    (folder / "main.tf").write_text(f"{begin}ml.m5.large{end}")
    terraform.must("terraform", "apply", "-input=false", "-auto-approve", "-no-color", cwd=folder)
    terraform.must("terraform", "plan", "-input=false", "-detailed-exitcode", cwd=folder)
    after = terraform.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert terraform.predict(endpoint) == pytest.approx(PREDICTION, abs=1e-9)
