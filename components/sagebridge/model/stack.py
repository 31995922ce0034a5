"""What `pulumi` and `terraform` know: the stack's configuration and outputs, the base's outputs."""

import json
from pathlib import Path
from typing import NamedTuple

from sagebridge import processes
from sagebridge.model.errors import CommandError

SECONDS = 60


class Base(NamedTuple):
    """What the Terraform base says of where models go: the bucket's name and the keys' prefix."""

    bucket: str
    prefix: str


def base(folder: Path) -> Base:
    """Read the outputs `bucket_name` and `model_prefix` of the Terraform base in a folder.

    Raises:
        CommandError: There is no such folder, terraform is missing, fails or takes over 60 s, or an output is
            missing or no text.
    """
    if not folder.is_dir():
        raise CommandError(f"there is no Terraform base {folder}; name it with --base, or the bucket with --bucket")
    outputs = json.loads(run("terraform", f"-chdir={folder.resolve()}", "output", "-no-color", "-json"))
    values = {name: output.get("value") for name, output in outputs.items()}
    wrong = [n for n in ("bucket_name", "model_prefix") if not (isinstance(values.get(n), str) and values[n])]
    if wrong:
        raise CommandError(
            f"the Terraform base {folder} has no output {' and '.join(wrong)}: apply it first"
            f" (terraform -chdir={folder} apply), or name the bucket with --bucket"
        )
    return Base(values["bucket_name"], values["model_prefix"])


def get_config(stack: str, key: str) -> str:
    """Return a configuration value of a stack, or else its default in Pulumi.yaml (as of Pulumi 3.259).

    Raises:
        CommandError: See `run`.
    """
    return run("pulumi", "config", "get", key, "--stack", stack)


def set_config(stack: str, key: str, value: str) -> None:
    """Set a configuration value of a stack.

    Raises:
        CommandError: See `run`.
    """
    run("pulumi", "config", "set", key, value, "--plaintext", "--stack", stack)


def get_output(stack: str, name: str) -> str:
    """Return an output of a stack that is up.

    Raises:
        CommandError: See `run`.
    """
    return run("pulumi", "stack", "output", name, "--stack", stack)


def run(*command: str) -> str:
    """Returns what a command prints in the current folder, without the last line's end.

    Raises:
        CommandError: The command is not on the PATH, fails (the message is its own), or takes over 60 s.
    """
    return processes.run(command, seconds=SECONDS, explain=lambda text: " ".join(text.split())).strip()
