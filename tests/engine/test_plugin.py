"""Programs that have the component from the plugin, on the engine: in YAML, and in Python as any other language has it.

The folder of such a program knows nothing of the package but where the plugin is: the programs in YAML know the folder
of its source, the one in Python the installed executable.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.conftest import PREDICTION, ROOT, Aws, Base, copy_from_git
from tests.engine.lives import roll_back_next
from tests.fields import IMAGE
from tests.stacks import Stack, create_stack

pytestmark = [
    pytest.mark.engine,
    pytest.mark.usefixtures("nothing_stays"),
    pytest.mark.timeout(1200),  # the first test may have to build Pulumi's host of programs in YAML
]

INSTALLED = Path(sys.prefix) / "bin"
"""Where `pip install` of the package puts the plugin."""
AS_IN_ANOTHER_LANGUAGE = """
import json
import re
import os

import pulumi
import pulumi_aws


class SageMakerEndpoint(pulumi.ComponentResource):
    def __init__(self, name, inputs, opts=None):
        outputs = {"endpointArn": None, "invokePolicy": None}
        super().__init__("sagebridge:index:SageMakerEndpoint", name, inputs | outputs, opts, remote=True)


url = os.environ["AWS_URL"]
elsewhere = pulumi_aws.Provider(
    "elsewhere",
    region="us-east-1",
    access_key="a",
    secret_key="b",
    endpoints=[{"iam": url, "s3": url, "sagemaker": url, "sts": url}],
    s3_use_path_style=True,
    skip_credentials_validation=True,
    skip_requesting_account_id=True,
)
opts = pulumi.ResourceOptions(provider=elsewhere, providers={"aws": elsewhere})
inputs = json.loads(os.environ["INPUTS"]) | {"environment": {"TOKEN": pulumi.Output.secret("hunter2")}}
endpoint = SageMakerEndpoint("endpoint", inputs, opts)
pulumi_aws.iam.RolePolicy("caller", role=os.environ["ROLE"], policy=endpoint.invokePolicy, opts=opts)
pulumi.export("endpointArn", endpoint.endpointArn)
"""


class Program(Stack):
    """A stack of a program that has the component from the plugin."""

    def __init__(self, aws: Aws, folder: Path, runtime: str, plugin: Path) -> None:
        self.folder = folder
        self.plugin = plugin
        name = f"t{uuid.uuid4().hex[:8]}"
        self.declare(runtime)
        super().__init__(create_stack(aws, name, folder), name)

    def declare(self, runtime: str, **more: object) -> None:
        """Writes the project's file."""
        plugin = {"name": "sagebridge", "path": str(self.plugin)}
        project = {"name": "plugin", "runtime": runtime, "plugins": {"providers": [plugin]}, **more}
        (self.folder / "Pulumi.yaml").write_text(json.dumps(project))  # which is YAML, too

    def declare_in_yaml(self, **endpoints: Mapping[str, object]) -> None:
        """Writes a program with some endpoints, and what a caller of each may do as its outputs."""
        kind = "sagebridge:SageMakerEndpoint"
        resources = {name: {"type": kind, "properties": properties} for name, properties in endpoints.items()}
        outputs = {name: f"${{{name}.invokePolicy}}" for name in endpoints}
        self.declare("yaml", resources=resources, outputs=outputs)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the plugin's source, as somebody has it who has only cloned the repository."""
    folder = tmp_path_factory.mktemp("components")
    copy_from_git("components", folder)
    return folder


@pytest.fixture
def in_yaml(yaml_host: Aws, source: Path, tmp_path: Path) -> Iterator[Program]:
    """Its plugin is started as PulumiPlugin.yaml says, with this environment in the place of the one that it names."""
    if not (source / "venv").exists():
        (source / "venv").symlink_to(sys.prefix)
    program = Program(yaml_host, tmp_path, "yaml", source)
    yield program
    program.destroy()


def inputs(base: Base, model_data: str, endpoint: str) -> dict[str, object]:
    """Returns the inputs of an endpoint."""
    return {
        "executionRoleArn": base.execution_role_arn,
        "image": IMAGE,
        "modelDataUrl": model_data,
        "endpointName": endpoint,
        "instanceType": "ml.m5.xlarge",
    }


