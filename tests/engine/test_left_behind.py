"""Commands that are interrupted while the real `pulumi` or `terraform` runs: they end soon, and no process stays.

That nothing stays after success and failure is shown for every command that the tests run; see `Aws.run`.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bridge.adopt.resources import configuration, endpoint, model
from tests.bridge.projects import Project
from tests.conftest import Aws, Base, trained
from tests.local.account import until
from tests.processes import Marked

pytestmark = [pytest.mark.engine, pytest.mark.terraform]

PROGRAM = """
import pulumi
import pulumi_aws as aws

pulumi.export("endpointName", aws.s3.Bucket("bucket", force_destroy=True).id)
"""
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'
COMMANDS = [
    ("pulumi-resource-aws", ("adopt", "--out", "adopted", "--state", "endpoint.tfstate")),
    ("pulumi", ("export", "--out", "again")),
    ("pulumi-resource-aws", ("export", "--out", "again")),
    ("pulumi", ("invoke",)),
    ("pulumi", ("local", "configure", "pulumi")),
    ("pulumi", ("outputs", "--to", "outputs.tfstate")),
    ("pulumi", ("publish", "--archive", "model.tar.gz")),
    ("pulumi-resource-terraform", ("publish", "--archive", "model.tar.gz")),
    ("pulumi-resource-aws", ("verify",)),
    ("terraform", ("verify", "--module", "module")),
    ("terraform-provider-aws_v6.34.0_x5", ("verify", "--module", "module")),
]
"""Commands, each with the process during which it is interrupted."""
JOB = """
import os, pathlib
from rich.console import Console
from tools import job
job.CHECKOUT = pathlib.Path.cwd()
job.Job._environment = dict(os.environ)
job.Job(Console()).run("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview")
"""
"""What `make up` does with a project, done with another."""


@pytest.fixture(scope="module")
def project(aws: Aws, base: Base, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose stack has a bucket, and was exported."""
    project = Project(aws, tmp_path_factory.mktemp("project"))
    project.program.write_text(PROGRAM)
    project.pulumi("config", "set", "terraformState", str(base.state))
    project.up()
    project.bridge("export", "--out", "module")
    trained(project.project)
    resources = [
        {
            "mode": "managed",
            "type": resource.type,
            "name": resource.name,
            "provider": PROVIDER,
            "instances": [{"schema_version": 0, "attributes": resource.attributes}],
        }
        for resource in (endpoint(), configuration(), model())
    ]
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}}
    (project.project / "endpoint.tfstate").write_text(json.dumps({**state, "resources": resources}))
    return project


@contextmanager
def started(project: Project, marked: Marked, *command: str) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command,
        cwd=project.project,
        env=project.aws.environment | marked.environment,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as process:
        yield process


def runs(marked: Marked, name: str) -> bool:
    return any(command.split()[0].rpartition("/")[2] == name for command in marked.running().values())


def interrupt(project: Project, marked: Marked, interrupted: str, *command: str) -> tuple[int, str]:
    """Interrupts a command while another one that it has started runs; returns its exit code and what it said."""
    for _ in range(5):  # the other one may be over before anybody has looked
        with started(project, marked, *command) as process:
            until(lambda: runs(marked, interrupted) or process.poll() is not None, 60)
            was_running = process.poll() is None
            process.send_signal(signal.SIGINT)
            _, error_output = process.communicate(timeout=60)
        if was_running:
            return process.returncode, error_output
    raise AssertionError(f"{interrupted} was never seen")


@pytest.mark.parametrize(
    ("interrupted", "command"), COMMANDS, ids=[f"{name}: {' '.join(command)}" for name, command in COMMANDS]
)
def test_an_interrupt_leaves_nothing(project: Project, interrupted: str, command: tuple[str, ...]) -> None:
    marked = Marked()
    code, error_output = interrupt(project, marked, interrupted, "sagebridge", *command, "--stack", "dev")
    assert marked.running() == {}
    assert code != 0
    assert "Traceback" not in error_output


def test_an_interrupted_update_of_make_up_unlocks_the_stack(project: Project) -> None:
    marked = Marked()
    interrupt(project, marked, "pulumi-resource-aws", "python", "-c", JOB)
    assert marked.running() == {}
    assert not list(Path(project.project.parent, "stacks").rglob("locks/**/*.json"))
