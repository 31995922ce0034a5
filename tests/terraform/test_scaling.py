"""Scaling and alarms through the real Terraform provider: what it made it finds again, until it is destroyed."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT, Aws, Base
from tests.fields import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.terraform


def test_scaling_is_made_changed_and_destroyed_with_nothing_left_to_do(
    aws: Aws, base: Base, model_data: str, tmp_path: Path
) -> None:
    name = f"scaled-{uuid.uuid4().hex[:8]}"
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": model_data}
    container = {"Image": IMAGE, "ModelDataUrl": model_data, "Environment": environment}
    aws.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=base.execution_role_arn,
        PrimaryContainer=container,  # type: ignore[arg-type] # a plain dict
    )
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant],  # type: ignore[list-item] # a plain dict
    )
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    aws.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})

    shutil.copyfile(ROOT / "tests" / "terraform" / "scaling" / "main.tf", tmp_path / "main.tf")
    shutil.copyfile(ROOT / "terraform" / "local" / "local_override.tf", tmp_path / "local_override.tf")
    aws.must("terraform", "init", "-input=false", cwd=tmp_path)
    for size in (4, 3):
        given = ["-input=false", f"-var=endpoint={name}", f"-var=size={size}"]
        aws.must("terraform", "apply", "-auto-approve", *given, cwd=tmp_path)
        aws.must("terraform", "plan", "-detailed-exitcode", *given, cwd=tmp_path)  # 0: nothing to do
    aws.must("terraform", "destroy", "-auto-approve", *given, cwd=tmp_path)
    aws.sagemaker.delete_endpoint(EndpointName=name)
