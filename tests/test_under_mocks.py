"""A user's own unit test of a program, with nothing but what Pulumi's documentation shows, or with our mocks in it.

Source: https://www.pulumi.com/docs/iac/concepts/testing/unit/. Tried with pulumi 3.246.0 and 3.272.0.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warm import WarmPython, warm_python

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("forked-under-mocks")]

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
MODULES = ("sagemaker", "cloudwatch", "appautoscaling", "iam")
"""The modules of pulumi-aws that the program uses."""
ENVIRONMENT = {**os.environ, "AWS_REGION": "us-east-1"}
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


UNITTEST = "import runpy; runpy.run_module('unittest', run_name='__main__', alter_sys=True)"
"""What `python -m unittest` does, in a process that is forked."""


@pytest.fixture(scope="module")
def python() -> Iterator[WarmPython]:
    """A Python that has imported what a program imports beside this package."""
    with warm_python("unittest", "pulumi", *(f"pulumi_aws.{name}" for name in MODULES)) as python:
        yield python


def folder_of_test(folder: Path, mocks: str, *, preview: bool) -> Path:
    (folder / "infra.py").write_text(PROGRAM)
    test = TEST.replace("PREVIEW", str(preview)).replace("set_mocks(MyMocks", f"set_mocks({mocks}")
    (folder / "test_infra.py").write_text(test)
    return folder


def check(code: int, error_output: str) -> None:
    assert code == 0, error_output
    assert "Ran 1 test" in error_output
    said = re.sub(LOOP_AT_EXIT, "", error_output, flags=re.DOTALL)
    assert "Traceback" not in said
    assert "WARNING" not in said


def test_a_users_unit_test_needs_nothing_but_pulumis_mocks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unittest"],
        cwd=folder_of_test(tmp_path, "MyMocks", preview=False),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    check(done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("mocks", "preview"),
    [("MyMocks", True), ("sagebridge.testing.Mocks", False), ("sagebridge.testing.Mocks", True)],
)
def test_other_mocks_and_a_preview_need_nothing_else_either(
    python: WarmPython, tmp_path: Path, mocks: str, *, preview: bool
) -> None:
    folder = folder_of_test(tmp_path, mocks, preview=preview)
    done = python.complete([sys.executable, "-c", UNITTEST], cwd=str(folder), env=ENVIRONMENT)
    check(done.returncode, done.stderr.decode())
