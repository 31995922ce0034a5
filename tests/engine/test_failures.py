"""What goes wrong is said clearly, and nothing half-made stays behind unseen."""

import io
import json
import re
import tarfile
from pathlib import Path

import joblib
import pytest

from tests.conftest import PREDICTION, Aws, Base
from tests.stacks import Stack
from tools.paths import STACK_SETTINGS

pytestmark = pytest.mark.engine

ARTICLES_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:0.23-1-cpu-py3"


@pytest.fixture
def broken_handler(aws: Aws, base: Base, tmp_path: Path) -> str:
    """An archive whose handler does not load its model."""
    joblib.dump({}, tmp_path / "model.joblib")
    (tmp_path / "inference.py").write_text(
        'def model_fn(model_dir):\n    raise RuntimeError("the weights are not there")\n'
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(tmp_path / "model.joblib", "model.joblib")
        tar.add(tmp_path / "inference.py", "inference.py")
    key = f"models/{tmp_path.name}/model.tar.gz"
    aws.s3.put_object(Bucket=base.bucket_name, Key=key, Body=packed.getvalue())
    return f"s3://{base.bucket_name}/{key}"


def nothing_was_made(aws: Aws, stack: Stack) -> bool:
    return stack.endpoint not in [found["EndpointName"] for found in aws.sagemaker.list_endpoints()["Endpoints"]]


def test_no_state(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    stack.config(terraformState=str(tmp_path / "none.tfstate"))
    said = stack.up_fails()
    assert f"Cannot read the Terraform state {tmp_path}/none.tfstate: there is no file" in said
    assert "Apply Terraform first" in said
    assert nothing_was_made(aws, stack)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"version": 4, "outputs": {"bucket_name": {"val', "it is not whole JSON: it is broken or cut off"),
        ("", "it is empty"),
        ("\ufeff{}", "begins with a byte-order mark"),
        ('{"version": 3, "modules": []}', "format version 3"),
        ('{"version": 3, "backend": {"type": "gcs"}}', "in the backend 'gcs'. Instead, run `terraform state pull"),
        ('{"format_version": "1.0", "values": {}}', "what `terraform show -json` prints"),
        ('{"serial": 1, "encrypted_data": "c2VjcmV0", "encryption_version": "v0"}', "encrypted by OpenTofu"),
    ],
)
def test_a_broken_state(stack: Stack, tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "broken.tfstate").write_text(content)
    stack.config(terraformState=str(tmp_path / "broken.tfstate"))
    assert expected in stack.up_fails()


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"bucket_name": {"value": "b", "type": "string"}}, "has no output 'execution_role_arn' (it has: bucket_name)"),
        (
            {"bucket_name": {"value": ["b"], "type": ["list", "string"]}},
            "output 'bucket_name' of the Terraform state {path} must be a non-empty string, not list",
        ),
    ],
)
def test_a_wrong_output(stack: Stack, tmp_path: Path, outputs: dict[str, object], expected: str) -> None:
    state = tmp_path / "wrong.tfstate"
    state.write_text(json.dumps({"version": 4, "outputs": outputs, "resources": []}))
    stack.config(terraformState=str(state))
    assert expected.format(path=state) in stack.up_fails()


def test_a_missing_archive_stops_the_preview_already(aws: Aws, base: Base, stack: Stack) -> None:
    missing = f"s3://{base.bucket_name}/models/none/model.tar.gz"
    stack.config(modelData=missing)
    said = stack.preview_fails()
    assert f"cannot read {missing}: it is not there; publish the archive first" in said
    assert nothing_was_made(aws, stack)


LATE = """
import pulumi
from sagebridge import SageMakerEndpoint

SageMakerEndpoint(
    "endpoint",
    {
        "execution_role_arn": "arn:aws:iam::123456789012:role/sagemaker",
        "image": "own:1",
        "environment": {"TOKEN": pulumi.Output.secret("x" * 2000)},
    },
)
"""


