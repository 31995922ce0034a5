"""The proof that an exported module changes nothing."""

from pathlib import Path

from bridge import export, module_folder, plan, terraform
from bridge.errors import BridgeError


def module(folder: Path, stack: str) -> list[str]:
    """Return what is against a module: that it imports every resource of the stack as it is, and nothing else.

    Args:
        folder: the module's.
        stack: the stack that it was exported from; its secrets are read where the module has variables for them.

    Raises:
        BridgeError: It is no exported module, the stack no longer has one of its secrets, or Terraform refuses it.
    """
    manifest = module_folder.read(folder)
    values = _secrets(manifest.variables, stack) if manifest.variables else {}
    return [str(one) for one in plan.verdict(terraform.plan(folder, values), manifest.imports)]


def _secrets(names: dict[str, str], stack: str) -> dict[str, object]:
    """Return the values of a module's variables, which its manifest names by where they stand in the stack."""
    _, found = export.read(stack)
    values = {found.place(variable): variable.value for variable in found.variables.values()}
    if missing := [name for name, place in names.items() if place not in values]:
        raise BridgeError(f"the stack {stack} has no value any more for {', '.join(missing)}: export it again")
    return {name: values[place] for name, place in names.items()}
