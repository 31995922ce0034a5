"""Decides which files an archive has, and under which names."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath

from sagebridge.errors import UserError
from sagebridge.model.contract import HANDLER

_BYTECODE = "__pycache__"


class Layout(StrEnum):
    """Where an archive has its code."""

    FLAT = "flat"
    """At the root, beside the model."""
    CODE = "code"
    """In the folder `code`, as SageMaker's SDKs pack it, and as the inference toolkit's images expect it."""


def code_files(handler: Path, include: Sequence[Path], layout: Layout) -> dict[str, Path]:
    """Returns the files of an archive's code by their names in the archive, the handler first.

    Args:
        handler: The script that serves the model; it becomes `inference.py`, which the containers import by default.
        include: Files and folders that go beside the handler, under their own names.
        layout: Where the code goes.

    Raises:
        UserError: A file is missing, is not Python although it is named so, or has the name of another one; or a
            folder has a link that leads out of it.
    """
    if not handler.is_file():
        problem = "is not a file" if handler.exists() else "does not exist"
        raise UserError(f"the handler {handler} {problem}; name the script that serves the model with --handler")
    folder = PurePosixPath("code" if layout == Layout.CODE else "")
    files = {str(folder / HANDLER): handler}
    for path in include:
        if path.name in ("", ".."):
            raise UserError(f"--include {path} has no name in the archive; name the files and folders that are in it")
        files = merged(files, {str(folder / path.name / name): file for name, file in _files_of(path).items()})
    for file in files.values():
        if file == handler or file.suffix == ".py":
            _check_syntax(file)
    return files


def model_files(model: Path) -> dict[str, Path]:
    """Returns the files of a model by their names in the archive: a file's own name, or the names in a folder.

    Raises:
        UserError: The model is missing, or its folder is empty or has a link that leads out of it.
    """
    if not model.exists():
        raise UserError(f"the model file {model} does not exist; train a model first, or name its file with --model")
    return {name if model.is_dir() else model.name: file for name, file in _files_of(model).items()}


def merged(files: Mapping[str, Path], added: Mapping[str, Path]) -> dict[str, Path]:
    """Returns the files of both, by their names in the archive.

    Raises:
        UserError: Two different files have the same name, or one has the name of another one's folder.
    """
    all_files = {**files, **added}
    for name, path in files.items():
        if not path.samefile(all_files[name]):
            raise UserError(
                f"{path} and {all_files[name]} would both be {name} in the archive; rename one, or leave it out"
            )
    for name, path in all_files.items():
        for parent in PurePosixPath(name).parents:
            if str(parent) in all_files:
                raise UserError(
                    f"{all_files[str(parent)]} would be the file {parent} in the archive, where {path} needs a folder; "
                    "rename one, or leave it out"
                )
    return all_files


def _files_of(path: Path) -> dict[str, Path]:
    """Returns a folder's files by their names in it, or a file alone under the empty name."""
    if path.is_dir():
        files = {file.relative_to(path).as_posix(): file for file in _files_in(path, path.resolve())}
        if not files:
            raise UserError(f"the folder {path} has no file to pack; hidden files and {_BYTECODE} are left out")
        return files
    if not path.is_file():
        raise UserError(f"{path} " + ("is neither a file nor a folder" if path.exists() else "does not exist"))
    return {"": path}


def _files_in(folder: Path, root: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == _BYTECODE:
            continue
        is_link, is_folder = path.is_symlink(), path.is_dir()
        if not (is_folder or path.is_file()):
            raise UserError(f"{path} is neither a file nor a folder" + (", but a broken link" if is_link else ""))
        if is_link and (is_folder or not path.resolve().is_relative_to(root)):
            raise UserError(
                f"{path} is a link to {path.resolve()}: a link in a folder may lead only to a file in the same folder; "
                "put a copy in its place"
            )
        if is_folder:
            yield from _files_in(path, root)
        else:
            yield path


def _check_syntax(path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(path.read_bytes(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        line, message = (error.lineno, error.msg) if isinstance(error, SyntaxError) else (None, error)
        place = f"{path}, line {line}" if line else f"{path}"
        raise UserError(f"{place}: {message}; no container can import this file") from error
