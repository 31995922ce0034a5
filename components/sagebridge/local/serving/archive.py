"""Model archives: unpacked without escaping their folder, and checked against the image that is to load them."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sagebridge._tarfile import tarfile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_UNPACKED = 30 * 1024**3  # bytes
MAX_MEMBERS = 100_000
_IMAGE_VERSION = re.compile(r"/sagemaker-scikit-learn:(\d+\.\d+)-")


def misfit(image: str, versions: Mapping[str, str]) -> str | None:
    """Say why a model that one scikit-learn pickled does not load in an image that has another.

    Args:
        image: the container image; others than AWS's scikit-learn images fit everything.
        versions: the archive's `versions.json`.
    """
    has = _IMAGE_VERSION.search(image)
    packed = versions.get("scikit-learn")
    if has is None or packed is None or ".".join(packed.split(".")[:2]) == has[1]:
        return None
    return (
        f"The archive's versions.json says that the model was pickled by scikit-learn {packed}, "
        f"and the image {image} has {has[1]}: the model would not load there."
    )


def unpack(archive: BinaryIO, target: Path, deadline: float = float("inf")) -> None:
    """Unpack a model.tar.gz into a new folder, whole or not at all.

    Args:
        archive: the archive's content.
        target: the new folder.
        deadline: when to give up, in the seconds of `time.monotonic`; looked at between members.

    Raises:
        TimeoutError: the deadline passed.
        tarfile.TarError, OSError, EOFError, zlib.error: not such an archive, or one that reaches outside the
            folder, or one of more than `MAX_UNPACKED` bytes or `MAX_MEMBERS` members.
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
