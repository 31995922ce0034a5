"""The environment in which `pulumi`, `terraform`, `aws` and boto3 work against this checkout's local AWS."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sagebridge.local import REGION, control, environment
from tools import engine
from tools.errors import ToolsError
from tools.paths import CHECKOUT, LOCAL, pulumi_home, writing, writing_cache
from tools.variables import RULES

OPERATIONS_AT_ONCE = 128
"""What Pulumi does at once in the words of `make`, unless the shell says otherwise.

Its own default is 4 for each core, as if operations were work. An endpoint only waits, for minutes, so 100 of them take
the time of one if all may wait at once. That is the largest fleet that is measured.
"""


def local_aws() -> Path:
    """Returns the folder of this checkout's local AWS, or of the one that ``LOCAL_AWS_DIR`` names."""
    return Path(os.environ.get("LOCAL_AWS_DIR") or LOCAL / "aws").resolve()


def settings() -> dict[str, str]:
    """Returns the variables to set.

    Raises:
        ToolsError: a part of the engine is missing, or a folder cannot be written.
    """
    parts = engine.find_all()
    missing = [name for name, part in parts.items() if part is None]
    if missing:
        raise ToolsError(f"Missing: {', '.join(missing)}. Run `make up` (or `make engine`) first.")
    directory = local_aws()
    state = LOCAL / "pulumi"
    with writing(LOCAL, "Free space in the checkout or make it writable."):
        state.mkdir(parents=True, exist_ok=True)
    with writing_cache():  # Pulumi keeps its notes in the folder of its plugins
        pulumi_home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=pulumi_home()) as probe:
            probe.write(b"\0")
    bin_folders = [part.path / "bin" for part in parts.values() if part and part.origin != "PATH"]
    folders = [str(folder) for folder in (CHECKOUT / ".venv" / "bin", *bin_folders) if folder.is_dir()]
    if (terraform := parts["terraform"]) and terraform.path.name == "tofu":
        folders.append(str(_terraform_alias(terraform.path)))
    provider = parts["terraform-provider-aws"]
    assert provider is not None  # noqa: S101 - not among the missing
    return {
        **environment.settings(directory),
        "PATH": os.pathsep.join([*folders, engine.outer_path()]),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PULUMI_BACKEND_URL": environment.backend_url(state),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_HOME": str(pulumi_home()),
        "PULUMI_PARALLEL": os.environ.get("PULUMI_PARALLEL") or str(OPERATIONS_AT_ONCE),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(provider.path / "terraformrc"),
    }


def process_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns a whole environment for a command that is started here."""
    return environment.process_environment({**settings(), **(extra or {})}, RULES)


def client(service: str, url: str, region: str = REGION) -> Any:  # noqa: ANN401 - boto3's client
    """Returns a client of a local AWS, whatever variables of AWS the shell has set.

    Args:
        service: boto3's name of the service.
        url: the address of the local AWS.
        region: the region.
    """
    import boto3  # noqa: PLC0415 - 0.1 s, which `make env` and `make up` need not spend

    with _without_variables_of_aws():
        session = boto3.Session("local", "local", region_name=region)
        return session.client(service, endpoint_url=url)  # type: ignore[call-overload]


@contextmanager
def _without_variables_of_aws() -> Iterator[None]:
    """Hides from boto3 what the shell and the user's files have for a real account."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "BOTO"))]:
        del os.environ[name]
    no_files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    os.environ.update(no_files, NO_PROXY=environment.no_proxy(), no_proxy=environment.no_proxy())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def shell() -> str:
    """Returns the lines that ``eval "$(make -s env)"`` runs.

    The profile that they name is made if there is none yet, so that commands say how to start the local AWS.
    """
    control.prepare(local_aws())
    return environment.shell(settings(), RULES)


def shell_without_engine() -> str:
    """Returns the lines for a shell when a part of the engine is missing: no command reaches a real account in it."""
    return environment.shell(environment.settings(local_aws()), RULES)


def _terraform_alias(tofu: Path) -> Path:
    folder = LOCAL / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "terraform"
    if not link.is_symlink() or link.readlink() != tofu:
        link.unlink(missing_ok=True)
        link.symlink_to(tofu)
    return folder
