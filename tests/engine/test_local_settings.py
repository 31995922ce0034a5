"""A Pulumi project of anybody's on the local AWS, in a shell whose variables lead elsewhere."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Aws
from tests.shells import RealAws

pytestmark = pytest.mark.engine

PROGRAM = """\
import pulumi
import pulumi_aws as aws

pulumi.export("bucket", aws.s3.Bucket("models").bucket)
"""
SETTINGS = "# mine\nconfig:\n  aws:region: us-east-1 # where we are\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "own project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: own\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.dev.yaml").write_text(SETTINGS)
    return folder


@pytest.fixture
def run(aws: Aws, project: Path, real_aws: RealAws, tmp_path: Path) -> Callable[[str], str]:
    """Runs a command in a shell that has set everything, and then evaluated `sagebridge local env`."""
    kept = {name: aws.environment[name] for name in ("PATH", "LOCAL_AWS_DIR", "PULUMI_HOME")}
    states = tmp_path / "states"
    states.mkdir()
    shell = {**aws.environment, **real_aws.everything(), **kept, "PULUMI_BACKEND_URL": states.as_uri()}
    hostile = replace(aws, environment=shell)
    return lambda command: hostile.must("bash", "-euc", f'eval "$(sagebridge local env)"; {command}', cwd=project)


def test_its_stack_comes_up_in_the_local_aws_and_nothing_elsewhere(
    aws: Aws, run: Callable[[str], str], project: Path
) -> None:
    run("pulumi stack init dev")
    own_settings = (project / "Pulumi.dev.yaml").read_text()
    run("sagebridge local configure pulumi --stack dev")
    run("sagebridge local configure pulumi")
    run("pulumi up --yes --skip-preview --non-interactive")
    bucket = json.loads(run("pulumi stack output --json"))["bucket"]
    assert bucket in [listed["Name"] for listed in aws.s3.list_buckets()["Buckets"]]
    run("pulumi destroy --yes --skip-preview --non-interactive")
    run("sagebridge local configure pulumi --remove")
    assert (project / "Pulumi.dev.yaml").read_text() == own_settings
