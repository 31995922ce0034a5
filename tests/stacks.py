"""Stacks of the program itself, on the real engine and the real AWS provider, through the Automation API."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi import automation
from pulumi.automation.events import EngineEvent
from rich.console import Console

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs
from tests.conftest import ROOT, Aws, Base, copy_from_git
from tests.fields import IMAGE
from tools import engine
from tools.paths import STACK_SETTINGS

EXAMPLES = sorted(file.parent for file in (ROOT / "examples").glob("*/Pulumi.yaml"))
"""The folders of the examples."""
PROGRAMS = {folder.name: (folder / "__main__.py").read_text() for folder in EXAMPLES}
PREDICTING = sorted(name for name, program in PROGRAMS.items() if "modelData" in program)
"""The examples that serve the article's model."""
MODEL_DATA = "sagebridge:modelData"


class Stack:
    """A stack of the program with an endpoint of its own."""

    def __init__(self, stack: automation.Stack, endpoint: str) -> None:
        self._stack = stack
        self.endpoint = endpoint

    @property
    def name(self) -> str:
        return self._stack.name

    @property
    def work_dir(self) -> str:
        """The folder where `pulumi` commands know the stack by its name."""
        return self._stack.workspace.work_dir

    def config(self, **values: str) -> None:
        """Sets configuration; an empty value goes back to the default."""
        for key, value in values.items():
            if value:
                self._stack.set_config(key, automation.ConfigValue(value))
            else:
                self._stack.remove_config(key)

    def tag(self, **tags: str) -> None:
        """Sets tags."""
        for key, value in tags.items():
            self._stack.set_config(f"tags.{key}", automation.ConfigValue(value), path=True)

    def up(self, on_output: Callable[[str], object] | None = None, parallel: int | None = None) -> automation.UpResult:
        """Updates; `on_output` gets what a person sees meanwhile, and `parallel` is the option of that name."""
        return self._stack.up(color="never", on_output=on_output, parallel=parallel)

    def replace(self, kind: str, on_output: Callable[[str], object] | None = None) -> automation.UpResult:
        """Updates with `--replace` of the resource of a type, as `Endpoint`; `on_output` as for `up`."""
        (urn,) = [resource["urn"] for resource in self.resources() if resource["type"].endswith(f":{kind}")]
        return self._stack.up(color="never", replace=[urn], on_output=on_output)

    def up_fails(self) -> str:
        """Runs an update that must fail, and returns what it says."""
        return self._fails(self.up)

    def preview_fails(self) -> str:
        """Runs a preview that must fail, and returns what it says."""
        return self._fails(self.preview)

    def _fails(self, command: Callable[[], object]) -> str:
        with pytest.raises(automation.CommandError) as failed:
            command()
        said = str(failed.value)
        assert "Traceback" not in said, said
        return said

    def preview(self) -> dict[str, int]:
        """Returns the number of resources by operation."""
        summary = self._stack.preview(color="never").change_summary
        return {automation.OpType(operation).value: count for operation, count in summary.items()}

    def shown(self, *, refresh: bool = False) -> str:
        """Previews, with what changes in each resource; returns what a person sees."""
        previewed = self._stack.preview(color="never", diff=True, refresh=refresh)
        return previewed.stdout + previewed.stderr

    def steps(self) -> list[tuple[str, str]]:
        """Updates; returns each operation with the type of its resource, as `pulumi up` shows what it changes.

        Default providers come and go with the calls of a program, and Pulumi does not show them.
        """
        seen: list[tuple[str, str]] = []

        def listen(event: EngineEvent) -> None:
            if event.resource_pre_event is None:
                return
            metadata = event.resource_pre_event.metadata
            if metadata.op not in ("same", "refresh") and not metadata.type.startswith("pulumi:providers:"):
                seen.append((str(metadata.op.value), metadata.type.rsplit(":", 1)[-1]))

        self._stack.up(color="never", on_event=listen)
        return seen

    def resources(self) -> list[dict[str, Any]]:
        """Returns the resources of the stack's state."""
        return list((self._stack.export_stack().deployment or {}).get("resources", []))

    def refresh(self) -> None:
        self._stack.refresh(color="never")

    def outputs(self) -> dict[str, str]:
        return {name: output.value for name, output in self._stack.outputs().items()}

    def destroy(self) -> None:
        self._stack.destroy(color="never")


