"""A user's own unit test of a program, with nothing but what Pulumi's documentation shows, or with our mocks in it.

Source: https://www.pulumi.com/docs/iac/concepts/testing/unit/. Tried with pulumi 3.246.0 and 3.272.0.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

PROGRAM = """
import pulumi
import pulumi_aws as aws
from sagebridge import SageMakerEndpoint, TerraformBase

base = TerraformBase.read("base.tfstate")
endpoint = SageMakerEndpoint(
    "boston",
    {
        "endpoint_name": "boston",
        "execution_role_arn": base.execution_role_arn,
        "image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
        "model_data_url": f"s3://{base.bucket_name}/model.tar.gz",
        "autoscaling": {"min_capacity": 1, "max_capacity": 3, "invocations_per_instance": 100},
        "deployment_config": {"blue_green_update_policy": {"type": "ALL_AT_ONCE", "wait_interval_in_seconds": 0}},
        "alarms": {},
        "dashboard": True,
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)

another = SageMakerEndpoint(
    "another",
    {
        "execution_role_arn": base.execution_role_arn,
        "framework": "sklearn",
        "framework_version": "1.9-0",
        "async_inference_config": {"s3_output_path": f"s3://{base.bucket_name}/answers"},
    },
    pulumi.ResourceOptions(provider=aws.Provider("other", region="eu-west-1")),
)
another.grant_invoke("caller", "caller")
"""
LOOP_AT_EXIT = r"Exception ignored in: <function BaseEventLoop.__del__ .*?ValueError: Invalid file descriptor: -1\n"
"""What Python may say at its end of the event loop that Pulumi's SDK does not close: the garbage collector decides."""
TEST = """
import unittest
import pulumi
import sagebridge.testing


class MyMocks(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs):
        return [args.name + "_id", args.inputs]

    def call(self, args: pulumi.runtime.MockCallArgs):
        if args.token.startswith("terraform:state:"):
            role = "arn:aws:iam::123456789012:role/sagemaker"
            return {"outputs": {"bucket_name": "models", "execution_role_arn": role, "model_prefix": "models"}}
        return {}


pulumi.runtime.set_mocks(MyMocks(), preview=PREVIEW)

# It's important to import `infra` _after_ the mocks are defined.
import infra


class TestingWithMocks(unittest.TestCase):
    @pulumi.runtime.test
    def test_name(self):
        def check(values):
            self.assertEqual(values, ["boston", "s3://models/model.tar.gz"])

        return pulumi.Output.all(infra.endpoint.endpoint_name, infra.endpoint.model_data_url).apply(check)
"""


@pytest.mark.parametrize("mocks", ["MyMocks", "sagebridge.testing.Mocks"])
@pytest.mark.parametrize("preview", [False, True])
def test_a_users_unit_test_needs_nothing_but_pulumis_mocks(tmp_path: Path, *, preview: bool, mocks: str) -> None:
    (tmp_path / "infra.py").write_text(PROGRAM)
    test = TEST.replace("PREVIEW", str(preview)).replace("set_mocks(MyMocks", f"set_mocks({mocks}")
    (tmp_path / "test_infra.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "unittest"],
        cwd=tmp_path,
        env={**os.environ, "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr
    said = re.sub(LOOP_AT_EXIT, "", done.stderr, flags=re.DOTALL)
    assert "Traceback" not in said
    assert "WARNING" not in said
