"""Finds the versions of the packages behind a model, without running what is pickled in it."""

import bz2
import contextlib
import gzip
import io
import lzma
import platform
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sagebridge.containers.fit import SCIKIT_LEARN
from sagebridge.errors import UserError

_CHUNK = 1024**2
_PICKLE = b"\x80"
_LZ4 = b"\x04\x22\x4d\x18"
_ZLIB = b"\x78"
_COMPRESSED: dict[bytes, Callable[[Path], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
}
"""What the files begin with that joblib compresses. Source: the prefixes in `joblib/compressor.py` of joblib 1.5."""
_STATE = re.compile(rb"_sklearn_version.{1,16}?(?:\x8c|X(?=.\0\0\0))(.)(?:\0\0\0)?(\d[\w.+]*)", re.DOTALL)
"""The end of an estimator's state: a key, and a string after its length.

Source: `BaseEstimator.__getstate__` of scikit-learn 1.9, and `pickletools`.
"""
_LONGEST = 128
"""Bytes that a match of `_STATE` has at most."""


def versions_of(files: Iterable[Path]) -> dict[str, str]:
    """Returns the versions of Python, scikit-learn, NumPy and joblib behind a model; none if it is not scikit-learn's.

    The version of scikit-learn is the one that the first estimator's pickle records; the others are those of this
    environment.

    Args:
        files: The model's files.

    Raises:
        UserError: A file is named `.joblib`, and joblib did not write it.
    """
    scikit_learn = scikit_learn_of(files)
    if scikit_learn is None:
        return {}
    versions = {"python": platform.python_version(), SCIKIT_LEARN: scikit_learn}
    for package in ("numpy", "joblib"):
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def scikit_learn_of(files: Iterable[Path]) -> str | None:
    """Returns the version of scikit-learn that the first pickle of an estimator records, or None without one.

    Raises:
        UserError: A file is named `.joblib`, and joblib did not write it.
    """
    return next(filter(None, map(_pickled_by, files)), None)


def _pickled_by(path: Path) -> str | None:
    """Returns the version of scikit-learn that a pickle records, or None for any other file."""
    with path.open("rb") as file:
        start = file.read(len(_LZ4) + 1)
    if not start.startswith((_PICKLE, _LZ4, _ZLIB, *_COMPRESSED)):
        if path.suffix == ".joblib":
            raise UserError(f"{path} does not load here: joblib did not write this file; write it with joblib.dump()")
        return None
    window = b""
    with contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError):  # it only looks compressed, or is damaged
        for chunk in _content(path, start):
            window = window[-_LONGEST:] + chunk
            if (match := _STATE.search(window)) and len(match[2]) >= match[1][0]:
                return match[2][: match[1][0]].decode()
    return None


def _plain(path: Path) -> io.BufferedIOBase:
    return path.open("rb")


def _content(path: Path, start: bytes) -> Iterator[bytes]:
    """Yields a file's content in pieces, unpacked if it is compressed."""
    opener = next((opener for prefix, opener in _COMPRESSED.items() if start.startswith(prefix)), _plain)
    with opener(path) as file:
        if not start.startswith(_ZLIB):
            while chunk := file.read(_CHUNK):
                yield chunk
            return
        unpacking = zlib.decompressobj()
        while chunk := unpacking.unconsumed_tail or file.read(_CHUNK):
            yield unpacking.decompress(chunk, _CHUNK)
        yield unpacking.flush()
