"""What `pulumi` and `terraform` know: the stack's configuration and outputs, the base's outputs."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

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
    """Run a command in the current folder and return what it prints, without the last line's end.

    Raises:
        CommandError: It is not on the PATH, fails (the message is its own), or takes over 60 s.
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
        raise CommandError(f'{command[0]} is not on the PATH; eval "$(make -s env)" puts it there') from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"`{shown}` did not end within {SECONDS} s") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise CommandError(f"`{shown}` failed with exit code {done.returncode}: {said}")
    return done.stdout.strip()
