"""Runs `pulumi`, in the folder where the command was started: the project's."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sagebridge.bridge.errors import BridgeError

SECONDS = 600
"""The longest that a command may take: a backend may be far away, a locked one is reported by pulumi itself."""

_HINTS = {
    "pass the fully qualified name": "Or start this in the Pulumi project's folder",
    "unable to install": "`pulumi plugin install resource aws VERSION` with the version that the stack uses",
    "no stack named": "`pulumi stack ls --all` lists those of the backend",
}
"""What to do, by words of `pulumi`'s own messages that do not say it."""


def export_stack(stack: str) -> str:
    """Return the stack's state, secrets in clear: it goes into no file and no message.

    Raises:
        BridgeError: See `run`.
    """
    return run("stack", "export", "--show-secrets", "--stack", stack)


def get_mapping(version: str) -> str:
    """Return how the aws provider's names and types map to Terraform's, as the plugin itself tells it in JSON.

    Args:
        version: the plugin's version that the stack uses; empty for the newest that is installed.

    Raises:
        BridgeError: See `run`; there is no such plugin and none could be installed.
    """
    with tempfile.TemporaryDirectory() as folder:  # pulumi prints notes around what it writes to its output
        file = Path(folder, "mapping.json")
        run("package", "get-mapping", "terraform", f"aws@{version}" if version else "aws", "--out", str(file))
        return file.read_text(encoding="utf-8")


def run(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> str:
    """Run `pulumi` and return what it prints.

    Args:
        arguments: the command's.
        cwd: the project's folder; default is where this was started.
        env: the whole environment; default is this process's.
        stdin: what the command reads; secrets go this way.

    Raises:
        BridgeError: It is not on the PATH, fails (the message is its own) or takes over 600 s.
    """
    shown = " ".join(["pulumi", *arguments[:2]])
    try:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=cwd,
            input=stdin or "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**(os.environ if env is None else env)} | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise BridgeError('pulumi is not on the PATH; eval "$(make -s env)" puts it there') from error
    except subprocess.TimeoutExpired:
        raise BridgeError(f"`{shown}` did not end within {SECONDS} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        hint = next((f"\n{hint}" for words, hint in _HINTS.items() if words in said), "")
        raise BridgeError(f"`{shown}` failed with exit code {done.returncode}: {said}{hint}")
    return done.stdout
