"""Runs `pulumi`, in the folder where `sagebridge` was started: the project's."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sagebridge import processes

SECONDS = 600
"""The longest that a command may take: a backend may be far away, and `pulumi` itself reports one that is locked."""

_HINTS = {
    "pass the fully qualified name": "Or start this in the Pulumi project's folder",
    "unable to install": "`pulumi plugin install resource aws VERSION` with the version that the stack uses",
    "no stack named": "`pulumi stack ls --all` lists those of the backend",
}
"""What to do, by words of `pulumi`'s own messages that do not say it."""


def export_stack(stack: str) -> str:
    """Returns the stack's state, secrets in clear: it goes into no file and no message.

    Raises:
        UserError: See `run_pulumi`.
    """
    return run_pulumi("stack", "export", "--show-secrets", "--stack", stack)


def get_mapping(version: str) -> str:
    """Returns how the aws provider's names and types map to Terraform's, in JSON, as the plugin itself tells it.

    Args:
        version: The plugin's version that the stack uses; empty for the newest that is installed.

    Raises:
        UserError: See `run_pulumi`; or there is no such plugin and none could be installed.
    """
    with tempfile.TemporaryDirectory() as folder:  # pulumi prints notes around what it writes to its output
        file = Path(folder, "mapping.json")
        run_pulumi("package", "get-mapping", "terraform", f"aws@{version}" if version else "aws", "--out", str(file))
        return file.read_text(encoding="utf-8")


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


def _with_hint(message: str) -> str:
    return message + next((f"\n{hint}" for words, hint in _HINTS.items() if words in message), "")
