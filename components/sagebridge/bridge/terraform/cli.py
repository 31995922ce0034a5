"""Runs `terraform`, or OpenTofu's `tofu` where there is no `terraform`."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.files import parse_json, write_file
from sagebridge.bridge.scratch import folder as scratch_folder

SECONDS = 900
"""The longest that a command may take: the first `init` downloads the provider, a plan reads every resource."""

_NOT_COPIED = shutil.ignore_patterns(".terraform", "*.tfstate", "*.tfstate.*", ".git", "crash.log")
_LOCAL_STATE = {"terraform": {"backend": {"local": {"path": "scratch.tfstate"}}}}


def command() -> str:
    """Return the command's name.

    Raises:
        BridgeError: Neither is on the PATH.
    """
    found = next((name for name in ("terraform", "tofu") if shutil.which(name)), None)
    if found is None:
        raise BridgeError('neither terraform nor tofu is on the PATH; eval "$(make -s env)" puts one there')
    return found


def plan(module: Path, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Plan a copy of a root module as if nothing had been imported yet, and return the plan as JSON.

    The copy has a local, empty state: neither the module's backend nor its lock is touched.

    Args:
        module: its folder.
        variables: values in clear by name; they reach Terraform through its environment.

    Raises:
        BridgeError: Terraform is missing, refuses the module (the message is its own, without those values), or takes
            over 900 s.
    """
    given = {
        f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()
    }
    # A plan holds values in clear, so it stays in memory; a provider is large and no secret.
    with scratch_folder() as scratch, tempfile.TemporaryDirectory() as data:
        copy = scratch / "module"
        try:
            shutil.copytree(module, copy, ignore=_NOT_COPIED)
        except (OSError, shutil.Error):
            raise BridgeError(f"{module} cannot be read: name the folder of an exported module") from None
        write_file(copy / "bridge_override.tf.json", json.dumps(_LOCAL_STATE))
        env = {**os.environ, **given, "TF_DATA_DIR": data, "TF_IN_AUTOMATION": "1"}
        env.pop("TF_WORKSPACE", None)
        run("init", "-input=false", cwd=copy, env=env, hidden=variables.values())
        run("plan", "-input=false", "-out=plan", cwd=copy, env=env, hidden=variables.values())
        shown = run("show", "-json", "plan", cwd=copy, env=env, hidden=variables.values())
    found = parse_json(shown, f"what `{command()} show -json` printed")
    if not isinstance(found, dict):
        raise BridgeError(f"`{command()} show -json` printed no plan")
    return found


def run(*arguments: str, cwd: Path, env: Mapping[str, str], hidden: Iterable[Any] = ()) -> str:
    """Run a command of Terraform's in a folder and return what it prints.

    Args:
        arguments: the command's.
        cwd: the module's folder.
        env: the whole environment.
        hidden: values that no message may show.

    Raises:
        BridgeError: See `plan`.
    """
    name = command()
    try:
        done = subprocess.run(
            [name, *arguments] if arguments[0] == "show" else [name, *arguments, "-no-color"],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BridgeError(f"`{name} {arguments[0]}` did not end within {SECONDS} s") from None
    if done.returncode:
        said = _masked((done.stderr or done.stdout).strip(), hidden)
        raise BridgeError(f"`{name} {arguments[0]}` failed with exit code {done.returncode}: {said}")
    return done.stdout


def _masked(text: str, hidden: Iterable[Any]) -> str:
    for value in hidden:
        for secret in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else [value]:
            text = text.replace(str(secret), "(secret)") if str(secret) else text
    return text
