"""Finds the token for a host of HCP Terraform where Terraform itself finds it; pulumi-terraform 6.1.0 does not look."""

import json
import os
from pathlib import Path

from sagebridge.state_location import RemoteWorkspace
from sagebridge.terraform_state.text import cannot_read

HOSTNAME = "app.terraform.io"


def token(location: RemoteWorkspace) -> str:
    """Returns the token from the environment, or from the file that `terraform login` writes.

    Raises:
        UserError: There is no token for the host.
    """
    hostname = location.hostname or HOSTNAME
    variable = f"TF_TOKEN_{hostname.replace('-', '__').replace('.', '_')}"
    if value := os.environ.get(variable) or _login_token(hostname):
        return value
    raise cannot_read(
        location, f"there is no token for {hostname}. Run `terraform login {hostname}`, or set the variable {variable}"
    )


def _login_token(hostname: str) -> str | None:
    try:
        text = (Path.home() / ".terraform.d" / "credentials.tfrc.json").read_text(encoding="utf-8")
        value: str = json.loads(text)["credentials"][hostname]["token"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return value
