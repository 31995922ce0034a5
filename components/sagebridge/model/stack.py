"""Reads and sets a stack's configuration, and reads its outputs, with `pulumi`."""

import json

from sagebridge.project import project_of
from sagebridge.pulumi_cli import run_pulumi


def get_config(stack: str) -> dict[str, str]:
    """Returns the configuration of a stack, with the defaults of Pulumi.yaml; secrets are left out.

    Returns:
        The values by their key. Those of the project itself have no namespace in theirs, as in `pulumi config get`.

    Raises:
        UserError: See `project_of` and `run_pulumi`.
    """
    namespace = f"{project_of(stack).name}:"
    config = json.loads(run_pulumi("config", "--json", "--stack", stack))
    return {key.removeprefix(namespace): setting["value"] for key, setting in config.items() if not setting["secret"]}


def set_config(stack: str, key: str, value: str) -> None:
    """Sets a configuration value of a stack.

    Raises:
        UserError: See `project_of` and `run_pulumi`.
    """
    project_of(stack)
    run_pulumi("config", "set", key, value, "--plaintext", "--stack", stack)


def get_output(stack: str, name: str) -> str:
    """Returns an output of a stack that is up.

    Raises:
        UserError: See `run_pulumi`.
    """
    return run_pulumi("stack", "output", name, "--stack", stack).strip()