def test_a_program_that_fails_at_its_start_says_why(aws: Aws, tmp_path: Path) -> None:
    """While its hooks were being registered it ended with a segmentation fault, and without a word."""
    (tmp_path / "Pulumi.yaml").write_text("name: late\nruntime: python\n")
    (tmp_path / "Pulumi.late.yaml").write_text(STACK_SETTINGS.read_text())
    (tmp_path / "__main__.py").write_text(LATE)
    aws.must("pulumi", "stack", "init", "late", "--non-interactive", cwd=tmp_path)
    done = aws.run("pulumi", "preview", "--stack", "late", "--non-interactive", cwd=tmp_path)
    assert "environment['TOKEN'] must be at most 1024 characters long." in done.stdout


def test_no_archive_at_all(stack: Stack) -> None:
    stack.config(modelData="")
    assert "modelData is not set: publish a model first" in stack.up_fails()


def test_the_articles_image_is_refused_for_a_model_of_todays_scikit_learn(aws: Aws, stack: Stack) -> None:
    stack.config(containerImage=ARTICLES_IMAGE)
    said = stack.up_fails()
    assert "carries scikit-learn 0.23, but the model was trained with scikit-learn 1.9" in said
    assert nothing_was_made(aws, stack)


def test_a_create_that_fails_says_why_and_leaves_no_endpoint_behind(
    aws: Aws, stack: Stack, model_data: str, broken_handler: str
) -> None:
    stack.config(modelData=broken_handler)
    said = stack.up_fails()
    assert "did not pass the ping health check" in said
    assert f"/aws/sagemaker/Endpoints/{stack.endpoint}" in said
    assert "The failed endpoint was deleted" in said
    assert re.search(r"The log of AllTraffic/i-[0-9a-f]{17} ends with:", said)
    assert "the weights are not there" in said
    assert nothing_was_made(aws, stack)

    stack.config(modelData=model_data)
    stack.up()
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def test_a_rolled_back_update_fails_keeps_what_is_serving_and_the_next_up_recovers(
    aws: Aws, stack: Stack, model_data: str, broken_handler: str
) -> None:
    stack.up()
    serving = stack.outputs()
    stack.config(modelData=broken_handler)
    said = stack.up_fails()
    assert "AWS rolled the update back. Reason: The primary container" in said
    assert "the weights are not there" in said  # the last lines of the new container's log
    assert f"is InService on configuration {serving['endpointConfigName']}" in said
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    aws.sagemaker.describe_endpoint_config(EndpointConfigName=serving["endpointConfigName"])
    aws.sagemaker.describe_model(ModelName=serving["modelName"])

    assert "AWS rolled the update back" in stack.up_fails()  # it is not taken for done the next time either

    stack.config(modelData=model_data, instanceType="ml.m5.large")
    stack.up()
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert stack.preview() == {"same": 5}
    configurations = aws.sagemaker.list_endpoint_configs(NameContains="endpoint-config")["EndpointConfigs"]
    assert serving["endpointConfigName"] not in [found["EndpointConfigName"] for found in configurations]


def test_an_endpoint_of_that_name_that_is_not_ours_is_left_alone(aws: Aws, base: Base, stack: Stack) -> None:
    aws.sagemaker.create_model(
        ModelName=f"{stack.endpoint}-other",
        ExecutionRoleArn=base.execution_role_arn,
        PrimaryContainer={"Image": "other", "ModelDataUrl": f"s3://{base.bucket_name}/none.tar.gz"},
    )
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=f"{stack.endpoint}-other",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": f"{stack.endpoint}-other",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
    )
    aws.sagemaker.create_endpoint(EndpointName=stack.endpoint, EndpointConfigName=f"{stack.endpoint}-other")
    said = stack.up_fails()
    assert f"An endpoint {stack.endpoint} is there already (status " in said
    found = aws.sagemaker.describe_endpoint(EndpointName=stack.endpoint)
    assert found["EndpointConfigName"] == f"{stack.endpoint}-other"
