"""Runs the command `pulumi`, in the folder where `sagebridge` works or in a scratch project."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from sagebridge import processes

SECONDS = 600
"""The longest that a command may take: a backend may be far away, and `pulumi` itself reports one that is locked."""

_HINTS = {
    "unable to install": "`pulumi plugin install resource aws VERSION` with the version that the stack uses",
    "no stack named": "`pulumi stack ls` lists the project's stacks, and `pulumi stack init NAME` makes one",
    "does not have output property": "`pulumi up` makes the stack's outputs",
}
"""What to do, by words of `pulumi`'s own messages that do not say it."""
_NOT_INHERITED = {"PULUMI_STACK", "PULUMI_CONFIG", "PULUMI_CONFIG_PASSPHRASE_FILE"}


def run_pulumi(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Runs `pulumi` and returns what it prints.

    Args:
        arguments: The command's arguments.
        cwd: The project's folder. Default is the current one.
        env: All of the environment. Default is this process's.
        stdin: What the command reads; secrets go this way.

    Raises:
        UserError: `pulumi` is not on the PATH, fails (the message is its own) or takes over 600 s.
    """
    return processes.run(
        ["pulumi", *arguments, "--non-interactive", "--color", "never"],
        seconds=SECONDS,
        shown=" ".join(["pulumi", *arguments[:2]]),
        cwd=cwd,
        env={**(os.environ if env is None else env), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        stdin=stdin,
        explain=_with_hint,
    )


def scratch_environment(backend: Path) -> dict[str, str]:
    """Returns the environment of a scratch project's commands: of this Python, with a backend and secrets of its own.

    Args:
        backend: The folder of the backend.
    """
    return {
        **{name: value for name, value in os.environ.items() if name not in _NOT_INHERITED},
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _with_hint(message: str) -> str:
    return message + next((f"; {hint}" for words, hint in _HINTS.items() if words in message), "")
