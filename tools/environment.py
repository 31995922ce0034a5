"""The environment in which `pulumi`, `terraform`, `aws` and boto3 work against this checkout's local AWS."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from sagebridge.local import control
from tools import engine
from tools.errors import ToolsError
from tools.paths import CHECKOUT, LOCAL, pulumi_home

UNSET = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),  # would win over the profile
    *("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_PROFILE"),
    *("TF_WORKSPACE", "TF_DATA_DIR"),  # the base's state and `terraform init` would be somewhere else
)
"""Variables that would send a command of the dev stack elsewhere than to the local AWS."""


def local_aws() -> Path:
    """Returns the folder of this checkout's local AWS, or of the one that ``LOCAL_AWS_DIR`` names."""
    return Path(os.environ.get("LOCAL_AWS_DIR") or LOCAL / "aws").resolve()


def settings() -> dict[str, str]:
    """Returns the variables to set.

    Raises:
        ToolsError: a part of the engine is missing.
    """
    found = engine.find_all()
    missing = [name for name, part in found.items() if part is None]
    if missing:
        raise ToolsError(f"Missing: {', '.join(missing)}. Run `make up` (or `make engine`) first.")
    directory = local_aws()
    state = LOCAL / "pulumi"
    state.mkdir(parents=True, exist_ok=True)
    own = [part.path / "bin" for part in found.values() if part and part.origin != "PATH"]
    folders = [str(folder) for folder in (CHECKOUT / ".venv" / "bin", *own) if folder.is_dir()]
    if (terraform := found["terraform"]) and terraform.path.name == "tofu":
        folders.append(str(_terraform_alias(terraform.path)))
    provider = found["terraform-provider-aws"]
    assert provider is not None  # noqa: S101 - not among the missing
    return {
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PROFILE": "local",
        "LOCAL_AWS_DIR": str(directory),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), no_proxy()),  # Go reads the first, Python prefers the second
        "PATH": os.pathsep.join([*folders, engine.outer_path()]),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", ""),
        "PULUMI_HOME": str(pulumi_home()),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "TF_CLI_CONFIG_FILE": str(provider.path / "terraformrc"),
    }


def no_proxy() -> str:
    """Returns the hosts that are reached without a proxy: the shell's, and the loopback, which boto3 does not skip."""
    names = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    if "*" in names:
        return "*"
    return ",".join(dict.fromkeys([*filter(None, names), "127.0.0.1", "localhost"]))


def process_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns a whole environment for a command that is started here."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**kept, **settings(), **(extra or {})}


def shell() -> str:
    """Returns the lines that ``eval "$(make -s env)"`` runs.

    The profile that they name is made if there is none yet, so that commands say how to start the local AWS.
    """
    control.prepare(local_aws())
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings().items())]
    return "\n".join([f"unset {' '.join(UNSET)}", *exports])


def _terraform_alias(tofu: Path) -> Path:
    folder = LOCAL / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "terraform"
    if not link.is_symlink() or link.readlink() != tofu:
        link.unlink(missing_ok=True)
        link.symlink_to(tofu)
    return folder
