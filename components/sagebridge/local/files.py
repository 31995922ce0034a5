"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; of several writers at once, the last one's content stays."""
    with _part(path, content) as part:
        part.replace(path)


def write_new_file(path: Path, content: bytes) -> None:
    """Write a file whole, unless there is one already, or another process is quicker."""
    with _part(path, content) as part, suppress(FileExistsError):
        os.link(part, path)


@contextmanager
def _part(path: Path, content: bytes) -> Iterator[Path]:
    """Write the content beside its place, under a name that no other writer has."""
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        part.write_bytes(content)
        yield part
    finally:
        part.unlink(missing_ok=True)
