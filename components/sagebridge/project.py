"""The Pulumi project of the current folder: which one it is, and where its program runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sagebridge.errors import UserError

_FILES = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
_QUALIFIED = 3
"""The number of parts of a stack's full name, organization/project/stack."""


@dataclass(frozen=True)
class Project:
    """A Pulumi project."""

    name: str
    """The name, which is also the namespace of its configuration."""
    program_folder: Path
    """The folder that its program runs in, to which the program's relative paths refer."""
    config: dict[str, Any]
    """The section `config` of the project's file: what it says of each key."""


def find_project_file(folder: Path) -> Path | None:
    """Returns the file of the project that an absolute folder is in, as `pulumi` finds it, or None if there is none."""
    files = (around / name for around in (folder, *folder.parents) for name in _FILES)
    return next((file for file in files if file.is_file()), None)


def find_project(folder: Path | None = None) -> Project:
    """Returns the project of a folder, which is looked for as `pulumi` does: there, and in the folders around it.

    Args:
        folder: The folder. Default is the current one.

    Raises:
        UserError: There is none, or its file cannot be read or has no name.
    """
    start = (folder or Path()).resolve()
    file = find_project_file(start)
    if file is None:
        raise UserError(
            f"there is no Pulumi.yaml in {start} or in a folder around it:"
            " start the command in a Pulumi project's folder, or name that with `sagebridge -C DIRECTORY`"
        )
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{file} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict) or not isinstance(settings.get("name"), str):
        raise UserError(f"{file} does not say the project's name: add a line `name: NAME`")
    main = (file.parent / str(settings.get("main") or ".")).resolve()
    program_folder = main if main.is_dir() else main.parent
    return Project(settings["name"], program_folder, settings.get("config") or {})


def project_of(stack: str) -> Project:
    """Returns the project of the current folder, in which a command is to change or read a stack's configuration.

    Raises:
        UserError: The stack's full name names another project; or see `find_project`.
    """
    project = find_project()
    name = _project_name(stack)
    if name not in (None, project.name):
        raise UserError(
            f"the stack {stack} is not one of the project {project.name}, in whose folder the command works:"
            f" start it in the folder of the project {name}, or name that with `sagebridge -C DIRECTORY`"
        )
    return project


def title(stack: str) -> str:
    """Returns which project and stack a command works on, for a person.

    Raises:
        UserError: The stack's name does not name its project; and see `find_project`.
    """
    name = _project_name(stack) or find_project().name
    return f"project {name}, stack {stack.rpartition('/')[2]}"


def _project_name(stack: str) -> str | None:
    """Returns the project that a stack's full name names; None if the name is a short one."""
    parts = stack.split("/")
    return parts[1] if len(parts) == _QUALIFIED else None
