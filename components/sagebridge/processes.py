"""Runs other commands, such as `pulumi` and `terraform`, to their end."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sagebridge.errors import UserError


def run(  # noqa: PLR0913 - few of what subprocess.run takes
    command: Sequence[str],
    *,
    seconds: float,
    shown: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    explain: Callable[[str], str] = str,
) -> str:
    """Runs a command and returns what it prints.

    Args:
        command: The command with its arguments.
        seconds: The longest that it may take.
        shown: What a message calls the command. Default is all of it.
        cwd: The folder that it runs in. Default is the current one.
        env: All of its environment. Default is this process's.
        stdin: What it reads; secrets go this way.
        explain: Turns what a command that failed has printed into what the message says of it.

    Raises:
        UserError: The command is not on the PATH, fails, or takes too long.
    """
    shown = shown or " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise UserError(f'{command[0]} is not on the PATH; eval "$(make -s env)" puts it there') from error
    except subprocess.TimeoutExpired:
        raise UserError(f"`{shown}` did not end within {seconds} s") from None  # its cause would hold the arguments
    if done.returncode:
        printed = explain((done.stderr or done.stdout).strip())
        raise UserError(f"`{shown}` failed with exit code {done.returncode}: {printed}")
    return done.stdout
