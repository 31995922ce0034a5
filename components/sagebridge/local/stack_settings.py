"""Sets the configuration with which a stack of anybody's uses the local AWS, and takes it away, by Pulumi's command."""

import json

from sagebridge.errors import UserError
from sagebridge.pulumi_cli import run_pulumi

SETTINGS = {
    # Address, region and credentials come from this profile of AWS_CONFIG_FILE. Without the profile nothing runs, so
    # the stack cannot reach a real account by mistake.
    "aws:profile": "local",
    "aws:s3UsePathStyle": "true",
    # Either check tells the provider its account, and then it calls S3 Control at <account>.<host>.
    "aws:skipCredentialsValidation": "true",
    "aws:skipRequestingAccountId": "true",
    # A server that is not running stays so: say it in seconds instead of after 25 tries.
    "aws:maxRetries": "2",
}
"""The settings of the stack's AWS provider."""
_HARMLESS = {"aws:defaultTags", "aws:ignoreTags", "aws:region"}
"""Settings of a person's that lead nowhere else: the local AWS has every region."""


def configure(stack: str | None) -> str:
    """Sets the configuration of a stack, and returns the stack's name.

    Args:
        stack: The stack. Default is the one that is selected.

    Raises:
        UserError: The stack has other settings of its AWS provider, or `pulumi` refuses.
    """
    name = stack or _selected()
    taken = {key: value for key, value in _aws_settings(name).items() if not _goes_with_local(key, value)}
    if taken:
        raise UserError(
            f"The stack {name!r} has settings of its own for AWS: {', '.join(sorted(taken))}. They would lead "
            "elsewhere than to the local AWS. Make a stack for it: pulumi stack init local"
        )
    pairs = [part for key, value in SETTINGS.items() for part in ("--plaintext", f"{key}={value}")]
    run_pulumi("config", "set-all", "--stack", name, *pairs)
    return name


def remove(stack: str | None) -> tuple[str, bool]:
    """Takes the settings away; what a person has set otherwise stays.

    Args:
        stack: The stack. Default is the one that is selected.

    Returns:
        The stack's name, and whether it had any of the settings.

    Raises:
        UserError: `pulumi` refuses.
    """
    name = stack or _selected()
    set_here = [key for key, value in _aws_settings(name).items() if SETTINGS.get(key) == value]
    if set_here:
        run_pulumi("config", "rm-all", "--stack", name, *set_here)
    return name, bool(set_here)


def _goes_with_local(key: str, value: str | None) -> bool:
    return key in _HARMLESS or (value is not None and value == SETTINGS.get(key))


def _aws_settings(stack: str) -> dict[str, str | None]:
    """Returns the stack's settings of its AWS provider; None stands for a secret or an object."""
    settings = json.loads(run_pulumi("config", "--json", "--stack", stack))
    return {key: entry.get("value") for key, entry in settings.items() if key.startswith("aws:")}


def _selected() -> str:
    return run_pulumi("stack", "--show-name").strip()
