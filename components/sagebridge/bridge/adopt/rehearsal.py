"""Rehearses an adoption in a stack of its own: of the same names, with a backend in memory that is gone afterwards.

The engine itself makes there what the real stack's state gets. The program is the text that its user will paste, so
what it gives in the rehearsal it gives in the program. It runs in this process: Pulumi's host for Python would start
an interpreter, and list all packages with pip, for each command.
"""

import json
import os
import runpy
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sagebridge import _sdk
from sagebridge.bridge.adopt import inside_rehearsal
from sagebridge.bridge.adopt.declare import Call
from sagebridge.bridge.adopt.program import Program
from sagebridge.bridge.stack.merge import with_generations
from sagebridge.bridge.stack.preview import changes
from sagebridge.errors import UserError
from sagebridge.pulumi_cli import run_pulumi
from sagebridge.scratch import scratch_folder

_NOT_INHERITED = {"PULUMI_STACK", "PULUMI_CONFIG", "PULUMI_CONFIG_PASSPHRASE_FILE"}


def rehearse(
    stack: str, project: str, config: Mapping[str, Mapping[str, Any]], program: Program, calls: Sequence[Call]
) -> str:
    """Imports endpoints into a stack of its own, and returns its export, secrets in clear.

    Nothing in AWS changes, but that scheduled actions, which have no import, are put anew as they are.

    Args:
        stack: The stack's name.
        project: Its project's name.
        config: Its configuration, as `pulumi config --json --show-secrets` tells it.
        program: The program.
        calls: The calls in it.

    Raises:
        UserError: The import fails, or the program would change something after it.
    """
    with scratch_folder() as folder:
        (folder / "state").mkdir()
        env = _environment(folder / "state")
        in_folder = partial(run_pulumi, cwd=folder, env=env)

        def run(*arguments: str, stdin: str = "") -> str:
            return in_folder(*arguments, "--stack", stack, stdin=stdin)

        settings = {key: setting for key, setting in config.items() if key.startswith("aws:")}
        plain = {key: _value(setting) for key, setting in settings.items() if not setting.get("secret")}
        hidden = {key: str(setting["value"]) for key, setting in settings.items() if setting.get("secret")}
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": project, "runtime": {"name": "python"}}))
        (folder / f"Pulumi.{stack}.yaml").write_text(json.dumps({"config": plain}))
        in_folder("stack", "init", stack)
        for key, value in {**hidden, **config_texts(program)}.items():
            run("config", "set", key, "--secret", stdin=value)

        main = folder / "__main__.py"
        main.write_text(program.text)

        def declare() -> None:
            runpy.run_path(str(main))

        def declare_imports() -> None:
            inside_rehearsal.register(_import_ids(calls))
            declare()

        with _sdk.serving(declare_imports) as in_this_process:
            run("up", "--yes", "--skip-preview", in_this_process)
        generations = {name: identity for call in calls for name, identity in call.generations.items()}
        imported = with_generations(run("stack", "export", "--show-secrets"), generations)
        run("stack", "import", stdin=imported)
        with _sdk.serving(declare) as in_this_process:
            preview = run("preview", "--json", in_this_process)
        if differences := changes(preview):
            raise UserError(
                "\n- ".join(["the call would change what Terraform made, so nothing was adopted:", *differences])
                + "\nRun `terraform apply` until a plan is empty; if it is empty already, this is a fault of the bridge"
            )
        return imported  # as a preview changes no state


def config_texts(program: Program) -> dict[str, str]:
    """Returns a program's secrets as the configuration keeps them."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in program.secrets.items()}


def _import_ids(calls: Sequence[Call]) -> dict[str, str | None]:
    """Returns the import IDs of all that calls declare; see `inside_rehearsal.register`."""
    import_ids: dict[str, str | None] = {}
    for call in calls:
        import_ids |= {" ".join(key): import_id for key, import_id in call.imports.items()}
        import_ids |= dict.fromkeys(map(" ".join, call.made))
    return import_ids


def _environment(backend: Path) -> dict[str, str]:
    """Returns the environment of the rehearsal's commands."""
    return {
        **{name: value for name, value in os.environ.items() if name not in _NOT_INHERITED},
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
    }


def _value(setting: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON's types
    return setting.get("objectValue", setting["value"])
