"""Stacks of the program itself, on the real engine and the real AWS provider, through the Automation API.

What the Automation API asks `pulumi` for around a command is read from files here, or left out: a start of `pulumi`
takes as long as a small update. See `docs/where-the-time-goes.md`.
"""

import functools
import json
import runpy
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pulumi
import pytest
import yaml
from pulumi import automation
from pulumi.automation._stack import StackInitMode
from pulumi.automation.events import EngineEvent
from rich.console import Console

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs
from sagebridge.scratch_stack import write_empty_state
from tests.aws_provider import AttachedCommand, SharedProvider
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
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
MODEL = "aws:sagemaker/model:Model"
SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key by which Pulumi's state marks what is special


class EngineStack(automation.Stack):
    """A stack whose commands start `pulumi` once: the SDK starts it three times more after each update."""

    def __init__(self, name: str, workspace: automation.Workspace, settings: Mapping[str, object]) -> None:
        folder = Path(workspace.work_dir)
        self.project = project_of(folder)
        self.settings_file = folder / self.project.get("stackConfigDir", "") / f"Pulumi.{name}.yaml"
        """The file of the stack's configuration."""
        self.settings_file.write_text(yaml.safe_dump(dict(settings)))
        super().__init__(name, workspace, StackInitMode.CREATE)

    @property
    def state(self) -> dict[str, Any]:
        """The stack's state, as Pulumi's file backend has it: secrets are encrypted."""
        return read_state(self.workspace.env_vars, Path(self.workspace.work_dir), self.name)

    def outputs(self) -> automation.OutputMap:
        """Returns the outputs that the state has; `pulumi` is asked only where a secret is among them."""
        resources = self.state.get("resources", [])
        (outputs,) = [root.get("outputs", {}) for root in resources if root["type"] == "pulumi:pulumi:Stack"] or [{}]
        if SECRET in json.dumps(outputs):
            return super().outputs()
        return {name: automation.OutputValue(value=value, secret=False) for name, value in outputs.items()}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002, FBT001, FBT002 - the SDK's own
        """Returns a summary of a command that succeeded, for a result whose summary no test reads."""
        return automation.UpdateSummary("", datetime.now(UTC), "", {}, {}, "succeeded")


class EngineWorkspace(automation.LocalWorkspace):
    """A workspace that makes a stack without a start of `pulumi`, and whose stacks may share the AWS provider."""

    def create_stack(self, stack_name: str) -> None:
        """Makes an empty stack; the first command adds the salt of its secrets if its settings have no key for them."""
        write_empty_state(state_file(self.env_vars, Path(self.work_dir), stack_name))

    def post_command_callback(self, stack_name: str) -> None:
        """Checks that a shared provider served one configuration only."""
        command = self.pulumi_command
        if not isinstance(command, AttachedCommand) or not command.provider.is_shared:
            return
        resources = read_state(self.env_vars, Path(self.work_dir), stack_name).get("resources", [])
        providers = [resource["inputs"] for resource in resources if resource["type"] == "pulumi:providers:aws"]
        settings = {json.dumps({**inputs, "version": ""}, sort_keys=True) for inputs in providers}
        assert len(settings) <= 1, (
            f"These providers cannot share a process; use the fixture separate_providers: {settings}"
        )


def project_of(folder: Path) -> dict[str, Any]:
    """Returns what Pulumi.yaml declares; the SDK's own function knows no project in YAML."""
    project: dict[str, Any] = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    return project


def state_file(environment: Mapping[str, str], folder: Path, stack: str) -> Path:
    """Returns the file in which Pulumi's file backend has the state of a stack.

    Args:
        environment: the environment of the commands, which has the backend's URL.
        folder: the project's folder.
        stack: the stack's name.
    """
    backend = Path(url2pathname(urlsplit(environment["PULUMI_BACKEND_URL"]).path))
    project: str = project_of(folder)["name"]
    return backend / ".pulumi" / "stacks" / project / f"{stack}.json"


def read_state(environment: Mapping[str, str], folder: Path, stack: str) -> dict[str, Any]:
    """Returns a stack's state, in which secrets are encrypted; the arguments as for `state_file`."""
    file = state_file(environment, folder, stack)
    state: dict[str, Any] = json.loads(file.read_text())["checkpoint"]["latest"] or {}
    return state


