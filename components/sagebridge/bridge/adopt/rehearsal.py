"""An adoption, rehearsed in a stack of its own: of the same names, with a backend in memory that is gone afterwards.

The engine itself makes there what the real stack's state gets. The program is the text that its user will paste, so
what it gives in the rehearsal it gives in the program.
"""

import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sagebridge.bridge import scratch
from sagebridge.bridge.adopt import inside_rehearsal as importing
from sagebridge.bridge.adopt.compare import Call
from sagebridge.bridge.adopt.program import Source
from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.stack import cli as pulumi
from sagebridge.bridge.stack import merge as merging
from sagebridge.bridge.stack import preview


def rehearse(
    stack: str, project: str, config: Mapping[str, Mapping[str, Any]], source: Source, calls: Sequence[Call]
) -> str:
    """Import endpoints into a stack of its own, and return its export, secrets in clear.

    Nothing in AWS changes, but that scheduled actions, which have no import, are put anew as they are.

    Args:
        stack: the stack's name.
        project: its project's.
        config: its configuration, as ``pulumi config --json --show-secrets`` tells it.
        source: the program.
        calls: the calls in it.

    Raises:
        BridgeError: The import fails, or the program would change something after it.
    """
    ids: dict[str, str | None] = {
        " ".join(key): identifier for call in calls for key, identifier in call.imports.items()
    }
    ids |= {" ".join(key): None for call in calls for key in call.made}
    with scratch.folder() as folder:
        (folder / "state").mkdir()
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("PULUMI_STACK", "PULUMI_CONFIG")},
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            importing.VARIABLE: json.dumps(ids),
        }
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)

        def run(*arguments: str, stdin: str | None = None) -> str:
            return pulumi.run(*arguments, "--stack", stack, cwd=folder, env=environment, stdin=stdin)

        (folder / "Pulumi.yaml").write_text(json.dumps({"name": project, "runtime": {"name": "python"}}))
        plain = {key: _value(item) for key, item in config.items() if key.startswith("aws:") and not item.get("secret")}
        (folder / f"Pulumi.{stack}.yaml").write_text(json.dumps({"config": plain}))
        pulumi.run("stack", "init", stack, cwd=folder, env=environment)
        hidden = {
            key: str(item["value"]) for key, item in config.items() if key.startswith("aws:") and item.get("secret")
        }
        for key, value in {**hidden, **texts(source)}.items():
            run("config", "set", key, "--secret", stdin=value)

        program = folder / "__main__.py"
        register = "from sagebridge.bridge.adopt import inside_rehearsal\n\ninside_rehearsal.register()\n"
        program.write_text(register + source.text)
        run("up", "--yes", "--skip-preview")
        generations = {f"{call.name}-generation": call.generation for call in calls}
        run("stack", "import", stdin=merging.with_generations(run("stack", "export", "--show-secrets"), generations))
        program.write_text(source.text)
        if found := preview.differences(run("preview", "--json")):
            raise BridgeError(
                "\n- ".join(["the call would change what Terraform made, so nothing was adopted:", *found])
                + "\nRun `terraform apply` until a plan is empty; if it is, this is a fault of the bridge"
            )
        return run("stack", "export", "--show-secrets")


def texts(source: Source) -> dict[str, str]:
    """Return a program's secrets as the configuration keeps them."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in source.secrets.items()}


def _value(item: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON's types
    return item.get("objectValue", item["value"])