def test_a_program_in_yaml_has_endpoints_that_are_guarded(
    aws: Aws, base: Base, model_data: str, in_yaml: Program
) -> None:
    """Two of them, as each registers the hooks anew."""
    scaling = {"minCapacity": 1, "maxCapacity": 3, "invocationsPerInstance": 100}
    scorer = inputs(base, model_data, in_yaml.endpoint) | {"initialInstanceCount": 2, "autoscaling": scaling}
    other = inputs(base, model_data, f"{in_yaml.endpoint}-other") | {"tags": {"after": "${scorer.endpointArn}"}}
    in_yaml.declare_in_yaml(scorer=scorer, other=other)
    in_yaml.preview()
    in_yaml.up()
    assert aws.predict(in_yaml.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert json.loads(in_yaml.outputs()["scorer"])["Statement"][0]["Action"] == "sagemaker:InvokeEndpoint"
    assert set(in_yaml.preview()) == {"same"}

    in_yaml.declare_in_yaml(scorer=scorer | {"instanceType": "ml.m5.large"}, other=other)
    roll_back_next(aws, in_yaml.endpoint)
    assert "AWS rolled the update back" in in_yaml.up_fails()
    assert aws.predict(in_yaml.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    in_yaml.up()
    assert set(in_yaml.preview()) == {"same"}

    in_yaml.declare_in_yaml(scorer=scorer | {"endpointName": "another"}, other=other)
    assert f"endpoint_name cannot change from '{in_yaml.endpoint}' to 'another'" in in_yaml.preview_fails()


def test_the_program_of_the_page(base: Base, model_data: str, in_yaml: Program) -> None:
    (page,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "other-languages.md").read_text(), re.DOTALL)
    scorer = yaml.safe_load(page)["resources"]["scorer"]["properties"]
    scorer |= {"executionRoleArn": base.execution_role_arn, "modelDataUrl": model_data}
    in_yaml.declare_in_yaml(scorer=scorer)
    assert in_yaml.preview()["create"] > 4


def test_what_is_refused_is_told_by_its_property(base: Base, model_data: str, in_yaml: Program) -> None:
    scorer = inputs(base, model_data, in_yaml.endpoint)
    in_yaml.declare_in_yaml(scorer=scorer | {"serverlessConfig": {"memorySizeInMb": 1500}})
    refusal = in_yaml.preview_fails()
    for place, old, new, problem in (  # newer engines write a value as JSON
        ("instanceType", "'{ml.m5.xlarge}'", '"ml.m5.xlarge"', "cannot be set on a serverless"),
        ("serverlessConfig.memorySizeInMb", "'{1500}'", "1500", "must be a multiple"),
    ):
        told = {f"property {place} with value {value} has a problem: {problem}" for value in (old, new)}
        assert any(line in refusal for line in told)

    in_yaml.declare_in_yaml(scorer=scorer | {"modelDataUrl": f"s3://{base.bucket_name}/none.tar.gz"})
    assert "has a problem: modelDataUrl: cannot read s3://" in in_yaml.preview_fails()

    secret = {"TOKEN": {"fn::secret": "hunter2" * 200}}
    in_yaml.declare_in_yaml(scorer=scorer | {"environment": secret})
    refusal = in_yaml.preview_fails()
    assert 'environment["TOKEN"] must be at most 1024 characters long' in refusal
    assert "hunter2" not in refusal


@pytest.fixture
def in_python(aws: Aws, base: Base, model_data: str, tmp_path: Path) -> Iterator[Program]:
    """Its shell does not lead to the local AWS; only the provider that it gives the component does."""
    (tmp_path / "__main__.py").write_text(AS_IN_ANOTHER_LANGUAGE)
    settings = {name: value for name, value in aws.environment.items() if not name.startswith("AWS_")}
    settings["AWS_URL"] = str(aws.sagemaker.meta.endpoint_url)
    settings["INPUTS"] = json.dumps(inputs(base, model_data, f"t{uuid.uuid4().hex[:8]}"))
    settings["ROLE"] = base.execution_role_arn.rpartition("/")[2]
    program = Program(replace(aws, environment=settings), tmp_path, "python", INSTALLED)
    yield program
    program.destroy()


def test_the_component_goes_where_the_provider_goes_that_it_is_given(in_python: Program) -> None:
    """Its hooks and look-ups, too, which ask AWS from inside the plugin."""
    in_python.up()
    assert in_python.outputs()["endpointArn"].startswith("arn:aws:sagemaker:us-east-1:")
    assert set(in_python.preview()) == {"same"}


def test_pulumi_makes_the_environment_of_the_source_by_itself(aws: Aws, tmp_path: Path) -> None:
    copy_from_git("components", tmp_path)
    # pip would compile all of pulumi-aws, and most of its modules are never imported.
    without_bytecode = replace(aws, environment={**aws.environment, "PIP_COMPILE": "false"})
    schema = json.loads(without_bytecode.must("pulumi", "package", "get-schema", str(tmp_path)))
    assert (tmp_path / "venv" / "bin" / "pulumi-resource-sagebridge").exists()
    committed = json.loads((ROOT / "components" / "schema.json").read_text())
    assert schema["resources"].keys() == committed["resources"].keys()
    assert schema["types"].keys() == committed["types"].keys()