@functools.cache
def pulumi_command(provider: SharedProvider | None) -> automation.PulumiCommand:
    """Returns the command `pulumi` of the tests' PATH, whose version is looked up once.

    Args:
        provider: the AWS provider to which it attaches, if any.
    """
    return AttachedCommand(provider) if provider else automation.PulumiCommand()


def create_stack(
    aws: Aws,
    name: str,
    project: str | Path,
    config: Mapping[str, str] | None = None,
    program: Callable[[], None] | None = None,
) -> EngineStack:
    """Makes a stack.

    Args:
        aws: the local AWS.
        name: the stack's name.
        project: the folder of a project, or the name of one that is made for the stack.
        config: the stack's configuration; by default that of the local AWS.
        program: what runs in this process in the place of the project's program.
    """
    made = automation.ProjectSettings(project, "python", main=str(ROOT)) if isinstance(project, str) else None
    workspace = EngineWorkspace(
        work_dir=tempfile.mkdtemp(prefix="project-", dir=aws.folder.parent) if made else str(project),
        program=program,
        env_vars=aws.environment,
        project_settings=made,
        pulumi_command=pulumi_command(aws.provider if program else None),
    )
    # A program in a process of its own may be in a shell that does not lead to the local AWS, and has a passphrase.
    encryption = aws.encryption if program else {}
    return EngineStack(name, workspace, {"config": dict(local_settings() if config is None else config), **encryption})


