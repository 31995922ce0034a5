"""The folder of an exported module: known by its manifest, and never written over what someone else put there."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sagebridge.bridge.documents import read_json
from sagebridge.bridge.export import handover
from sagebridge.bridge.export.translate import Export, Names
from sagebridge.bridge.stack.state import Stack
from sagebridge.bridge.terraform.hcl import to_hcl
from sagebridge.bridge.terraform.tf_json import to_json
from sagebridge.errors import UserError
from sagebridge.files import write_folder

MANIFEST = "bridge.json"
FORMATS = ("json", "hcl")
"""The forms that a module can have: one file that Terraform reads as JSON, or files of HCL."""
_FILES = {
    "terraform": "terraform.tf",
    "provider": "providers.tf",
    "variable": "variables.tf",
    "resource": "main.tf",
    "import": "imports.tf",
}
"""The file of each kind of block in HCL, as HashiCorp's style guide names them."""


@dataclass(frozen=True)
class Manifest:
    """What the bridge has written into a folder."""

    stack: str
    """The stack's name."""
    project: str
    """Its project's name."""
    time: str
    """When its state was written."""
    imports: dict[str, str]
    """Import IDs by address."""
    variables: dict[str, str]
    """Where in the stack a variable's value is, by the variable's name."""
    files: dict[str, str]
    """SHA-256 of the files by name."""
    urns: dict[str, str] = field(default_factory=dict)
    """URNs by address; what an earlier version of the bridge wrote has none."""

    @property
    def names(self) -> Names:
        """The names in the module, which another export keeps."""
        return Names(
            {urn: address for address, urn in self.urns.items()},
            {origin: name for name, origin in self.variables.items()},
        )


def write_module(stack: Stack, export: Export, folder: Path, form: str, previous: Manifest | None) -> Manifest:
    """Writes a stack's module into a folder, and returns its manifest.

    Args:
        stack: The stack.
        export: The stack as Terraform's.
        folder: The folder.
        form: One of `FORMATS`.
        previous: What `check_folder` returned of the folder.

    Raises:
        UserError: The folder cannot be written.
    """
    texts = _texts(export, form) | {"README.md": handover.readme(stack, export, str(folder))}
    manifest = Manifest(
        stack=stack.name,
        project=stack.project,
        time=stack.time,
        imports={address: imported.id for address, imported in export.imports.items()},
        urns={address: imported.urn for address, imported in export.imports.items()},
        variables={name: export.origin(variable) for name, variable in export.variables.items()},
        files={name: _sha256(text.encode(errors="surrogatepass")) for name, text in texts.items()},
    )
    write_folder(folder, {**texts, MANIFEST: json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"})
    for outdated in previous.files.keys() - texts.keys() if previous else ():
        (folder / outdated).unlink(missing_ok=True)
    return manifest


def _texts(export: Export, form: str) -> dict[str, str]:
    """Returns the texts of the module's files in a form, by name."""
    if form == "json":
        return {"main.tf.json": to_json(export.blocks)}
    files = {file: [block for block in export.blocks if block.labels[0] == kind] for kind, file in _FILES.items()}
    return {file: to_hcl(blocks) for file, blocks in files.items() if blocks}


def check_folder(folder: Path) -> Manifest | None:
    """Returns the manifest of the module in a folder; `None` if the folder is empty or not there yet.

    An export may write over its own files. Other files stay.

    Raises:
        UserError: It is a file, holds something else than an exported module, or files of the module were changed.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder} was not exported by the bridge, so it is not overwritten: name another folder")
    manifest = read_manifest(folder)
    changed = [
        name
        for name, sha256 in manifest.files.items()
        if (folder / name).is_file() and _sha256((folder / name).read_bytes()) != sha256
    ]
    if changed:
        raise UserError(
            f"{', '.join(changed)} in {folder}: changed after the export, and would be overwritten. Move the changes to"
            " files of your own and remove it, or export into another folder"
        )
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of an exported module.

    Raises:
        UserError: There is no manifest, or it has another form.
    """
    if not (folder / MANIFEST).is_file():
        raise UserError(f"{folder} is not a module that `sagebridge export` wrote: it has no {MANIFEST}")
    document = read_json(folder / MANIFEST)
    try:
        manifest = Manifest(**document)
        inner = [
            *manifest.imports.values(),
            *manifest.variables.values(),
            *manifest.files.values(),
            *manifest.urns.values(),
        ]
        valid = all(isinstance(text, str) for text in (manifest.stack, manifest.project, manifest.time, *inner))
    except (TypeError, AttributeError):
        valid = False
    if not valid:
        raise UserError(f"{folder / MANIFEST} has another form than the bridge writes: export into another folder")
    return manifest


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
