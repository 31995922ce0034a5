"""The work of `export`: a stack → a folder with its module."""

from pathlib import Path
from typing import Any

from bridge import deployment, handoff, hcl, mapping, module, module_folder, pulumi, translation
from bridge.deployment import Stack
from bridge.translation import Export

_WRITERS = {"json": module.to_json, "hcl": hcl.to_hcl}


def read(stack: str) -> tuple[Stack, Export]:
    """Return a stack and what becomes of it.

    Raises:
        BridgeError: `pulumi` fails, or the stack cannot be exported as it is.
    """
    found = deployment.read(pulumi.export_stack(stack))
    known = pulumi.get_mapping(translation.plugin_version(found))
    return found, translation.translate(found, mapping.read(known, translation.wanted(found)))


def write(stack: Stack, found: Export, folder: Path, form: str) -> dict[str, Any]:
    """Write a stack's module into a folder, and return what the folder's manifest tells of it.

    Args:
        stack: the stack.
        found: what becomes of it.
        folder: a new one, an empty one, or one that this wrote.
        form: ``json`` or ``hcl``.

    Raises:
        BridgeError: The folder is something else, or cannot be written.
    """
    about = {
        "stack": stack.name,
        "project": stack.project,
        "time": stack.time,
        "imports": {address: one.id for address, one in found.imports.items()},
        "variables": {name: found.place(variable) for name, variable in found.variables.items()},
    }
    readme = handoff.readme(stack, found, str(folder))
    module_folder.write(folder, {module_folder.CODE[form]: _WRITERS[form](found.blocks), "README.md": readme}, about)
    return about
