"""The package as a stranger has it: its wheel in an empty environment, and this checkout nowhere on the path."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from tests.conftest import ROOT, Aws, Base
from tests.stacks import local_settings

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("wheel")]

PROGRAM, _ = re.findall(r"```python\n(.*?)```", (ROOT / "components" / "README.md").read_text(), re.DOTALL)
UNIT_TEST = """
import unittest

import pulumi

ROLE = "arn:aws:iam::123456789012:role/sagemaker"


class MyMocks(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs):
        return [args.name + "_id", args.inputs]

    def call(self, args: pulumi.runtime.MockCallArgs):
        if args.token.startswith("terraform:state:"):
            return {"outputs": {"bucket_name": "models", "execution_role_arn": ROLE, "model_prefix": "models"}}
        return {}


pulumi.runtime.set_mocks(MyMocks(), preview=False)

import infra


class TestingWithMocks(unittest.TestCase):
    @pulumi.runtime.test
    def test_the_archive_is_in_the_bases_bucket(self):
        def check(url):
            self.assertEqual(url, "s3://models/models/scorer/model.tar.gz")

        return infra.endpoint.model_data_url.apply(check)
"""
"""A unit test as Pulumi's documentation has it (https://www.pulumi.com/docs/iac/concepts/testing/unit/)."""


class Environment:
    """An environment in which nothing but the wheel and what it needs is installed, and an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "environment" / "bin" / "python"
        self.folder = folder / "project"
        self.folder.mkdir()
        uv("build", "--wheel", "--out-dir", str(folder), str(ROOT / "components"))
        (wheel,) = folder.glob("*.whl")
        uv("venv", "--seed", str(folder / "environment"))  # with pip, which Pulumi asks what is installed
        uv("pip", "install", "--python", str(self.python), str(wheel))

    def run(self, *command: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command in the empty folder, with no variables but those that are named."""
        path = os.pathsep.join([str(self.python.parent), (variables or {}).get("PATH", "/usr/bin:/bin")])
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**(variables or {}), "PATH": path},
            executable=shutil.which(command[0], path=path),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def uv(*arguments: str) -> str:
    environment = {**os.environ, "UV_SYSTEM_CERTS": "true"}  # as `make` sets it
    command = [find_uv_bin(), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("wheel"))


def test_the_package_is_imported_from_where_it_is_installed(environment: Environment) -> None:
    code = "import sagebridge; sagebridge.SageMakerEndpoint, sagebridge.TerraformBase; print(sagebridge.__file__)"

    done = environment.run("python", "-c", code)

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(environment.python.parents[1])


def test_the_command_shows_its_help(environment: Environment) -> None:
    done = environment.run("sagebridge", "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert "publish" in done.stdout


def test_the_base_install_brings_nothing_that_only_some_need(environment: Environment) -> None:
    installed = {
        package["name"]
        for package in json.loads(uv("pip", "list", "--format", "json", "--python", str(environment.python)))
    }
    assert {"sagebridge", "pulumi", "pulumi-aws"} <= installed
    assert installed & {"moto", "flask", "scikit-learn", "pandas", "joblib", "numpy", "sagemaker-core"} == set()


def test_a_model_is_packed(environment: Environment) -> None:
    (environment.folder / "model.json").write_text("{}")
    (environment.folder / "serve.py").write_text("def model_fn(model_dir): ...")

    done = environment.run("sagebridge", "package", "--model", "model.json", "--handler", "serve.py")

    assert (done.returncode, done.stderr) == (0, "")
    assert (environment.folder / "build" / "model.tar.gz").exists()


@pytest.mark.parametrize(("command", "extra"), [(["check"], "model"), (["local", "start"], "local")])
def test_a_command_that_needs_an_extra_says_so_in_one_line(
    environment: Environment, command: list[str], extra: str
) -> None:
    done = environment.run("sagebridge", *command)

    assert done.returncode == 1
    assert done.stderr.endswith(f"pip install 'sagebridge[{extra}]'\n")
    assert done.stderr.count("\n") == 1


def test_a_program_is_previewed(environment: Environment, aws: Aws, base: Base, model_data: str) -> None:
    bucket, _, source = model_data.removeprefix("s3://").partition("/")
    aws.s3.copy_object(Bucket=bucket, Key="models/scorer/model.tar.gz", CopySource={"Bucket": bucket, "Key": source})
    project = {"name": "stranger", "runtime": "python"}
    settings = {"config": local_settings()}
    (environment.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (environment.folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(settings))
    (environment.folder / "__main__.py").write_text(PROGRAM.replace("../terraform/terraform.tfstate", str(base.state)))
    kept = [folder for folder in aws.environment["PATH"].split(os.pathsep) if not Path(folder).is_relative_to(ROOT)]
    variables = {**aws.environment, "PATH": os.pathsep.join(kept)}

    created = environment.run("pulumi", "stack", "init", "dev", variables=variables)
    previewed = environment.run("pulumi", "preview", "--stack", "dev", "--json", variables=variables)

    assert created.returncode == 0, created.stderr
    assert previewed.returncode == 0, previewed.stderr + previewed.stdout
    types = {step["urn"].split("::")[2].rsplit("$", 1)[-1] for step in json.loads(previewed.stdout)["steps"]}
    assert {f"aws:sagemaker/{name}" for name in ("model:Model", "endpoint:Endpoint")} <= types


def test_a_program_is_unit_tested_with_nothing_but_pulumis_mocks(environment: Environment) -> None:
    (environment.folder / "infra.py").write_text(PROGRAM)
    (environment.folder / "test_infra.py").write_text(UNIT_TEST)

    done = environment.run("python", "-m", "unittest", "test_infra", variables={"AWS_REGION": "us-east-1"})

    assert done.returncode == 0, done.stderr
