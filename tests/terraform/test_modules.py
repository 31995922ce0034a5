"""The Terraform ring: both modules on the local AWS, and the HCL endpoint held against the component's."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PREDICTION, ROOT, Aws, Base, module_copy
from tests.stacks import Stack

pytestmark = pytest.mark.terraform

NO_CHANGES, CHANGES = 0, 2
"""Exit codes of `terraform plan -detailed-exitcode`."""

Apply = Callable[..., dict[str, Any]]


@pytest.fixture
def endpoint_module(aws: Aws, tmp_path: Path) -> Iterator[Path]:
    folder = module_copy("endpoint", tmp_path)
    shutil.copyfile(ROOT / "terraform" / "local" / "local_override.tf", folder / "local_override.tf")
    aws.must("terraform", "init", "-input=false", cwd=folder)
    yield folder
    aws.attached_in(folder).must("terraform", "destroy", "-input=false", "-auto-approve", cwd=folder)


@pytest.fixture
def apply(aws: Aws, base: Base, model_data: str, endpoint_module: Path) -> Apply:
    """Applies the module with variables, checks that nothing is left to do, and returns its outputs."""

    def apply(**variables: Any) -> dict[str, Any]:
        given = {
            "endpoint_name": endpoint_module.parent.name.replace("_", "-")[-40:].strip("-"),
            "execution_role_arn": base.execution_role_arn,
            "model_data": model_data,
            **variables,
        }
        (endpoint_module / "terraform.tfvars.json").write_text(json.dumps(given))
        attached = aws.attached_in(endpoint_module)
        attached.must("terraform", "apply", "-input=false", "-auto-approve", cwd=endpoint_module)
        assert plan(aws, endpoint_module) == NO_CHANGES
        outputs = json.loads(aws.must("terraform", "output", "-json", cwd=endpoint_module))
        return {name: output["value"] for name, output in outputs.items()}

    return apply


def plan(aws: Aws, folder: Path) -> int:
    command = ("terraform", "plan", "-input=false", "-detailed-exitcode")
    return aws.attached_in(folder).run(*command, cwd=folder).returncode


def described(aws: Aws, outputs: dict[str, Any], camel: Callable[[str], str]) -> dict[str, Any]:
    """Returns what SageMaker says of an endpoint's three objects and their tags, without names, ARNs and times."""
    model = aws.sagemaker.describe_model(ModelName=outputs[camel("model_name")])
    configuration = aws.sagemaker.describe_endpoint_config(EndpointConfigName=outputs[camel("endpoint_config_name")])
    endpoint = aws.sagemaker.describe_endpoint(EndpointName=outputs[camel("endpoint_name")])
    arns = (model["ModelArn"], configuration["EndpointConfigArn"], endpoint["EndpointArn"])
    tags = [aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] for arn in arns]
    named = ("ResponseMetadata", "ModelName", "EndpointName", "EndpointConfigName", "ResolutionTime")

    def nameless(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: nameless(item)
                for key, item in value.items()
                if (key not in named and not key.endswith(("Arn", "Time"))) or key == "ExecutionRoleArn"
            }
        return [nameless(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = nameless({"model": model, "configuration": configuration, "endpoint": endpoint})
    return {**found, "tags": [sorted(tag.items()) for each in tags for tag in each]}


def pulumi_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_a_second_plan_of_the_base_is_empty(aws: Aws, base: Base) -> None:
    assert plan(aws, base.folder) == NO_CHANGES


def test_the_bucket_is_private_versioned_encrypted_and_tls_only(aws: Aws, base: Base) -> None:
    blocked = aws.s3.get_public_access_block(Bucket=base.bucket_name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert aws.s3.get_bucket_versioning(Bucket=base.bucket_name)["Status"] == "Enabled"
    (rule,) = aws.s3.get_bucket_encryption(Bucket=base.bucket_name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(aws.s3.get_bucket_policy(Bucket=base.bucket_name)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.long
@pytest.mark.parametrize("kind", ["real-time", "serverless"])
def test_the_hcl_endpoint_and_the_components_are_the_same_to_sagemaker(
    aws: Aws, apply: Apply, stack: Stack, kind: str
) -> None:
    tags = {"team": "ml"}
    if kind == "serverless":
        outputs = apply(serverless={"memory_size_in_mb": 4096, "max_concurrency": 2}, tags=tags)
        stack.config(serverless="true")
    else:
        outputs = apply(tags=tags)
    stack.tag(**tags)
    stack.up()
    assert described(aws, outputs, str) == described(aws, stack.outputs(), pulumi_name)
    assert aws.predict(outputs["endpoint_name"]) == aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def test_another_instance_type_updates_the_hcl_endpoint_in_place(aws: Aws, apply: Apply) -> None:
    first = apply()
    before = aws.sagemaker.describe_endpoint(EndpointName=first["endpoint_name"])
    second = apply(instance_type="ml.m5.large")
    after = aws.sagemaker.describe_endpoint(EndpointName=first["endpoint_name"])
    assert second["endpoint_config_name"] == after["EndpointConfigName"] != before["EndpointConfigName"]
    assert after["CreationTime"] == before["CreationTime"]


@pytest.mark.parametrize("module", ["base", "endpoint"])
def test_terraforms_own_tests_pass(aws: Aws, tmp_path: Path, module: str) -> None:
    """With mock providers: they need no AWS, local or other."""
    folder = module_copy(module, tmp_path)
    aws.must("terraform", "init", "-input=false", "-backend=false", cwd=folder)
    assert "0 failed" in aws.attached_in(folder).must("terraform", "test", "-no-color", cwd=folder)
