"""Whether Terraform itself reads a stack's outputs back, each with its type."""

import json
from typing import Any

from bridge import deployment, outputs, pulumi, scratch, terraform
from bridge.errors import BridgeError
from bridge.location import Location
from bridge.outputs import ORIGIN

READ = "read"


def verify(stack: str, location: Location) -> list[str]:
    """Return how what Terraform reads is not what the stack has now.

    Secret outputs count if the state has them: they were asked for.

    Raises:
        BridgeError: There is no state, or it cannot be read.
    """
    text = location.read()
    if text is None:
        raise BridgeError(f"there is no Terraform state {location}: `python -m bridge outputs` writes it")
    found = deployment.read(pulumi.export_stack(stack))
    asked = [name for name in outputs.sensitive(text, str(location)) if name in found.outputs]
    return differences(outputs.carried(found, asked).outputs, *read(location))


def module(location: Location) -> str:
    """Return a root module that reads all outputs of a state, as `.tf.json`."""
    backend, config = location.backend()
    document = {
        "data": {"terraform_remote_state": {"stack": {"backend": backend, "config": config}}},
        "output": {READ: {"value": "${data.terraform_remote_state.stack.outputs}", "sensitive": True}},
    }
    return json.dumps(document, indent=2)


def read(location: Location) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let Terraform read a state's outputs; return their values and their types.

    Raises:
        BridgeError: Terraform cannot; says why.
    """
    with scratch.folder() as folder:
        (folder / "main.tf.json").write_text(module(location), encoding="utf-8")
        planned = terraform.plan(folder, {})
    found = planned["planned_values"]["outputs"][READ]
    return found["value"], found["type"][1]


def differences(expected: dict[str, dict[str, Any]], values: dict[str, Any], types: dict[str, Any]) -> list[str]:
    """Return how what Terraform read is not what the stack has; values are not shown.

    Args:
        expected: the outputs that a state of the stack has now; see `outputs.carried`.
        values: what Terraform read, by name.
        types: their types as cty writes them.
    """
    found = []
    for name in sorted(expected.keys() | values.keys()):
        if name not in values:
            found.append(f"{name}: Terraform does not read it")
        elif name not in expected:
            found.append(f"{name}: the stack does not have it, or it is a secret now")
        elif types[name] != expected[name]["type"]:
            found.append(f"{name}: its type is {json.dumps(types[name])}, not {json.dumps(expected[name]['type'])}")
        elif values[name] != expected[name]["value"]:
            found.append(f"{name}: " + ("another update's" if name == ORIGIN else "its value is another"))
    return found
