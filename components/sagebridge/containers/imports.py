"""Imports from the folders of a model without writing bytecode there: AWS's images write none, and handlers look."""

from __future__ import annotations

import sys
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import ReadableBuffer as Buffer


class _Loader(SourceFileLoader):
    def set_data(self, path: str, data: Buffer, *, _mode: int = 0o666) -> None:
        """Does nothing, where importlib writes a module's bytecode."""


def import_from(folders: Iterable[str]) -> None:
    """Puts folders in front of all others from which modules are imported."""
    roots = [folder for folder in folders if folder]

    def find(path: str) -> FileFinder:
        if not any(Path(root) in (Path(path), *Path(path).parents) for root in roots):
            raise ImportError(f"{path} is not the handler's")
        return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_Loader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, find)
    sys.path[:0] = roots
