"""Rehearses an adoption in a stack of its own: of the same names, with a backend in memory that is gone afterwards.

The engine itself makes there what the real stack's state gets. The program is the text that its user will paste, so
what it gives in the rehearsal it gives in the program.
"""

import json
import runpy
from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.bridge.adopt import inside_rehearsal
from sagebridge.bridge.adopt.declare import Call
from sagebridge.bridge.adopt.program import Program
from sagebridge.bridge.stack.merge import with_generations
from sagebridge.bridge.stack.preview import changes
from sagebridge.errors import UserError
from sagebridge.scratch_stack import scratch_stack


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
    settings = {key: setting for key, setting in config.items() if key.startswith("aws:")}
    plain = {key: _value(setting) for key, setting in settings.items() if not setting.get("secret")}
    hidden = {key: str(setting["value"]) for key, setting in settings.items() if setting.get("secret")}
    with scratch_stack(project, stack, plain) as rehearsed:
        for key, value in {**hidden, **config_texts(program)}.items():
            rehearsed.run("config", "set", key, "--secret", stdin=value)

        main = rehearsed.folder / "__main__.py"
        main.write_text(program.text)

        def declare() -> None:
            runpy.run_path(str(main))

        def declare_imports() -> None:
            inside_rehearsal.register(_import_ids(calls))
            declare()

        rehearsed.run_with(declare_imports, "up", "--yes", "--skip-preview")
        generations = {name: identity for call in calls for name, identity in call.generations.items()}
        imported = with_generations(rehearsed.run("stack", "export", "--show-secrets"), generations)
        rehearsed.run("stack", "import", stdin=imported)
        if differences := changes(rehearsed.run_with(declare, "preview", "--json")):
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


def _value(setting: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON's types
    return setting.get("objectValue", setting["value"])
