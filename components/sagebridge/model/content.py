"""Reads the content of a request from a text, a file or standard input."""

import contextlib
import sys
from collections.abc import Iterator
from io import BytesIO
from mimetypes import MimeTypes
from pathlib import Path
from typing import BinaryIO

from sagebridge.errors import UserError
from sagebridge.model.contract import JSON

_TYPES = MimeTypes()  # without this machine's own files of types, so that the answer is the same everywhere
for _suffix, _type in {
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
}.items():
    _TYPES.add_type(_type, _suffix)
S3_SCHEME = "s3://"
_STANDARD_INPUT = {"-", "@-"}


def content_type_of(text: str) -> str:
    """Returns the MIME type of what a text names: of a file or an object in S3 by its name, and otherwise JSON."""
    if text in _STANDARD_INPUT or not text.startswith(("@", S3_SCHEME)):
        return JSON
    guess, encoding = _TYPES.guess_type(text.removeprefix("@"))
    return guess if guess and not encoding else "application/octet-stream"


@contextlib.contextmanager
def open_content(text: str) -> Iterator[BinaryIO]:
    """Opens the content that a text names, as curl's `--data-binary` does.

    Args:
        text: `@FILE` for a file, `-` or `@-` for standard input, or else the content itself.

    Raises:
        UserError: The file cannot be read.
    """
    if text in _STANDARD_INPUT:
        yield sys.stdin.buffer
    elif text.startswith("@"):
        path = Path(text.removeprefix("@"))
        try:
            file = path.open("rb")
        except (OSError, ValueError) as error:
            raise UserError(f"the input {path} cannot be read: {getattr(error, 'strerror', error)}") from error
        with file:
            yield file
    else:
        yield BytesIO(text.encode(errors="surrogateescape"))
