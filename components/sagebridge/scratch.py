"""Folders for what may hold secrets: in memory where there is a place for it, and gone afterwards."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder that is made there is its owner's only


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Makes a folder, mode 0700, that is removed when the block ends."""
    parent = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sagebridge-", dir=parent) as name:
        yield Path(name)
