"""The environment in which a person's own aws, boto3, Terraform and Pulumi reach the local AWS."""

import shlex
from collections.abc import Mapping
from pathlib import Path

UNSET = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_PROFILE"),
)
"""Variables that would win over the profile, and so lead tools elsewhere than to the local AWS."""


def settings(directory: Path) -> dict[str, str]:
    """Returns the variables to set.

    Args:
        directory: the folder of the local AWS; `control.prepare` makes the profile in it.
    """
    return {
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PROFILE": "local",
        "LOCAL_AWS_DIR": str(directory),
    }


def shell(variables: Mapping[str, str]) -> str:
    """Returns the lines with which a shell sets variables, and unsets those that would win over the profile."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    return "\n".join([f"unset {' '.join(UNSET)}", *exports])
