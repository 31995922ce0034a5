"""Writes the override file with which a Terraform module of anybody's uses the local AWS, and takes it away.

Terraform merges an override file into the module beside it: an argument or a block there takes the place of the
module's (https://developer.hashicorp.com/terraform/language/files/override). So the file replaces all that the module
says of AWS's provider, but for what cannot lead elsewhere. What the module does not say is left out, because an older
provider may not know it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
"""
_SET = ("profile", "s3_use_path_style", "skip_credentials_validation", "skip_requesting_account_id", "max_retries")
"""The arguments of `_SETTINGS`."""
_HARMLESS = ("alias", "default_tags", "for_each", "ignore_tags", "region", "version")
"""Arguments and blocks that stay as the module has them."""


@dataclass
class _Configuration:
    """What a module says of a provider, in one or several files."""

    name: str
    """The provider's local name."""
    alias: str | None
    """None for the default configuration."""
    arguments: set[str] = field(default_factory=set)
    """The names of the arguments to replace."""
    blocks: set[str] = field(default_factory=set)
    """The types of the blocks to replace."""

    def add(self, block: Mapping[str, Any]) -> None:
        """Adds what a provider block says."""
        for key, value in block.items():
            if key == "dynamic":
                self.blocks |= {label.strip('"') for labelled in _listed(value) for label in labelled} - {*_HARMLESS}
            elif not key.startswith("__") and key not in {*_HARMLESS, *_SET}:  # the parser's notes have such keys
                (self.blocks if _listed(value) else self.arguments).add(key)

    def override(self) -> str:
        """Returns the block that takes the configuration's place."""
        alias = f'  alias = "{self.alias}"\n\n' if self.alias else ""
        width = max(map(len, self.arguments), default=0)
        replaced = [f"  {name.ljust(width)} = null\n" for name in sorted(self.arguments)]
        replaced += [
            f'  dynamic "{name}" {{\n    for_each = []\n    content {{}}\n  }}\n' for name in sorted(self.blocks)
        ]
        elsewhere = ["\n  # These would lead elsewhere.\n", *replaced] if replaced else []
        return f'provider "{self.name}" {{\n{alias}{_SETTINGS}{"".join(elsewhere)}}}\n'


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
    blocks = [configuration.override() for configuration in _configurations(module)]
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


def _configurations(module: Path) -> list[_Configuration]:
    """Returns what a module says of AWS's provider: the default configuration, and those with an alias.

    Terraform takes an override of a default configuration that the module has not got, but not of an alias.
    """
    documents = [_parsed(file) for file in sorted(module.iterdir()) if file.is_file() and _is_source(file.name)]
    if not documents:
        raise UserError(f"{module} has no Terraform module: there is no .tf file. Start this in the module's folder.")
    sources = {name: source for document in documents for name, source in _sources(document)}
    names = [name for name, source in {"aws": "hashicorp/aws", **sources}.items() if source.rsplit("/", 1)[-1] == "aws"]
    if len(names) > 1 and "aws" not in sources:
        names.remove("aws")  # the module calls it otherwise
    configurations: dict[tuple[str, str | None], _Configuration]
    configurations = {(name, None): _Configuration(name, None) for name in names}
    for document in documents:
        for name, block in _provider_blocks(document):
            if name in names:
                alias = _text(block.get("alias"))
                configurations.setdefault((name, alias), _Configuration(name, alias)).add(block)
    return list(configurations.values())


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


def _provider_blocks(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the local name and the content of each provider's configuration in a file."""
    for labelled in _listed(document.get("provider")):
        for name, blocks in labelled.items():
            for block in _listed(blocks):
                yield name.strip('"'), block


def _text(value: object) -> str | None:
    return value.strip('"') if isinstance(value, str) else None


def _listed(value: object) -> list[dict[str, Any]]:
    """Returns blocks as a list; a file in JSON may have one block without a list."""
    return [block for block in (value if isinstance(value, list) else [value]) if isinstance(block, dict)]
