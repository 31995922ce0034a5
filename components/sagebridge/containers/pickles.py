"""Finds the version of scikit-learn that pickled an estimator, without running what is pickled."""

import bz2
import contextlib
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator

_CHUNK = 1024**2
_PICKLE = b"\x80"
_LZ4 = b"\x04\x22\x4d\x18"
_ZLIB = b"\x78"
_COMPRESSED: dict[bytes, Callable[[io.BufferedReader], io.BufferedIOBase]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
}
"""What the files begin with that joblib compresses. Source: the prefixes in `joblib/compressor.py` of joblib 1.5."""
_START = max(map(len, (_LZ4, *_COMPRESSED)))
_STATE = re.compile(rb"_sklearn_version.{1,16}?(?:\x8c|X(?=.\0\0\0))(.)(?:\0\0\0)?(\d[\w.+]*)", re.DOTALL)
"""The end of an estimator's state: a key, and a string after its length.

Source: `BaseEstimator.__getstate__` of scikit-learn 1.9, and `pickletools`.
"""
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What is raised for a file that only looks compressed, or is damaged."""
_LONGEST = 128
"""Bytes that a match of `_STATE` has at most."""


def is_pickle(file: io.BufferedReader) -> bool:
    """Returns whether a file, which is at its beginning, looks like one that pickle or joblib writes."""
    return file.peek(_START).startswith((_PICKLE, _LZ4, _ZLIB, *_COMPRESSED))


def scikit_learn_version(file: io.BufferedReader) -> str | None:
    """Returns the version of scikit-learn that the first estimator in a file records, or None for any other file.

    Args:
        file: the file, at its beginning; it is read once, and no further than to that estimator's end.
    """
    if not is_pickle(file):
        return None
    window = b""
    with contextlib.suppress(*_DAMAGE):
        for chunk in _content(file):
            window = window[-_LONGEST:] + chunk
            if (match := _STATE.search(window)) and len(match[2]) >= match[1][0]:
                return match[2][: match[1][0]].decode()
    return None


def beginning(file: io.BufferedReader) -> bytes:
    """Returns the first bytes of what a file has pickled, unpacked if it is compressed; empty for any other file."""
    if is_pickle(file):
        with contextlib.suppress(*_DAMAGE):
            return next(_content(file), b"")
    return b""


def _content(file: io.BufferedReader) -> Iterator[bytes]:
    """Yields a file's content in pieces, unpacked if it is compressed."""
    start = file.peek(_START)
    if not start.startswith(_ZLIB):
        opener = next((opener for prefix, opener in _COMPRESSED.items() if start.startswith(prefix)), None)
        content = opener(file) if opener else file
        while chunk := content.read(_CHUNK):
            yield chunk
        return
    unpacking = zlib.decompressobj()
    while chunk := unpacking.unconsumed_tail or file.read(_CHUNK):
        yield unpacking.decompress(chunk, _CHUNK)
    yield unpacking.flush()
