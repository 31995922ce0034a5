"""Reads a stack's configuration and outputs with `pulumi`, and the base's outputs with `terraform`."""

import json
from pathlib import Path
from typing import NamedTuple

from sagebridge import processes
from sagebridge.errors import UserError

SECONDS = 60


class Base(NamedTuple):
    """Where the Terraform base keeps models."""

    bucket: str
    prefix: str
    """What the keys of all models begin with."""


def read_base(folder: Path) -> Base:
    """Reads the outputs `bucket_name` and `model_prefix` of the Terraform base in a folder.

    Raises:
        UserError: The folder does not exist; terraform is not on the PATH, fails or takes over 60 s; or an output
            is missing or is not a text.
    """
    if not folder.is_dir():
        raise UserError(
            f"the Terraform base {folder} does not exist; name its folder with --base, or a bucket with --bucket"
        )
    outputs = json.loads(run("terraform", f"-chdir={folder.resolve()}", "output", "-no-color", "-json"))
    values = {name: output.get("value") for name, output in outputs.items()}
    missing = [
        name for name in ("bucket_name", "model_prefix") if not (isinstance(values.get(name), str) and values[name])
    ]
    if missing:
        raise UserError(
            f"the Terraform base {folder} has no output {' and '.join(missing)}: apply it first"
            f" (terraform -chdir={folder} apply), or name a bucket with --bucket"
        )
    return Base(values["bucket_name"], values["model_prefix"])


def get_config(stack: str, key: str) -> str:
    """Returns a configuration value of a stack, or its default in Pulumi.yaml.

    Raises:
        UserError: See `run`.
    """
    return run("pulumi", "config", "get", key, "--stack", stack)


def set_config(stack: str, key: str, value: str) -> None:
    """Sets a configuration value of a stack.

    Raises:
        UserError: See `run`.
    """
    run("pulumi", "config", "set", key, value, "--plaintext", "--stack", stack)


def get_output(stack: str, name: str) -> str:
    """Returns an output of a stack that is up.

    Raises:
        UserError: See `run`.
    """
    return run("pulumi", "stack", "output", name, "--stack", stack)


def run(*command: str) -> str:
    """Returns what a command prints in the current folder, without the last line's end.

    Raises:
        UserError: The command is not on the PATH, fails (the message is its own), or takes over 60 s.
    """
    return processes.run(command, seconds=SECONDS, explain=lambda text: " ".join(text.split())).strip()
