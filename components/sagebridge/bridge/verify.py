"""The proofs that Terraform gives: of an exported module, and of a stack's outputs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagebridge.bridge import outputs as stack_outputs
from sagebridge.bridge import scratch
from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.export import command as export
from sagebridge.bridge.export.translate import Export
from sagebridge.bridge.outputs import ORIGIN
from sagebridge.bridge.stack import cli as pulumi
from sagebridge.bridge.stack import state as deployment
from sagebridge.bridge.terraform import cli as terraform
from sagebridge.bridge.terraform import plan
from sagebridge.bridge.terraform.location import Location

_READ = "read"


def module(stack: str, folder: Path) -> list[str]:
    """Return what is against a module: that it imports every resource of the stack as it is, and nothing else.

    Args:
        stack: the stack that it was exported from; secrets for the module's variables are read from it.
        folder: the module's.

    Raises:
        BridgeError: It is no exported module, it is another stack's, the stack no longer has one of its secrets, or
            Terraform refuses it.
    """
    manifest = export.read_manifest(folder)
    terraform.command()  # missing, it is better said at once
    now, found = export.read_stack(stack)
    if (manifest.project, manifest.stack) != (now.project, now.name):
        raise BridgeError(
            f"{folder} was exported from {manifest.project}/{manifest.stack}, not {now.project}/{now.name}"
        )
    values = {found.place(variable): variable.value for variable in found.variables.values()}
    if missing := [name for name, place in manifest.variables.items() if place not in values]:
        raise BridgeError(f"the stack {stack} has no value any more for {', '.join(missing)}: export it again")
    given = {name: values[place] for name, place in manifest.variables.items()}
    planned = plan.verdict(terraform.plan(folder, given), manifest.imports)
    return [*outdated(manifest.imports, found), *map(str, planned)]


def outdated(imports: Mapping[str, str], found: Export) -> list[str]:
    """Return how what a module imports is not what the stack has by now.

    Args:
        imports: the module's, IDs by address.
        found: what would be exported now.
    """
    now = {address: one.id for address, one in found.imports.items()}
    lines = {
        **{address: "is not the stack's any more" for address in imports if address not in now},
        **{address: "is the stack's by now, and not in the module" for address in now if address not in imports},
        **{a: f"is {now[a]} by now, not {id_}" for a, id_ in imports.items() if now.get(a, id_) != id_},
    }
    return [f"{address}: {what}: export it again" for address, what in lines.items()]


def outputs(stack: str, location: Location) -> list[str]:
    """Return how what Terraform reads at a place is not what the stack's outputs are now.

    Secret outputs count if the state has them: they were asked for.

    Raises:
        BridgeError: There is no state, or it cannot be read.
    """
    text = location.read()
    if text is None:
        raise BridgeError(f"there is no Terraform state {location}: `sagebridge outputs` writes it")
    found = deployment.read(pulumi.export_stack(stack))
    asked = [name for name in stack_outputs.sensitive(text, str(location)) if name in found.outputs]
    return differences(stack_outputs.carried(found, asked).outputs, *_read(location))


def _read(location: Location) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let Terraform read a state's outputs; return their values and their types."""
    backend, config = location.backend()
    document = {
        "data": {"terraform_remote_state": {"stack": {"backend": backend, "config": config}}},
        "output": {_READ: {"value": "${data.terraform_remote_state.stack.outputs}", "sensitive": True}},
    }
    with scratch.folder() as folder:
        (folder / "main.tf.json").write_text(json.dumps(document), encoding="utf-8")
        planned = terraform.plan(folder, {})
    found = planned["planned_values"]["outputs"][_READ]
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
