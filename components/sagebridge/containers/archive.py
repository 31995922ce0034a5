"""Archives of models and of code, unpacked without escaping their folder."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sagebridge._tarfile import tarfile

MAX_UNPACKED = 30 * 1024**3
"""Bytes that an archive may have when it is unpacked."""
MAX_MEMBERS = 100_000
"""Files and folders that an archive may have."""


def unpack(archive: BinaryIO, target: Path, deadline: float = float("inf")) -> None:
    """Unpacks a .tar.gz into a new folder, whole or not at all.

    Args:
        archive: the archive's content.
        target: the new folder.
        deadline: when to give up, in the seconds of `time.monotonic`; it is checked between members.

    Raises:
        TimeoutError: the deadline passed.
        tarfile.TarError, OSError, EOFError, zlib.error: the content is no such archive, it reaches outside the
            folder, or it has more than `MAX_UNPACKED` bytes or `MAX_MEMBERS` members.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in _bounded(tar, deadline):
                tar.extract(member, part, filter="data")
        part.chmod(0o755)
        part.replace(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _bounded(tar: tarfile.TarFile, deadline: float) -> Iterator[tarfile.TarInfo]:
    size = 0
    for count, member in enumerate(tar, start=1):
        size += member.size
        if size > MAX_UNPACKED or count > MAX_MEMBERS:
            raise tarfile.TarError(f"more than {MAX_UNPACKED} bytes or {MAX_MEMBERS} members")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield member
