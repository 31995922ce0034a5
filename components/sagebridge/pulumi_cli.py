"""Runs the command `pulumi`, in the folder where `sagebridge` works or in another project's."""

import os
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from sagebridge import processes

SECONDS = 600
"""The longest that a command may take: a backend may be far away, and `pulumi` itself reports one that is locked."""

_HINTS = {
    "unable to install": "`pulumi plugin install resource aws VERSION` with the version that the stack uses",
    "is missing configuration value": "`pulumi config set KEY VALUE` sets it",
    "no stack named": "`pulumi stack ls` lists the project's stacks, and `pulumi stack init NAME` makes one",
    "does not have output property": "`pulumi up` makes the stack's outputs",
}
"""What to do, by words of `pulumi`'s own messages that do not say it."""


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
        shown=" ".join(["pulumi", *takewhile(lambda argument: not argument.startswith("-"), arguments[:2])]),
        cwd=cwd,
        env={**(os.environ if env is None else env), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        stdin=stdin,
        explain=_with_hint,
    )


def _with_hint(message: str) -> str:
    return message + next((f"; {hint}" for words, hint in _HINTS.items() if words in message), "")
