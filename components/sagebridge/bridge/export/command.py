"""The work of `sagebridge export`: from a stack to a folder with its module."""

from pathlib import Path
from typing import NamedTuple

from sagebridge.bridge.export.folder import Manifest, check_folder, write_module
from sagebridge.bridge.export.translate import Export, Names, aws_types, by_reason, plugin_version, translate
from sagebridge.bridge.stack.cli import export_stack, get_mapping
from sagebridge.bridge.stack.mapping import parse_mapping
from sagebridge.bridge.stack.state import Stack, parse_stack
from sagebridge.errors import UserError


class Exported(NamedTuple):
    """A stack, the same as Terraform's, and what was written of it."""

    stack: Stack
    export: Export
    manifest: Manifest


def export_module(stack: str, folder: Path, form: str) -> Exported:
    """Exports a stack into a folder.

    Args:
        stack: The stack's name.
        folder: The folder; see `check_folder`.
        form: One of `FORMATS`.

    Raises:
        UserError: The folder is refused or cannot be written, or see `translate_stack`.
    """
    previous = check_folder(folder)
    state, export = translate_stack(stack, previous.names if previous else Names())
    return Exported(state, export, write_module(state, export, folder, form, previous))


def translate_stack(stack: str, earlier: Names) -> tuple[Stack, Export]:
    """Returns a stack's state, and the stack as Terraform's.

    Args:
        stack: The stack's name.
        earlier: The names of an earlier export.

    Raises:
        UserError: `pulumi` fails, or the stack cannot be exported as it is or has nothing to export.
    """
    state = parse_stack(export_stack(stack))
    mapping = parse_mapping(get_mapping(plugin_version(state)), aws_types(state))
    export = translate(state, mapping, earlier)
    if not export.imports:
        heading = f"the stack {stack} has no resource that Terraform can import"
        raise UserError("\n- ".join([heading, *by_reason(export.not_carried)]))
    return state, export
