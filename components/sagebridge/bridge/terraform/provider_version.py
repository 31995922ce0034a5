"""Explains that Terraform's AWS provider is too old for a module, or not the one that its lock file names."""

import re
import shlex
from pathlib import Path

from sagebridge.wording import listed

LOCK_FILE = ".terraform.lock.hcl"
_LOCKED = re.compile(r'^provider "[\w.]+/hashicorp/aws" \{\s+version\s*= "([^"]+)"', re.MULTILINE)
_UNKNOWN = re.compile(
    r'(?:An argument named|No argument or block type is named|Blocks of type|does not support resource type) "(\w+)"'
)
"""What Terraform says of an argument, a block or a type that the provider lacks, in HCL and in JSON."""
_NO_RELEASE = re.compile(r"provider hashicorp/aws: no available releases match the given constraints (\S+ [\d.]+)")
_LOCKED_IS_GONE = re.compile(r"provider hashicorp/aws: the previously-selected version \S+ is no longer available")
_LOCKED_DIFFERS = re.compile(r"/hashicorp/aws \S+ does not match configured version constraint (\S+ [\d.]+)")


def explain_provider(message: str, module: Path, command: str, lock_file: str) -> str:
    """Returns what is wrong with the provider's version and what to do, or the message if it is about something else.

    Args:
        message: What `init` or `plan` printed when it failed.
        module: The module's folder, as the user knows it.
        command: The command, `terraform` or `tofu`.
        lock_file: The text of the lock file that the command used; empty if there was none.
    """
    text = " ".join(message.split())  # Terraform breaks its lines
    version = match[1] if (match := _LOCKED.search(lock_file)) else ""
    upgrade = f"`{command} -chdir={shlex.quote(str(module))} init -upgrade`"
    newer = (
        f"get a newer one with `make engine` in the checkout of sagebridge, or with {upgrade} elsewhere, and try again"
    )
    if names := sorted(set(_UNKNOWN.findall(text))):
        return f"the AWS provider {version}, which {command} uses here, does not know {listed(names)}: {newer}"
    if match := _NO_RELEASE.search(text):
        return f"the module needs the AWS provider {match[1]}, which {command} does not find here: {newer}"
    if _LOCKED_IS_GONE.search(text):
        reason = f"which {command} does not find here"
    elif match := _LOCKED_DIFFERS.search(text):
        reason = f"but the module needs {match[1]}"
    else:
        return message
    return f"the module's {LOCK_FILE} names the AWS provider {version}, {reason}: run {upgrade}, and try again"
