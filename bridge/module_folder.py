"""The folder of an exported module: what stands in it, and how it is known to be the bridge's own."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError
from bridge.files import read_json, write_folder

MANIFEST = "bridge.json"
CODE = {"json": "main.tf.json", "hcl": "main.tf"}
"""The file of the module by format."""


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


def read(folder: Path) -> Manifest:
    """Read the manifest of an exported module.

    Raises:
        BridgeError: There is none, or it is none of the bridge's.
    """
    if not (folder / MANIFEST).is_file():
        raise BridgeError(f"{folder} is no module that `python -m bridge export` wrote: it has no {MANIFEST}")
    found = read_json(folder / MANIFEST)
    texts = ("stack", "project", "time")
    maps = ("imports", "variables", "files")
    if (
        not isinstance(found, dict)
        or not all(isinstance(found.get(name), str) for name in texts)
        or not all(_is_texts(found.get(name)) for name in maps)
    ):
        raise BridgeError(f"{folder / MANIFEST} has another form than the bridge writes: export into another folder")
    return Manifest(**{name: found[name] for name in (*texts, *maps)})


def _is_texts(value: Any) -> bool:  # noqa: ANN401 - JSON's types
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def check(folder: Path) -> None:
    """Refuse a folder that something else may be lost in.

    One that is not there, an empty one, and one that `write` made are written to: of the latter, files that were added
    stay, and those that were changed are a reason to refuse.

    Raises:
        BridgeError: It is a file, is not the bridge's own, or files of the bridge's were changed in it.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        raise BridgeError(
            f"{folder} is there and was not exported by the bridge, so it is not overwritten: name another"
        )
    changed = [
        name
        for name, known in read(folder).files.items()
        if (folder / name).is_file() and _hash(folder / name) != known
    ]
    if changed:
        raise BridgeError(
            f"{', '.join(changed)} in {folder}: changed after the export, and would be overwritten. Move the changes to"
            " files of your own and remove it, or export into another folder"
        )


def write(folder: Path, files: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Write a module; `check` comes first.

    Args:
        folder: where to.
        files: texts by name.
        about: the manifest without its files.

    Raises:
        BridgeError: It cannot be written.
    """
    check(folder)
    before = read(folder).files if (folder / MANIFEST).is_file() else {}
    hashes = {name: hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() for name, text in files.items()}
    manifest = json.dumps({**about, "files": hashes}, indent=2, ensure_ascii=False) + "\n"
    write_folder(folder, {**files, MANIFEST: manifest})
    for name in before.keys() - files.keys():  # the other format's
        if name in (*CODE.values(), "README.md"):
            (folder / name).unlink(missing_ok=True)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
