"""A person's first hour, in a checkout of its own: `make up`, again, own commands, a dead local AWS, `make down`."""

import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import COMMAND_SECONDS, ROOT, copy_from_git
from tests.shells import RealAws

pytestmark = [pytest.mark.engine, pytest.mark.long]

ANSWER = '"Predictions": [28.99672361'
START = "The local AWS is not running. Start it with: sagebridge local start"
SOON = 120  # several times what an idle machine takes, and less than a provider tries again and again


class Checkout:
    """A checkout whose commands are run as a person would."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self._variables = variables

    def tools(self, *arguments: str) -> str:
        """Runs what the Makefile runs."""
        return self._run([sys.executable, "-m", "tools", *arguments])

    @functools.cached_property
    def exports(self) -> str:
        """What `make env` prints, which a person evaluates once."""
        return self.tools("env")

    def shell(self, command: str, *, fails: bool = False) -> str:
        """Runs a command in a shell that has evaluated `make env`; returns all that it prints."""
        return self._run(["bash", "-c", f'eval "$0"; {command}', self.exports], fails=fails)

    def changes(self) -> list[str]:
        """Returns the files that git would show as changed or new."""
        command = ["git", "ls-files", "--modified", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def _run(self, command: list[str], *, fails: bool = False) -> str:
        shell = {name: value for name, value in os.environ.items() if name != "LOCAL_AWS_DIR"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**shell, **self._variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{command[-1]}:\n{done.stdout}"
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


@pytest.fixture
def checkout(tmp_path: Path, real_aws: RealAws) -> Iterator[Checkout]:
    """A checkout in a folder with a space in its name, for a shell whose variables all lead elsewhere."""
    folder = tmp_path / "check out"
    copy_from_git(".", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    made = Checkout(folder, real_aws.everything())
    yield made
    made.shell("sagebridge local stop")


@pytest.mark.timeout(600)
def test_first_hour(checkout: Checkout) -> None:
    said = checkout.tools("up")
    assert "endpointName  boston-housing" in said
    assert ANSWER in said
    for part in ("Engine", "Local AWS", "Base (Terraform)", "Model", "Publish", "Endpoint (Pulumi)", "Prediction"):
        assert f"\n{part} " in said

    started = time.monotonic()
    said = checkout.tools("up")
    assert time.monotonic() - started < SOON
    assert "No changes." in said
    assert "5 unchanged" in said
    assert ANSWER in said

    assert checkout.changes() == []
    own_commands(checkout)
    an_example(checkout)
    an_archive_of_ones_own(checkout)
    without_the_local_aws(checkout)

    said = checkout.tools("down")
    assert "5 deleted" in said
    assert "8 destroyed" in said
    assert START in checkout.shell("sagebridge local status", fails=True)
    assert "Nothing to take down" in checkout.tools("down")
    assert checkout.changes() == []


def own_commands(checkout: Checkout) -> None:
    assert "5 unchanged" in checkout.shell("pulumi preview --stack dev --non-interactive")
    checkout.shell("pulumi config set instanceType ml.m5.large --stack dev")
    assert "1 replaced" in checkout.shell("pulumi up --stack dev --yes --skip-preview --non-interactive")
    assert checkout.shell("pulumi stack output endpointName --stack dev").strip() == "boston-housing"
    assert "5 unchanged" in checkout.shell("pulumi refresh --stack dev --yes --skip-preview --non-interactive")
    assert "No changes" in checkout.shell("terraform -chdir=terraform/base plan -detailed-exitcode -input=false")
    assert "is ready for" in checkout.shell("sagebridge check --stack dev")
    assert ANSWER in checkout.shell("sagebridge invoke --stack dev")
    said = checkout.shell("sagebridge invoke --stack dev --input '{\"Input\": [[1, 2]]}'", fails=True)
    assert "400" in said
    assert "13" in said
    boto3 = "import boto3; print(boto3.client('sagemaker').list_endpoints()['Endpoints'][0]['EndpointName'])"
    assert checkout.shell(f'python -c "{boto3}"').strip() == "boston-housing"
    if shutil.which("aws"):
        assert "boston-housing" in checkout.shell("aws sagemaker list-endpoints")


def an_example(checkout: Checkout) -> None:
    settings = (checkout.folder / "Pulumi.dev.yaml").read_bytes()
    there = "cd examples/serverless && pulumi stack select dev --create"
    invoked = 'sagebridge invoke --endpoint "$(pulumi stack output endpointName)"'
    assert "5 created" in checkout.shell(f"{there} && pulumi up --yes --skip-preview --non-interactive")
    assert ANSWER in checkout.shell(f"{there} && {invoked}")
    assert "5 deleted" in checkout.shell(f"{there} && pulumi destroy --yes --skip-preview --non-interactive")
    assert (checkout.folder / "Pulumi.dev.yaml").read_bytes() == settings


def an_archive_of_ones_own(checkout: Checkout) -> None:
    """A person trains on other data and publishes: `make up` neither retrains nor rolls the stack back."""
    data = checkout.folder / "model" / "data" / "boston_housing.csv"
    rows = data.read_text().splitlines()
    (checkout.folder / "build" / "my.csv").write_text("\n".join(rows[:300]))
    checkout.shell(
        "python model/train.py --data build/my.csv && sagebridge package && sagebridge publish --stack dev"
        " && pulumi up --stack dev --yes --skip-preview --non-interactive"
    )
    settings = (checkout.folder / "Pulumi.dev.yaml").read_bytes()
    archive = (checkout.folder / "build" / "model.tar.gz").read_bytes()
    model_data = checkout.shell("pulumi config get modelData --stack dev").strip()
    said = " ".join(checkout.tools("up").split())
    assert f"The stack dev serves {model_data}, which `make up` did not publish." in said
    assert "5 unchanged" in said
    assert (checkout.folder / "Pulumi.dev.yaml").read_bytes() == settings
    assert (checkout.folder / "build" / "model.tar.gz").read_bytes() == archive

    checkout.shell("pulumi config rm modelData --stack dev")
    said = checkout.tools("up")
    assert "did not publish" not in said
    assert ANSWER in said


def without_the_local_aws(checkout: Checkout) -> None:
    checkout.shell("sagebridge local stop")
    for command in (
        "pulumi preview --stack dev --non-interactive",
        "pulumi refresh --stack dev --yes --non-interactive",
        "terraform -chdir=terraform/base plan -input=false -no-color",
        "sagebridge invoke --stack dev",
    ):
        started = time.monotonic()
        said = " ".join(checkout.shell(command, fails=True).replace("│", "").split())
        assert time.monotonic() - started < SOON, command
        assert START in said, command
