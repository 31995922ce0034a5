"""Writes the override file with which a Terraform module of anybody's uses the local AWS, and takes it away.

Terraform merges an override file into the module beside it (https://developer.hashicorp.com/terraform/language/files/override):
an argument or a block there takes the place of the module's. So all that could lead the provider elsewhere is replaced,
also what the module has not got today.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sagebridge.errors import UserError
from sagebridge.files import write_file

FILE = "zz_local_aws_override.tf"
"""The name of the override file. Of several such files the last by name wins, so that it should come after others."""
STATE = "local.tfstate"
"""The name of the file with the state of what the module has in the local AWS."""

_MARK = "# Written by `sagebridge local configure terraform`"
_HEAD = f"""{_MARK}, which takes it away with `--remove`. Terraform merges it
# into the module, which then uses the local AWS of this machine.

terraform {{
  # The state of what the module has elsewhere stays as it is.
  backend "local" {{
    path          = "{STATE}"
    workspace_dir = "{STATE}.d"
  }}
}}
"""
_SETTINGS = """\
  # Address and credentials come from this profile of AWS_CONFIG_FILE. Without the profile nothing runs, so the module
  # cannot reach a real account by mistake.
  profile           = "local"
  s3_use_path_style = true

  # Either check tells the provider its account, and then it calls S3 Control at <account>.<host>, a name that a
  # loopback address does not have.
  skip_credentials_validation = true
  skip_requesting_account_id  = true

  # A server that is not running stays so: say it in seconds instead of after 25 tries.
  max_retries = 2

  # These would lead elsewhere.
  access_key               = null
  allowed_account_ids      = null
  custom_ca_bundle         = null
  forbidden_account_ids    = null
  http_proxy               = null
  https_proxy              = null
  secret_key               = null
  shared_config_files      = null
  shared_credentials_files = null
  token                    = null
  use_dualstack_endpoint   = null
  use_fips_endpoint        = null
  dynamic "assume_role" {
    for_each = []
    content {}
  }
  dynamic "assume_role_with_web_identity" {
    for_each = []
    content {}
  }
  dynamic "endpoints" {
    for_each = []
    content {}
  }
"""


def configure(module: Path) -> Path:
    """Writes the override file beside a module's files, and returns its path.

    Args:
        module: The folder of the root module.

    Raises:
        UserError: The folder has no module or a state of its own, Terraform's files cannot be read, or the override
            file's place is taken.
    """
    path = module / FILE
    if own_state := _state(module):
        raise UserError(
            f"{own_state} has the state of what the module made elsewhere, and `terraform init` would offer to move "
            "it. Copy the module's .tf files to another folder for the local AWS."
        )
    if path.exists() and not _is_ours(path):
        raise UserError(f"{path} is there, and this command did not write it. Rename it, and run the command again.")
    providers = _providers(module)
    blocks = [f'provider "{name}" {{\n{_alias(alias)}{_SETTINGS}}}\n' for name, alias in providers]
    write_file(path, "\n".join([_HEAD, *blocks]))
    return path


def remove(module: Path) -> bool:
    """Takes the override file away.

    Returns:
        Whether there was one.

    Raises:
        UserError: There is a file of that name which `configure` did not write.
    """
    path = module / FILE
    if not path.exists():
        return False
    if not _is_ours(path):
        raise UserError(f"{path} is not removed, because this command did not write it.")
    path.unlink()
    return True


def _is_ours(path: Path) -> bool:
    return path.read_text(encoding="utf-8", errors="replace").startswith(_MARK)


def _state(module: Path) -> Path | None:
    """Returns where a module without a backend keeps the state of what it has made; None if it has made nothing."""
    workspaces, file = module / "terraform.tfstate.d", module / "terraform.tfstate"
    if workspaces.exists():
        return workspaces
    try:
        state = json.loads(file.read_bytes() or b"{}")
        return file if state.get("resources") or state.get("outputs") else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError):  # whatever it is, it is not nothing
        return file


def _alias(alias: str | None) -> str:
    return f'  alias = "{alias}"\n\n' if alias else ""


def _providers(module: Path) -> list[tuple[str, str | None]]:
    """Returns the local name and the alias of each configuration of AWS's provider; the default one has no alias.

    Terraform takes an override of a default configuration that the module has not got, but not of an alias.
    """
    documents = [_parsed(file) for file in sorted(module.iterdir()) if file.is_file() and _is_source(file.name)]
    if not documents:
        raise UserError(f"{module} has no Terraform module: there is no .tf file. Start this in the module's folder.")
    sources = {name: source for document in documents for name, source in _sources(document)}
    names = [name for name, source in {"aws": "hashicorp/aws", **sources}.items() if source.rsplit("/", 1)[-1] == "aws"]
    if len(names) > 1 and "aws" not in sources:
        names.remove("aws")  # the module calls it otherwise
    aliases = [
        (name, alias)
        for document in documents
        for name, alias in _configurations(document)
        if name in names and alias is not None
    ]
    return [*((name, None) for name in names), *sorted(set(aliases))]


def _is_source(name: str) -> bool:
    return name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json")) and name != FILE and not name.startswith(".")


def _parsed(file: Path) -> dict[str, Any]:
    import hcl2  # noqa: PLC0415 - 0.3 s, which no other command needs
    from lark.exceptions import LarkError  # noqa: PLC0415

    try:
        text = file.read_text(encoding="utf-8-sig")
        document = json.loads(text) if file.suffix == ".json" else hcl2.loads(f"{text}\n")
    except (LarkError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file} cannot be read: {reason} Correct it; `terraform validate` says more.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from error
    if not isinstance(document, dict):
        raise UserError(f"{file} cannot be read: it is not an object. `terraform validate` says more.")
    return document


def _sources(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the local names that a file gives to providers, with the providers' sources."""
    for terraform in _listed(document.get("terraform")):
        for required in _listed(terraform.get("required_providers")):
            for name, wanted in required.items():
                source = wanted.get("source") if isinstance(wanted, dict) else None
                if not name.startswith("__"):  # what the parser notes
                    yield name.strip('"'), _text(source) or f"hashicorp/{name}"


def _configurations(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yields the local name and the alias of each provider's configuration in a file."""
    for labelled in _listed(document.get("provider")):
        for name, blocks in labelled.items():
            for block in _listed(blocks):
                yield name.strip('"'), _text(block.get("alias"))


def _text(value: object) -> str | None:
    return value.strip('"') if isinstance(value, str) else None


def _listed(value: object) -> list[dict[str, Any]]:
    """Returns blocks as a list; a file in JSON may have one block without a list."""
    return [block for block in (value if isinstance(value, list) else [value]) if isinstance(block, dict)]