class Stack:
    """A stack of the program with an endpoint of its own."""

    def __init__(self, stack: EngineStack, endpoint: str) -> None:
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
        self._change_config({self._key(key): value for key, value in values.items()})

    def tag(self, **tags: str) -> None:
        """Sets tags."""
        config = yaml.safe_load(self._stack.settings_file.read_text())["config"]
        key = self._key("tags")
        self._change_config({key: config.get(key, {}) | tags})

    def _key(self, key: str) -> str:
        """Returns a key of the configuration with its namespace, which is the project's if it has none."""
        return key if ":" in key else f"{self._stack.project['name']}:{key}"

    def _change_config(self, changes: Mapping[str, object]) -> None:
        """Writes changed values into the stack's file; `pulumi config set` does the same."""
        settings = yaml.safe_load(self._stack.settings_file.read_text())
        config = settings["config"] | changes
        settings["config"] = {key: value for key, value in config.items() if value}
        self._stack.settings_file.write_text(yaml.safe_dump(settings))

    def up(
        self,
        on_output: Callable[[str], object] | None = None,
        parallel: int | None = None,
        *,
        refresh: bool = False,
    ) -> automation.UpResult:
        """Updates; `on_output` gets what a person sees meanwhile, and `parallel` and `refresh` are the options."""
        return self._stack.up(color="never", on_output=on_output, parallel=parallel, refresh=refresh)

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

    def preview(self, on_output: Callable[[str], object] | None = None, *, refresh: bool = False) -> dict[str, int]:
        """Returns the number of resources by operation; `on_output` and `refresh` as for `up`."""
        summary = self._stack.preview(color="never", on_output=on_output, refresh=refresh).change_summary
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
        return list(self._stack.state.get("resources", []))

    def refresh(self) -> None:
        self._stack.refresh(color="never")

    def outputs(self) -> dict[str, str]:
        return {name: output.value for name, output in self._stack.outputs().items()}

    def destroy(self) -> None:
        self._stack.destroy(color="never")

    def end(self, aws: Aws) -> None:
        """Takes a stack away that no test looks at any more.

        An endpoint is deleted without a start of `pulumi`. Its models and configurations do nothing by themselves, so
        they go with the local AWS of the tests.
        """
        resources = [resource for resource in self.resources() if resource["type"].startswith("aws:")]
        if not {resource["type"] for resource in resources} <= {ENDPOINT, CONFIGURATION, MODEL}:
            self.destroy()
            return
        pages = aws.sagemaker.get_paginator("list_endpoints").paginate()
        names = {endpoint["EndpointName"] for page in pages for endpoint in page["Endpoints"]}
        for name in names & {resource["id"] for resource in resources if resource["type"] == ENDPOINT}:
            aws.sagemaker.delete_endpoint(EndpointName=name)


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
        stack = create_stack(aws, name, "declared", program=lambda: self.program())  # noqa: PLW0108 - a test sets it
        super().__init__(stack, name)

    def declare(self, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declares the component and exports its outputs."""
        endpoint = SageMakerEndpoint("endpoint", self.args, opts)
        pulumi.export("endpointName", endpoint.endpoint_name)
        pulumi.export("endpointConfigName", endpoint.endpoint_config_name)
        pulumi.export("modelName", endpoint.model_name)


def local_settings() -> dict[str, str]:
    """Returns the AWS provider's settings of the local stack."""
    dev: dict[str, str] = yaml.safe_load(STACK_SETTINGS.read_text())["config"]
    return {key: value for key, value in dev.items() if key.startswith("aws:")}


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


def program_in(folder: Path) -> Callable[[], None]:
    """Returns the program of a project, to run it in this process, where nothing has to be imported again."""

    def program() -> None:
        runpy.run_path(str(folder / "__main__.py"))

    return program


@pytest.fixture
def aws_in_process(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The local AWS, to which the programs and hooks that run in this process are led, too."""
    for name in [name for name in aws.environment if name.startswith("AWS_")]:
        monkeypatch.setenv(name, aws.environment[name])
    return aws


@pytest.fixture
def separate_providers(aws: Aws) -> Iterator[None]:
    """Lets each command start providers of its own, for a test that declares explicit ones."""
    assert aws.provider
    with aws.provider.kept_free():
        yield


@pytest.fixture
def ending(aws_in_process: Aws, request: pytest.FixtureRequest) -> Iterator[list[Stack]]:
    """The stacks that are taken away after the test: by `pulumi destroy` where it checks that nothing stays."""
    stacks: list[Stack] = []
    yield stacks
    for stack in stacks:
        if "nothing_stays" in request.fixturenames:
            stack.destroy()
        else:
            stack.end(aws_in_process)


@pytest.fixture
def program_folder(program: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: the program's."""
    monkeypatch.chdir(program)
    return program


@pytest.fixture
def new_stack(
    aws_in_process: Aws, base: Base, model_data: str, program_folder: Path, ending: list[Stack]
) -> Callable[[], Stack]:
    """Makes stacks that are ready for `up`; they are taken away after the test."""

    def make() -> Stack:
        name = f"t{uuid.uuid4().hex[:8]}"
        settings = {"endpointName": name, "modelData": model_data, "terraformState": str(base.state)}
        config = local_settings() | {f"sagebridge:{key}": value for key, value in settings.items()}
        run = program_in(program_folder)
        ending.append(Stack(create_stack(aws_in_process, name, program_folder, config, run), name))
        return ending[-1]

    return make


@pytest.fixture
def stack(new_stack: Callable[[], Stack]) -> Stack:
    return new_stack()


@pytest.fixture
def example_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: an example in a copy of the checkout, where the stack's file does not appear."""
    folder = tmp_path / "examples" / name
    copy_from_git(f"examples/{name}", folder)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def example(aws_in_process: Aws, base: Base, model_data: str, name: str, example_folder: Path) -> Iterator[Stack]:
    """A stack of an example."""
    config = local_settings() | {MODEL_DATA: model_data, "sagebridge:terraformState": str(base.state)}
    stack_name, program = f"t{uuid.uuid4().hex[:8]}", program_in(example_folder)
    made = Stack(create_stack(aws_in_process, stack_name, example_folder, config, program), name)
    yield made
    made.destroy()


@pytest.fixture
def new_declared(aws_in_process: Aws, base: Base, model_data: str, ending: list[Stack]) -> Callable[[], Declared]:
    """Makes stacks of one component; they are taken away after the test."""

    def make() -> Declared:
        declared = Declared(aws_in_process, base, model_data)
        ending.append(declared)
        return declared

    return make


@pytest.fixture
def declared(new_declared: Callable[[], Declared]) -> Declared:
    return new_declared()
