"""Reads a stack's configuration and outputs with `pulumi`, and the base's outputs with `terraform`."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from sagebridge.model.errors import CommandError

SECONDS = 60


class Base(NamedTuple):
    """Where the Terraform base keeps models."""

    bucket: str
    prefix: str
    """What the keys of all models begin with."""


def read_base(folder: Path) -> Base:
    """Reads the outputs `bucket_name` and `model_prefix` of the Terraform base in a folder.

    Raises:
        CommandError: The folder does not exist; terraform is not on the PATH, fails or takes over 60 s; or an output
            is missing or is not a text.
    """
    if not folder.is_dir():
        raise CommandError(
            f"the Terraform base {folder} does not exist; name its folder with --base, or a bucket with --bucket"
        )
    outputs = json.loads(run("terraform", f"-chdir={folder.resolve()}", "output", "-no-color", "-json"))
    values = {name: output.get("value") for name, output in outputs.items()}
    missing = [
        name for name in ("bucket_name", "model_prefix") if not (isinstance(values.get(name), str) and values[name])
    ]
    if missing:
        raise CommandError(
            f"the Terraform base {folder} has no output {' and '.join(missing)}: apply it first"
            f" (terraform -chdir={folder} apply), or name a bucket with --bucket"
        )
    return Base(values["bucket_name"], values["model_prefix"])


def get_config(stack: str, key: str) -> str:
    """Returns a configuration value of a stack, or its default in Pulumi.yaml.

    Raises:
        CommandError: See `run`.
    """
    return run("pulumi", "config", "get", key, "--stack", stack)


def set_config(stack: str, key: str, value: str) -> None:
    """Sets a configuration value of a stack.

    Raises:
        CommandError: See `run`.
    """
    run("pulumi", "config", "set", key, value, "--plaintext", "--stack", stack)


def get_output(stack: str, name: str) -> str:
    """Returns an output of a stack that is up.

    Raises:
        CommandError: See `run`.
    """
    return run("pulumi", "stack", "output", name, "--stack", stack)


def run(*command: str) -> str:
    """Runs a command in the current folder and returns its output, without the space around it.

    Raises:
        CommandError: The command is not on the PATH, fails (its own message is given), or takes over 60 s.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(
            f'{command[0]} is not on the PATH; install it, or in the checkout of sagebridge: eval "$(make -s env)"'
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"`{shown}` did not end within {SECONDS} s") from error
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())
        raise CommandError(f"`{shown}` failed with exit code {done.returncode}: {reason}")
    return done.stdout.strip()
