"""A Pulumi project whose stack is empty at first, for what Terraform hands over."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from sagebridge.scratch_stack import write_empty_state
from tests.command_line import run_in_process
from tests.conftest import ROOT, Aws
from tests.stacks import read_state, state_file

STATE = "terraform.tfstate"
STACK = "dev"


class Project:
    """A project in a folder, its stack `dev`, and the bridge's commands on it.

    The stack's secrets have a key of KMS's, unless the stack is to have a passphrase.
    """

    def __init__(self, aws: Aws, place: Path, *, passphrase: bool = False) -> None:
        self.aws = aws.with_stacks_in(place / "stacks", PYTHONPATH=str(ROOT), PULUMI_STACK=STACK)
        """The local AWS, with a backend of its own, in which commands work on the stack."""
        self.terraform = place / "terraform"
        """The folder of the root module that hands over."""
        self.project = place / "project"
        """The project's folder."""
        self.out = place / "out"
        """Where `adopt` writes."""
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: adopted\nruntime: python\n")
        self.program = self.project / "__main__.py"
        """The program's file."""
        self.program.write_text("")
        config = {"region": "us-east-1", "skipCredentialsValidation": "true", "skipRequestingAccountId": "true"}
        encryption = {} if passphrase else aws.encryption
        settings = {"config": {f"aws:{name}": value for name, value in config.items()}, **encryption}
        (self.project / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(settings))
        if passphrase:  # Pulumi panics when a secret is imported into a state that does not say how it encrypts
            self.pulumi("stack", "init", STACK)
        else:
            write_empty_state(state_file(self.aws.environment, self.project, STACK))

    def apply(self, folder: Path | None = None) -> str:
        """Applies a root module, by default the one that hands over, and returns what Terraform prints."""
        command = ("terraform", "apply", "-input=false", "-auto-approve", "-no-color")
        folder = folder or self.terraform
        return self.aws.attached_in(folder).must(*command, cwd=folder)

    def planned(self, folder: Path | None = None) -> int:
        """Returns 0 if Terraform has nothing to do, else 2."""
        command = ("terraform", "plan", "-input=false", "-detailed-exitcode")
        folder = folder or self.terraform
        return self.aws.attached_in(folder).run(*command, cwd=folder).returncode

    def pulumi(self, *arguments: str) -> str:
        return self.aws.must("pulumi", *arguments, "--non-interactive", cwd=self.project)

    def up(self) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", "--color", "never")

    def bridge(self, *arguments: str) -> str:
        """Runs a command of the bridge that must succeed, and returns what it prints."""
        done = self._run_bridge(*arguments)
        assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _run_bridge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_in_process(*arguments, "--stack", STACK, cwd=self.project, environment=self.aws.environment)

    def refused(self, *arguments: str) -> str:
        done = self._run_bridge(*arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    def adopt(self, *arguments: str) -> str:
        return self.bridge("adopt", *self._state(), *arguments)

    def adopt_refused(self, *arguments: str) -> str:
        message = self.refused("adopt", *self._state(), *arguments)
        assert not self.out.exists()
        return message

    def _state(self) -> tuple[str, ...]:
        return "--state", str(self.terraform / STATE), "--out", str(self.out)

    def paste(self) -> str:
        text = (self.out / "endpoints.py").read_text()
        self.program.write_text(text)
        return text

    def resources(self) -> list[dict[str, Any]]:
        """Returns the resources of the stack's state, in which secrets are encrypted."""
        resources: list[dict[str, Any]] = read_state(self.aws.environment, self.project, STACK).get("resources", [])
        return resources
