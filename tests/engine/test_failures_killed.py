"""An update whose `pulumi` was killed, at each step of a canary: the messages lead to the end in the fewest steps."""

import json
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pulumi import automation

from sagebridge.guards import progress
from sagebridge.local import control, environment
from tests.conftest import COMMAND_SECONDS, HELD_SECONDS, PREDICTION, ROOT, Aws, Base
from tests.engine.lives import everything
from tests.fields import IMAGE
from tests.local.account import until
from tests.stacks import Stack, create_stack, program_in

pytestmark = pytest.mark.engine

LET_GO = 1e6
"""A pace at which every wait of a deployment is over."""
PROJECT = """
name: killed
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
"""
PROGRAM = """
import json
import pathlib

from sagebridge import SageMakerEndpoint

SageMakerEndpoint("endpoint", json.loads(pathlib.Path(__file__).with_name("args.json").read_text()))
"""


class Project(Stack):
    """A project in a folder of its own, whose program has one endpoint.

    Only the update that is killed runs the program in a process of its own, as for a person. All other commands work on
    the same stack, and run the program in the process of the test.
    """

    def __init__(self, aws: Aws, base: Base, model_data: str, folder: Path) -> None:
        self.aws, self.folder, name = aws, folder, f"t{uuid.uuid4().hex[:8]}"
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "Pulumi.yaml").write_text(PROJECT)
        (folder / "__main__.py").write_text(PROGRAM)
        super().__init__(create_stack(aws, name, folder, program=program_in(folder)), name)
        self.heard: list[str] = []
        """What `preview_and_up` has shown, also when it fails."""
        self.args: dict[str, Any] = {
            "execution_role_arn": base.execution_role_arn,
            "image": IMAGE,
            "model_data_url": model_data,
            "endpoint_name": self.endpoint,
            "initial_instance_count": 2,
        }

    @contextmanager
    def updating(self) -> Iterator["subprocess.Popen[str]"]:
        """Runs `pulumi up` while the body lasts, and kills it then if it has not ended."""
        with subprocess.Popen(
            ("pulumi", "up", "--skip-preview", "--yes", "--stack", self.name, "--non-interactive", "--color", "never"),
            cwd=self.folder,
            env=self.aws.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def cancel(self) -> None:
        """Unlocks the stack."""
        self.aws.must("pulumi", "cancel", "--yes", "--stack", self.name, cwd=self.folder)

    def write(self) -> None:
        """Gives the program its arguments."""
        (self.folder / "args.json").write_text(json.dumps(self.args))

    def preview_and_up(self, *, refresh: bool = False) -> None:
        """Runs the two parts of `pulumi up`, and lets AWS go on once one of them says that it waits."""
        self.preview(self._hear, refresh=refresh)
        self.up(self._hear, refresh=refresh)

    def _hear(self, output: str) -> None:
        self.heard.append(output)
        if "waiting for AWS: " in output:
            let_go(self.aws.folder)

    def described(self) -> Any:
        return self.aws.sagemaker.describe_endpoint(EndpointName=self.endpoint)

    def stage(self) -> str:
        """Returns AWS's message of what a deployment under way does, "" if there is none."""
        pending = self.described().get("PendingDeploymentSummary", {})
        (variant,) = pending.get("ProductionVariants", [{}])
        (status,) = variant.get("VariantStatus", [{}])
        return str(status.get("StatusMessage", ""))


@pytest.fixture
def project(
    aws_in_process: Aws, base: Base, model_data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.2)  # how often the guards ask AWS, which run in this process
    made = Project(aws_in_process, base, model_data, tmp_path)
    yield made
    control.clear_faults(made.aws.folder)
    control.set_times(made.aws.folder, updating=0, rolling_back=0, pace=1)
    with suppress(AssertionError):
        made.cancel()
    made.destroy()


def canary(*, wait: int, termination: int) -> dict[str, Any]:
    policy = {"type": "CANARY", "canary_size": {"value": 50}, "wait_interval_in_seconds": wait}
    return {"blue_green_update_policy": {**policy, "termination_wait_in_seconds": termination}}


class Step(NamedTuple):
    """A step of an update at which `pulumi` is killed."""

    hold: Callable[[Path, str], object]
    """Lets the local AWS stay at the step; it gets the folder of the server, and the endpoint's name."""
    is_reached: Callable[[Project, str], bool]
    """Tells whether AWS, or the output of `pulumi`, is at the step."""
    deployment: dict[str, Any] = canary(wait=0, termination=0)
    after_kill: Callable[[Path], object] = control.clear_faults
    """What becomes of the step before the next command."""


def refuse_slowly(folder: Path, endpoint: str) -> None:
    control.fault(folder, "latency", operation="UpdateEndpoint", endpoint=endpoint, seconds=10)
    control.fault(folder, "throttle", operation="UpdateEndpoint", endpoint=endpoint)


def delete_slowly(folder: Path, _: str) -> None:
    control.fault(folder, "latency", operation="DeleteEndpointConfig", seconds=10)
    control.fault(folder, "error", operation="DeleteEndpointConfig")


def hold_launching(folder: Path, _: str) -> None:
    control.set_times(folder, updating=HELD_SECONDS)


def fail_launching(folder: Path, endpoint: str) -> None:
    control.fault(folder, "capacity", endpoint=endpoint, times=1)
    control.set_times(folder, updating=HELD_SECONDS)


def hold_rollback(folder: Path) -> None:
    control.set_times(folder, rolling_back=HELD_SECONDS)
    control.set_times(folder, updating=0)


def hold_wait(folder: Path, _: str) -> None:
    control.set_times(folder, pace=1)


def let_go(folder: Path) -> None:
    """Lets whatever is held end."""
    control.set_times(folder, updating=0, rolling_back=0, pace=LET_GO)


def is_updating(project: Project, _: str) -> bool:
    return bool(project.described()["EndpointStatus"] == "Updating")


STEPS = {
    "before AWS takes it": Step(refuse_slowly, lambda _, output: "aws:sagemaker:Endpoint endpoint updating" in output),
    "new instances": Step(hold_launching, is_updating),
    "canary": Step(
        hold_wait,
        lambda project, _: "on canary capacity" in project.stage(),
        canary(wait=3000, termination=0),
    ),
    "all traffic": Step(
        hold_wait,
        lambda project, _: "on full capacity" in project.stage(),
        canary(wait=0, termination=3000),
    ),
    "rolled back after it": Step(fail_launching, is_updating, after_kill=hold_rollback),
    "old configuration": Step(
        delete_slowly, lambda _, output: "aws:sagemaker:EndpointConfiguration endpoint-config deleting" in output
    ),
}
"""The steps of an update, from the first to the last."""


def killed(project: Project, step: Step) -> None:
    """Begins an update, kills `pulumi` at a step of it, and unlocks the stack as the next `pulumi up` says."""
    folder = project.aws.folder
    step.hold(folder, project.endpoint)
    project.args["instance_type"] = "ml.m5.large"
    project.write()
    lines: list[str] = []
    with project.updating() as process:
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        until(lambda: step.is_reached(project, "".join(lines)))
        process.kill()
        reader.join(COMMAND_SECONDS)
    step.after_kill(folder)
    assert "delete the lock file with `pulumi cancel`" in project.up_fails()
    project.cancel()


@pytest.mark.parametrize("name", STEPS)
def test_after_a_kill_at_any_step_one_up_with_a_refresh_is_enough(aws: Aws, project: Project, name: str) -> None:
    step = STEPS[name]
    project.args["deployment_config"] = step.deployment
    project.write()
    project.up()
    count = len(everything(aws))
    killed(project, step)
    project.preview_and_up(refresh=True)
    assert aws.predict(project.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert project.steps() == []
    assert len(everything(aws)) == count


@pytest.mark.parametrize("is_over", [False, True])
def test_an_up_without_a_refresh_says_what_is_to_do(
    aws: Aws,
    project: Project,
    is_over: bool,  # noqa: FBT001 - a case
) -> None:
    project.write()
    project.up()
    count, before = len(everything(aws)), project.described()["EndpointConfigName"]
    killed(project, STEPS["new instances"])
    if is_over:
        let_go(aws.folder)
        until(lambda: not is_updating(project, ""))
    with pytest.raises(automation.CommandError):
        project.preview_and_up()
    output = "\n".join(project.heard)
    assert ("waiting for AWS: launching 2 ml.m5.large" in output) is not is_over
    running = project.described()["EndpointConfigName"]
    assert running != before
    assert (
        f"Endpoint {project.endpoint} runs {running} already: an update that was interrupted has reached it" in output
    )
    assert "Run `pulumi up --refresh`" in output
    project.up(refresh=True)
    assert project.steps() == []
    assert aws.predict(project.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert len(everything(aws)) == count


@pytest.mark.parametrize(
    ("url_of", "said"),
    [
        (environment.backend_url, {}),
        (
            Path.as_uri,
            {"meta.yaml.attrs": 'read ".pulumi/meta.yaml": EOF', "dev.json.attrs": "failed to load checkpoint: EOF"},
        ),
    ],
)
def test_files_that_a_kill_may_leave_empty_are_not_there_or_are_deleted(
    aws: Aws, tmp_path: Path, url_of: Callable[[Path], str], said: dict[str, str]
) -> None:
    backend, folder = tmp_path / "states", tmp_path / "project"
    backend.mkdir()
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: killed\nruntime: yaml\n")
    theirs = replace(aws, environment={**aws.environment, "PULUMI_BACKEND_URL": url_of(backend)})
    theirs.must("pulumi", "stack", "init", "dev", "--non-interactive", cwd=folder)
    export = ("pulumi", "stack", "export", "--stack", "dev")
    state = theirs.must(*export, cwd=folder)
    metadata = {file.name: file for file in backend.rglob("*.attrs")}
    assert bool(metadata) is bool(said)
    for name, message in said.items():
        metadata[name].write_text("")
        assert message in theirs.run(*export, cwd=folder).stderr
        metadata[name].unlink()
        assert theirs.must(*export, cwd=folder) == state
