"""The environment in which a person's own aws, boto3, Terraform and Pulumi reach the local AWS."""

import os
import shlex
from collections.abc import Iterable, Mapping
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
        **dict.fromkeys(("NO_PROXY", "no_proxy"), no_proxy()),  # Go reads the first, Python prefers the second
    }


def shell(variables: Mapping[str, str], unset: Iterable[str] = UNSET) -> str:
    """Returns the lines with which a shell sets variables, and unsets those that lead elsewhere."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    return "\n".join([f"unset {' '.join(unset)}", *exports])


def no_proxy() -> str:
    """Returns the hosts that are reached without a proxy: the shell's, and the loopback, which boto3 does not skip."""
    names = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    if "*" in names:
        return "*"
    return ",".join(dict.fromkeys([*filter(None, names), "127.0.0.1", "localhost"]))
