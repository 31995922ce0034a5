"""Archives of models and of code, unpacked without escaping their folder."""

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from sagebridge._tarfile import tarfile
from sagebridge.files import whole_folder

MAX_UNPACKED = 30 * 1024**3
"""Bytes that an archive may have when it is unpacked."""
MAX_MEMBERS = 100_000
"""Files and folders that an archive may have."""


_CHUNK = 1024**2


def unpack(
    archive: BinaryIO,
    target: Path,
    deadline: float = float("inf"),
    member_filter: Callable[[tarfile.TarInfo, str], tarfile.TarInfo | None] = tarfile.data_filter,
) -> None:
    """Unpacks a .tar.gz into a new folder, whole or not at all.

    Args:
        archive: the archive's content.
        target: the new folder.
        deadline: when to give up, in the seconds of `time.monotonic`; it is checked between members.
        member_filter: what tarfile's documentation calls an extraction filter; by default, absolute names lose their
            first slash, and what would reach outside the folder is refused.

    Raises:
        TimeoutError: the deadline passed.
        tarfile.TarError, OSError, EOFError, zlib.error: the content is no such archive or a damaged one, it has a
            member that the filter refuses, or more than `MAX_UNPACKED` bytes or `MAX_MEMBERS` members.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        whole_folder(target) as folder,
        gzip.open(archive) as content,
        tarfile.open(fileobj=content, mode="r|") as tar,
    ):
        for member in _bounded(tar, deadline):
            tar.extract(member, folder, filter=member_filter)
        _drain(content)


def _bounded(tar: tarfile.TarFile, deadline: float) -> Iterator[tarfile.TarInfo]:
    size = 0
    for count, member in enumerate(tar, start=1):
        size += member.size
        if size > MAX_UNPACKED or count > MAX_MEMBERS:
            raise tarfile.TarError(f"more than {MAX_UNPACKED} bytes or {MAX_MEMBERS} members")
        if time.monotonic() > deadline:
            raise TimeoutError
        yield member


def _drain(content: gzip.GzipFile) -> None:
    """Reads to the end, where gzip's checksum is."""
    size = 0
    while chunk := content.read(_CHUNK):
        size += len(chunk)
        if size > MAX_UNPACKED:
            raise tarfile.TarError(f"more than {MAX_UNPACKED} bytes after the last member")
