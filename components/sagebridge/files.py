"""Files and folders that are written whole or not at all."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sagebridge.errors import UserError

PRIVATE = 0o600
"""The mode of a file that only its owner reads."""
_NEW = 0o666
"""The mode of any other new file, before the umask narrows it."""
_NEW_FOLDER = 0o755
"""The mode of a new folder."""


def write_file(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Writes a file whole or not at all; of several writers at once, the last one's content stays.

    Args:
        path: The file.
        content: Its bytes, or its text, which is written as UTF-8.
        mode: The file's mode, from the first moment on. Default is that of the file that is there.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        with open_whole(path, mode) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(path, error) from error


def write_new_file(path: Path, content: bytes) -> None:
    """Writes a file whole, unless there is one already or another process is quicker."""
    with _beside(path, _NEW) as temporary:
        temporary.write_bytes(content)
        with suppress(FileExistsError):
            os.link(temporary, path)


@contextmanager
def open_whole(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Opens a file for writing that takes the place of `path` when the block ends without an error.

    Until then it has a hidden name beside `path`; after an error it is gone.

    Args:
        path: The file.
        mode: The file's mode, from the first moment on. Default is that of the file that is there.
    """
    with _beside(path, _NEW if mode is None else mode) as temporary:
        with temporary.open("r+b") as file:
            yield file
        if mode is None:
            with suppress(FileNotFoundError):
                shutil.copymode(path, temporary)
        temporary.replace(path)


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder; a folder that is not there yet appears whole or not at all.

    In a folder that is there, every file is written beside its place before the first one takes it, and all other files
    are left alone.

    Args:
        folder: The folder. Missing folders around it are made.
        files: Texts by the file's name.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _folder_beside(folder) as beside:
            for name, text in files.items():
                (beside / name).write_text(text, encoding="utf-8")
            if folder.exists():
                for name in files:
                    (beside / name).replace(folder / name)
            else:
                _put_in_place(beside, folder)
    except (OSError, UnicodeEncodeError) as error:
        raise _cannot_be_written(folder, error) from error


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Makes a folder that takes the place of `folder` when the block ends without an error.

    Until then it has a hidden name beside `folder`; after an error it is gone.

    Args:
        folder: The folder. If it is there, it must be empty.
    """
    with _folder_beside(folder) as beside:
        yield beside
        _put_in_place(beside, folder)


@contextmanager
def _beside(path: Path, mode: int) -> Iterator[Path]:
    """Makes an empty file beside `path`, under a name that no other writer has; removes it if it is still there."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _folder_beside(folder: Path) -> Iterator[Path]:
    """Makes an empty folder beside `folder` that only its owner can open; removes it if it is still there."""
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, folder: Path) -> None:
    beside.chmod(_NEW_FOLDER)
    beside.replace(folder)


def _cannot_be_written(path: Path, error: OSError | UnicodeEncodeError) -> UserError:
    if isinstance(error, OSError):
        return UserError(f"{path} cannot be written: {error.strerror or type(error).__name__}")
    return UserError(f"{path} cannot be written: its text is not Unicode")