class Declared(Stack):
    """A stack of one component, `SageMakerEndpoint("endpoint", args)`, whose arguments a test sets before each command.

    At first they are the simplest ones, with a plain `endpoint_name`. What else a stack needs, `program` declares: a
    test may set it to another function.
    """

    def __init__(self, aws: Aws, base: Base, model_data: str) -> None:
        name = f"t{uuid.uuid4().hex[:8]}"
        self.args: SageMakerEndpointArgs = {
            "execution_role_arn": base.execution_role_arn,
            "image": IMAGE,
            "model_data_url": model_data,
            "endpoint_name": name,
        }
        self.program: Callable[[], None] = self.declare
        options = automation.LocalWorkspaceOptions(env_vars=aws.environment)
        stack = automation.create_stack(name, "declared", lambda: self.program(), opts=options)  # noqa: PLW0108 - a test sets it
        stack.set_all_config(local_settings())
        super().__init__(stack, name)

    def declare(self, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declares the component and exports its outputs."""
        endpoint = SageMakerEndpoint("endpoint", self.args, opts)
        pulumi.export("endpointName", endpoint.endpoint_name)
        pulumi.export("endpointConfigName", endpoint.endpoint_config_name)
        pulumi.export("modelName", endpoint.model_name)


def local_settings() -> dict[str, automation.ConfigValue]:
    """Returns the AWS provider's settings of the local stack."""
    dev = yaml.safe_load(STACK_SETTINGS.read_text())["config"]
    return {key: automation.ConfigValue(value) for key, value in dev.items() if key.startswith("aws:")}


@pytest.fixture(scope="session")
def yaml_host(aws: Aws) -> Aws:
    """The local AWS for programs in YAML, too."""
    with engine.one_at_a_time(Console(stderr=True)):
        host = engine.yaml_host().get(Console(stderr=True), "YAML host")
    folder = engine.executable(host, "pulumi-language-yaml").parent
    return replace(aws, environment={**aws.environment, "PATH": f"{folder}:{aws.environment['PATH']}"})


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in a folder of its own, so that stack files do not appear in the checkout."""
    folder = tmp_path_factory.mktemp("program")
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in (".venv",):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def new_stack(aws: Aws, base: Base, model_data: str, program: Path) -> Iterator[Callable[[], Stack]]:
    """Makes stacks that are ready for `up`; they are destroyed after the test."""
    made: list[Stack] = []

    def make() -> Stack:
        name = f"t{uuid.uuid4().hex[:8]}"
        options = automation.LocalWorkspaceOptions(env_vars=aws.environment)
        stack = automation.create_stack(name, work_dir=str(program), opts=options)
        own = {"endpointName": name, "modelData": model_data, "terraformState": str(base.state)}
        stack.set_all_config(local_settings() | {key: automation.ConfigValue(value) for key, value in own.items()})
        made.append(Stack(stack, name))
        return made[-1]

    yield make
    for stack in made:
        stack.destroy()


@pytest.fixture
def stack(new_stack: Callable[[], Stack]) -> Stack:
    return new_stack()


@pytest.fixture
def example(aws: Aws, base: Base, model_data: str, name: str, tmp_path: Path) -> Iterator[Stack]:
    """A stack of an example in a copy of the checkout, so that the stack's file does not appear in the checkout."""
    copy_from_git(f"examples/{name}", tmp_path / "examples" / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    found = automation.create_stack(
        f"t{uuid.uuid4().hex[:8]}",
        work_dir=str(tmp_path / "examples" / name),
        opts=automation.LocalWorkspaceOptions(env_vars=aws.environment),
    )
    own = {MODEL_DATA: model_data, "sagebridge:terraformState": str(base.state)}
    found.set_all_config(local_settings() | {key: automation.ConfigValue(value) for key, value in own.items()})
    made = Stack(found, name)
    yield made
    made.destroy()


@pytest.fixture
def new_declared(
    aws: Aws, base: Base, model_data: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Declared]]:
    """Makes stacks of one component; they are destroyed after the test."""
    for name in [name for name in aws.environment if name.startswith("AWS_")]:
        monkeypatch.setenv(name, aws.environment[name])  # the program and its hooks run in this process
    made: list[Declared] = []

    def make() -> Declared:
        made.append(Declared(aws, base, model_data))
        return made[-1]

    yield make
    for stack in made:
        stack.destroy()


@pytest.fixture
def declared(new_declared: Callable[[], Declared]) -> Declared:
    return new_declared()
