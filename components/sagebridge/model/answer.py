"""Writes an endpoint's answer to a file, a pipe or a terminal."""

import codecs
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from sagebridge.errors import UserError
from sagebridge.files import open_whole

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What text has no use for: a terminal may take it for a command."""


def write_answer(chunks: Iterable[bytes], out: Path | None) -> None:
    """Writes an answer as it comes: to a file, which then has just its bytes, or to standard output.

    On standard output a text ends with a newline; everything else is written as it is.

    Raises:
        UserError: The file cannot be written, or the answer is binary and standard output is a terminal.
    """
    if not out:
        _print(chunks)
        return
    try:
        is_device = out.exists() and not out.is_file()
        with out.open("wb") if is_device else open_whole(out) as file:
            for chunk in chunks:
                file.write(chunk)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}") from error


def _print(chunks: Iterable[bytes]) -> None:
    stdout = sys.stdout.buffer
    is_terminal = sys.stdout.isatty()
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_text = True
    last = b"\n"
    for chunk in filter(None, chunks):
        is_text = is_text and _is_text(decoder, chunk)
        if is_terminal and not is_text:
            raise UserError(
                "the answer is binary, and is not written to a terminal;"
                " name a file with --out FILE, or pipe the answer into another command"
            )
        stdout.write(chunk)
        stdout.flush()
        last = chunk
    if is_text and not last.endswith(b"\n"):
        stdout.write(b"\n")
        stdout.flush()


def _is_text(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        return not _CONTROL.search(decoder.decode(chunk))
    except UnicodeDecodeError:
        return False
