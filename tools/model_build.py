"""Tells whether the article's model and its archive are built of what is there now, so that they need not be again."""

import hashlib
import platform
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from sagebridge.files import write_file
from tools.paths import CHECKOUT, LOCAL

_BUILT = LOCAL / "model-built"
"""Holds the digest of what was built last, and of all that it was built of."""
_OUTPUTS = ("build/model.joblib", "build/model.tar.gz")
_SOURCES = ("model", "components/sagebridge")
"""The folders with the model's code and data, and with the code that packs it."""


def is_current() -> bool:
    """Tells whether nothing has changed since :func:`keep`: no source, no installed package, and no file in build/."""
    return _BUILT.exists() and _BUILT.read_text() == _digest()


def keep() -> None:
    """Keeps that the files in build/ are built of what is there now."""
    write_file(_BUILT, _digest())


def _digest() -> str:
    """Returns a digest of the sources, of Python and its packages, and of the files that are built."""
    digest = hashlib.sha256(f"{platform.python_version()} {' '.join(_packages())}".encode())
    for path in _files():
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"\n{path.relative_to(CHECKOUT)} {content}".encode())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        files = sorted(path for path in (CHECKOUT / source).rglob("*") if path.is_file())
        yield from (path for path in files if "__pycache__" not in path.parts)
    yield from (CHECKOUT / output for output in _OUTPUTS if (CHECKOUT / output).is_file())


def _packages() -> list[str]:
    """Returns the names of the installed packages, with their versions, as their folders have them."""
    return sorted(folder.name for folder in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
