"""Runs `terraform`, or OpenTofu's `tofu` where there is no `terraform`."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sagebridge import processes
from sagebridge.bridge.documents import parse_json
from sagebridge.bridge.secret import Secret, secret_texts
from sagebridge.bridge.terraform.blocks import template_literal
from sagebridge.bridge.terraform.provider_version import LOCK_FILE, explain_provider
from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.scratch import scratch_folder

_KEPT = re.compile(r"TF_(CLI_CONFIG_FILE|PLUGIN_CACHE_\w+|PROVIDER_DOWNLOAD_RETRY|REGISTRY_\w+|TOKEN_\w+|VAR_\w+)")
"""What Terraform may read of the environment: how it gets providers, and the values of variables.

The rest changes what a plan is, such as `TF_CLI_ARGS_plan`, or what is printed, such as `TF_LOG`.
"""

SECONDS = 900
"""The longest that a command may take: the first `init` downloads the provider, a plan reads every resource."""

_NOT_COPIED = shutil.ignore_patterns(".terraform", "*.tfstate", "*.tfstate.*", ".git", "crash.log")
_LOCAL_STATE = {"terraform": {"backend": {"local": {"path": "scratch.tfstate"}}}}


def terraform_command() -> str:
    """Returns the command's name.

    Raises:
        UserError: Neither command is on the PATH.
    """
    command = next((name for name in ("terraform", "tofu") if shutil.which(name)), None)
    if command is None:
        raise UserError('neither terraform nor tofu is on the PATH; eval "$(make -s env)" puts one there')
    return command


def plan_copy(module: Path, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the plan, as JSON, of a copy of a root module, as if nothing had been imported yet.

    The copy has a local, empty state: neither the module's backend nor its lock is touched.

    Args:
        module: The module's folder.
        variables: Values in clear by name; they reach Terraform through its environment.

    Raises:
        UserError: Terraform is missing, refuses the module (the message is its own, without those values, unless its
            AWS provider is of another version than the module needs), or takes over 900 s.
    """
    texts = {  # Terraform takes what is no text for an expression
        name: value if isinstance(value, str) else template_literal(json.dumps(value))
        for name, value in variables.items()
    }
    # A plan holds values in clear, so it stays in memory; a provider is large and no secret.
    with scratch_folder() as scratch, tempfile.TemporaryDirectory() as data:
        copy = scratch / "module"
        try:
            shutil.copytree(module, copy, ignore=_NOT_COPIED)
        except (OSError, shutil.Error):
            raise UserError(f"{module} cannot be read: name the folder of an exported module") from None
        write_file(copy / "bridge_override.tf.json", json.dumps(_LOCAL_STATE))
        env = {name: value for name, value in os.environ.items() if not name.startswith("TF_") or _KEPT.fullmatch(name)}
        env |= {
            "TF_DATA_DIR": data,
            "TF_IN_AUTOMATION": "1",
            **{f"TF_VAR_{name}": text for name, text in texts.items()},
        }

        def explain(message: str) -> str:
            lock_file = copy / LOCK_FILE
            text = lock_file.read_text(encoding="utf-8") if lock_file.exists() else ""
            return masked(explain_provider(message, module, terraform_command(), text), variables.values())

        run = partial(_run_terraform, cwd=copy, env=env, explain=explain)
        run("init", "-input=false", "-no-color")
        run("plan", "-input=false", "-no-color", "-out=plan")
        document = parse_json(run("show", "-json", "plan"), "what `terraform show -json` printed")
    if not isinstance(document, dict):
        raise UserError("`terraform show -json` printed no plan")
    return document


def _run_terraform(*arguments: str, cwd: Path, env: Mapping[str, str], explain: Callable[[str], str]) -> str:
    """Runs `terraform` and returns what it prints.

    Args:
        arguments: The command's arguments.
        cwd: The module's folder.
        env: All of the environment.
        explain: Turns what a command that failed has printed into what the message says of it.
    """
    command = terraform_command()
    return processes.run(
        [command, *arguments],
        seconds=SECONDS,
        shown=f"{command} {arguments[0]}",
        cwd=cwd,
        env=env,
        explain=explain,
    )


def masked(message: str, hidden: Iterable[Any]) -> str:
    """Returns a message without the texts of values, as they are or as they stand in JSON.

    A provider repeats them where nothing says that they are secret, such as a secret tag in `tags_all`.
    """
    texts = {form for text in secret_texts(Secret(list(hidden))) for form in (text, json.dumps(text)[1:-1])}
    for text in sorted(texts, key=len, reverse=True):
        message = message.replace(text, "(secret)")
    return message
