"""The bridge's commands on the local AWS."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.command_line import run_in_process
from tests.conftest import ROOT, Aws


@dataclass(frozen=True)
class Bridge:
    """`sagebridge` on the local AWS, started in a folder."""

    aws: Aws
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end; no answer of it is ever a traceback."""
        environment = {**self.aws.environment, "PYTHONPATH": str(ROOT)}
        done = run_in_process(*arguments, cwd=self.folder, environment=environment)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def must(self, *arguments: str) -> str:
        """Runs a command that must succeed, and returns what it prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *arguments: str) -> str:
        """Runs a command that must fail, and returns all that it prints."""
        done = self.run(*arguments)
        assert done.returncode == 1, f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr
