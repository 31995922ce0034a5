"""The work of `export`: a stack → a folder with its module, which is known by its manifest."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.export import handover as handoff
from sagebridge.bridge.export import translate as translation
from sagebridge.bridge.export.translate import Export
from sagebridge.bridge.files import read_json, write_folder
from sagebridge.bridge.stack import cli as pulumi
from sagebridge.bridge.stack import mapping
from sagebridge.bridge.stack import state as deployment
from sagebridge.bridge.stack.state import Stack
from sagebridge.bridge.terraform import hcl as configuration

MANIFEST = "bridge.json"
FORMATS = {"json": ("main.tf.json", configuration.to_json), "hcl": ("main.tf", configuration.to_hcl)}
"""The file of the module, and what makes its text."""


@dataclass(frozen=True)
class Manifest:
    """What the bridge wrote into a folder.

    Attributes:
        stack: the stack's name.
        project: its project.
        time: when its state was written.
        imports: import IDs by address.
        variables: where in the stack a variable's value stands, by the variable's name.
        files: SHA-256 of the files by name.
    """

    stack: str
    project: str
    time: str
    imports: dict[str, str]
    variables: dict[str, str]
    files: dict[str, str]


def read_stack(stack: str) -> tuple[Stack, Export]:
    """Return a stack and what becomes of it.

    Raises:
        BridgeError: `pulumi` fails, or the stack cannot be exported as it is.
    """
    found = deployment.read(pulumi.export_stack(stack))
    known = pulumi.get_mapping(translation.plugin_version(found))
    return found, translation.translate(found, mapping.read(known, translation.wanted(found)))


def write(stack: Stack, found: Export, folder: Path, form: str) -> Manifest:
    """Write a stack's module into a folder, and return what its manifest tells of it.

    Args:
        stack: the stack.
        found: what becomes of it.
        folder: see `check`.
        form: one of `FORMATS`.

    Raises:
        BridgeError: The folder is refused, or cannot be written.
    """
    before = check(folder)
    name, text = FORMATS[form]
    files = {name: text(found.blocks), "README.md": handoff.readme(stack, found, str(folder))}
    manifest = Manifest(
        stack=stack.name,
        project=stack.project,
        time=stack.time,
        imports={address: one.id for address, one in found.imports.items()},
        variables={name: found.place(variable) for name, variable in found.variables.items()},
        files={name: hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() for name, text in files.items()},
    )
    write_folder(folder, {**files, MANIFEST: json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"})
    for other, _ in FORMATS.values():
        if before and other in before.files and other != name:
            (folder / other).unlink(missing_ok=True)
    return manifest


def check(folder: Path) -> Manifest | None:
    """Refuse a folder that something else may be lost in, and return the manifest of one that `write` made.

    One that is not there, an empty one, and one that `write` made are written to: of the latter, files that were added
    stay, and those that were changed are a reason to refuse.

    Raises:
        BridgeError: It is a file, is not the bridge's own, or files of the bridge's were changed in it.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    if not (folder / MANIFEST).is_file():
        raise BridgeError(
            f"{folder} is there and was not exported by the bridge, so it is not overwritten: name another"
        )
    manifest = read_manifest(folder)
    changed = [name for name, known in manifest.files.items() if _hash(folder / name) not in (None, known)]
    if changed:
        raise BridgeError(
            f"{', '.join(changed)} in {folder}: changed after the export, and would be overwritten. Move the changes to"
            " files of your own and remove it, or export into another folder"
        )
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an exported module.

    Raises:
        BridgeError: There is none, or it is none of the bridge's.
    """
    if not (folder / MANIFEST).is_file():
        raise BridgeError(f"{folder} is no module that `sagebridge export` wrote: it has no {MANIFEST}")
    found = read_json(folder / MANIFEST)
    try:
        manifest = Manifest(**found)
        named = [*manifest.imports.values(), *manifest.variables.values(), *manifest.files.values()]
        well = all(isinstance(text, str) for text in (manifest.stack, manifest.project, manifest.time, *named))
    except (TypeError, AttributeError):
        well = False
    if not well:
        raise BridgeError(f"{folder / MANIFEST} has another form than the bridge writes: export into another folder")
    return manifest


def _hash(file: Path) -> str | None:
    """Return a file's SHA-256, none where there is no file."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
