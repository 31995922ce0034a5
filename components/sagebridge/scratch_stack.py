"""A stack whose program runs in this process, and of which nothing is left: its backend is a folder in memory.

Pulumi's host for Python would start an interpreter, and list all packages with pip, for each command.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sagebridge import _sdk
from sagebridge.pulumi_cli import run_pulumi
from sagebridge.scratch import scratch_folder

_NOT_INHERITED = {"PULUMI_STACK", "PULUMI_CONFIG", "PULUMI_CONFIG_PASSPHRASE_FILE"}


class ScratchStack:
    """An empty stack in a project of its own."""

    def __init__(self, folder: Path, project: str, stack: str, config: Mapping[str, Any]) -> None:
        """Makes the stack with files alone, as `pulumi stack init` takes as long as a small preview.

        Args:
            folder: An empty folder.
            project: The project's name.
            stack: The stack's name.
            config: The stack's configuration, without secrets.
        """
        self.folder = folder
        """The project's folder."""
        self._stack = stack
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in _NOT_INHERITED},
            "PULUMI_BACKEND_URL": folder.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
        }
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": project, "runtime": "python"}))
        (folder / f"Pulumi.{stack}.yaml").write_text(json.dumps({"config": config}))
        backend = folder / ".pulumi"
        write_empty_state(backend / "stacks" / project / f"{stack}.json")
        (backend / "meta.yaml").write_text("version: 1\n")  # stacks belong to projects, whatever the shell says

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Runs a command of `pulumi` on the stack and returns what it prints; see `run_pulumi`."""
        return run_pulumi(*arguments, "--stack", self._stack, cwd=self.folder, env=self._environment, stdin=stdin)

    def run_with(self, program: Callable[[], None], *arguments: str) -> str:
        """Runs a command of `pulumi` with a program in this process, and returns what the command prints."""
        with _sdk.serving(program) as in_this_process:
            return self.run(*arguments, in_this_process)


def write_empty_state(file: Path) -> None:
    """Makes an empty stack, as `pulumi stack init` does, and does not select it.

    Args:
        file: The file of the stack's state in a file backend, which has the stack's name, in the folder of its project.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = {"stack": f"organization/{file.parent.name}/{file.stem}", "latest": None}
    file.write_text(json.dumps({"version": 3, "checkpoint": checkpoint}))


@contextmanager
def scratch_stack(project: str, stack: str, config: Mapping[str, Any]) -> Iterator[ScratchStack]:
    """Makes a stack that is gone when the block ends; the arguments as for `ScratchStack`."""
    with scratch_folder() as folder:
        yield ScratchStack(folder, project, stack, config)
