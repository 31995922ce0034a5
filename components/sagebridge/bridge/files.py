"""Files and folders, written whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagebridge.bridge.errors import BridgeError

PRIVATE = 0o600
PUBLIC = 0o644


def read_json(path: Path) -> Any:  # noqa: ANN401 - what stands in a file has any type
    """Read a JSON file.

    Raises:
        BridgeError: It is not there, cannot be read, or is not (or only the beginning of) JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BridgeError(f"{path} cannot be read: {_reason(error)}") from error
    return parse_json(text, str(path))


def parse_json(text: str, where: str) -> Any:  # noqa: ANN401 - what stands in a file has any type
    """Parse JSON; ``where`` names it in the message, which has nothing of its content.

    Raises:
        BridgeError: It is no JSON, or only the beginning of some.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BridgeError(f"{where} is not whole JSON{at}: make it anew") from None


def write_file(path: Path, text: str, mode: int = PUBLIC) -> None:
    """Write a file whole or not at all, with its mode from the first moment on.

    Raises:
        BridgeError: It cannot be written there.
    """
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise BridgeError(f"{path} cannot be written: {_reason(error)}") from error


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder; a folder that is not there yet appears whole or not at all.

    In one that is there, every file is written beside its place before the first takes it, and what else stands there
    is left alone.

    Raises:
        BridgeError: It cannot be written there.
    """
    beside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, text in files.items():
            (beside / name).write_text(text, encoding="utf-8")
        if folder.exists():
            for name in files:
                (beside / name).replace(folder / name)
        else:
            beside.chmod(0o755)
            beside.rename(folder)
    except (OSError, UnicodeEncodeError) as error:
        raise BridgeError(f"{folder} cannot be written: {_reason(error)}") from error
    finally:
        if beside:
            shutil.rmtree(beside, ignore_errors=True)


def _reason(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is not UTF-8 text"
