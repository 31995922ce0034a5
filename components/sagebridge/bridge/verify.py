"""The work of `sagebridge verify`: proofs that nothing would change."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagebridge.bridge.export.command import translate_stack
from sagebridge.bridge.export.folder import read_manifest
from sagebridge.bridge.export.translate import Export
from sagebridge.bridge.outputs import ORIGIN, sensitive_outputs, state_outputs
from sagebridge.bridge.stack.cli import export_stack
from sagebridge.bridge.stack.preview import changes
from sagebridge.bridge.stack.state import parse_stack
from sagebridge.bridge.terraform.cli import masked, plan_copy, terraform_command
from sagebridge.bridge.terraform.plan import plan_differences
from sagebridge.bridge.terraform.storage import StateStorage
from sagebridge.errors import UserError
from sagebridge.pulumi_cli import run_pulumi
from sagebridge.scratch import scratch_folder

_READ = "read"
"""The output of the module that lets Terraform read a state."""


def verify_stack(stack: str) -> list[str]:
    """Returns what a preview of a stack would change.

    Raises:
        UserError: `pulumi` fails.
    """
    return changes(run_pulumi("preview", "--json", "--stack", stack))


def verify_module(stack: str, folder: Path) -> list[str]:
    """Returns how a module is not one that imports every resource of a stack as it is, and nothing else.

    Args:
        stack: The stack that it was exported from; secrets for the module's variables are read from it.
        folder: The module's folder.

    Raises:
        UserError: The folder is not an exported module, is another stack's, has a variable for a secret that the stack
            has no more, or Terraform refuses it.
    """
    manifest = read_manifest(folder)
    terraform_command()  # where it is missing, that is better said at once
    state, export = translate_stack(stack, manifest.names)
    if (manifest.project, manifest.stack) != (state.project, state.name):
        raise UserError(
            f"{folder} was exported from {manifest.project}/{manifest.stack}, not {state.project}/{state.name}"
        )
    values = {export.origin(variable): variable.value for variable in export.variables.values()}
    if missing := [name for name, origin in manifest.variables.items() if origin not in values]:
        raise UserError(f"the stack {stack} no longer has a value for {', '.join(missing)}: export it again")
    variables = {name: values[origin] for name, origin in manifest.variables.items()}
    plan = plan_copy(folder, variables)
    differences = [
        masked(str(difference), variables.values()) for difference in plan_differences(plan, manifest.imports)
    ]
    return [*outdated_imports(manifest.imports, export), *differences]


def outdated_imports(imports: Mapping[str, str], export: Export) -> list[str]:
    """Returns how what a module imports is not what the stack has by now.

    Args:
        imports: The module's import IDs by address.
        export: The stack as it would be exported now.
    """
    current = {address: imported.id for address, imported in export.imports.items()}
    lines = {
        **{address: "is not the stack's any more" for address in imports if address not in current},
        **{address: "is the stack's by now, and not in the module" for address in current if address not in imports},
        **{
            address: f"is {current[address]} by now, not {identity}"
            for address, identity in imports.items()
            if current.get(address, identity) != identity
        },
    }
    return [f"{address}: {line}: export it again" for address, line in lines.items()]


def verify_outputs(stack: str, storage: StateStorage) -> list[str]:
    """Returns how what Terraform reads of a state is not what the stack's outputs are now.

    Secret outputs count if the state has them: they were asked for.

    Args:
        stack: The stack's name.
        storage: Where the state is.

    Raises:
        UserError: There is no state, or it cannot be read.
    """
    text = storage.read()
    if text is None:
        raise UserError(f"there is no Terraform state {storage}: `sagebridge outputs` writes it")
    state = parse_stack(export_stack(stack))
    secrets = [name for name in sensitive_outputs(text, str(storage)) if name in state.outputs]
    return output_differences(state_outputs(state, secrets).outputs, *_read_by_terraform(storage))


def _read_by_terraform(storage: StateStorage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the values and the types of a state's outputs, as Terraform reads them."""
    backend, config = storage.backend()
    document = {
        "data": {"terraform_remote_state": {"stack": {"backend": backend, "config": config}}},
        "output": {_READ: {"value": "${data.terraform_remote_state.stack.outputs}", "sensitive": True}},
    }
    with scratch_folder() as folder:
        (folder / "main.tf.json").write_text(json.dumps(document), encoding="utf-8")
        plan = plan_copy(folder, {})
    output = plan["planned_values"]["outputs"][_READ]
    return output["value"], output["type"][1]


def output_differences(
    expected: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any], types: Mapping[str, Any]
) -> list[str]:
    """Returns how what Terraform read is not what the stack has; values are not shown.

    Args:
        expected: The outputs that a state of the stack would have now; see `state_outputs`.
        values: What Terraform read, by name.
        types: The values' types as cty writes them.
    """
    differences = []
    for name in sorted(expected.keys() | values.keys()):
        if name not in values:
            differences.append(f"{name}: Terraform does not read it")
        elif name not in expected:
            differences.append(f"{name}: the stack does not have it, or it is a secret now")
        elif types[name] != expected[name]["type"]:
            kinds = json.dumps(types[name]), json.dumps(expected[name]["type"])
            differences.append(f"{name}: its type is {kinds[0]}, not {kinds[1]}")
        elif not _same(values[name], expected[name]["value"]):
            differences.append(f"{name}: " + ("of another update" if name == ORIGIN else "its value is another"))
    return differences


def _same(read: Any, written: Any) -> bool:  # noqa: ANN401 - JSON's types
    """Tells whether two values are equal; numbers are, if they are the same one in 64 bits, as Pulumi has them."""
    if isinstance(read, Mapping) and isinstance(written, Mapping):
        return read.keys() == written.keys() and all(_same(item, written[name]) for name, item in read.items())
    if isinstance(read, list) and isinstance(written, list):
        return len(read) == len(written) and all(map(_same, read, written))
    if isinstance(read, int | float) and isinstance(written, int | float):
        return float(read) == float(written) and isinstance(read, bool) == isinstance(written, bool)
    return bool(read == written)
