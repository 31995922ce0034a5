"""Reads what a model's archive contains out of its beginning, and runs nothing of it."""

import ast
import gzip
import io
import json
import warnings
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import cast

from sagebridge._tarfile import tarfile
from sagebridge.containers.fit import SCIKIT_LEARN
from sagebridge.containers.pickles import scikit_learn_version

BEGINNING = 8 * 1024**2
"""Bytes of an archive that are fetched. Tools that pack a folder sort its names, so code comes before most models."""
_UNPACKED = 16 * BEGINNING
"""Bytes of the unpacked archive that are read: a small archive may unpack to a thousand times its size."""
_SMALL = 256 * 1024
"""Bytes of a script or of versions.json beyond which it is not read."""
_VERSIONS = "versions.json"


@dataclass(frozen=True)
class Contents:
    """What is known of the files of a model."""

    files: Collection[str]
    """Their paths in the model's folder."""
    is_whole: bool
    """Whether these are all; if not, the archive goes on where nobody looked."""
    scripts: Mapping[str, bytes] = field(default_factory=dict)
    """The content of scripts in Python by path, as far as it was read."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """What versions.json records."""
    pickled_with: str | None = None
    """The version of scikit-learn that a pickled estimator records."""

    def module(self, folder: str, program: str) -> str | None:
        """Returns the path of the module that a container imports from a folder, or None if it is not there.

        Args:
            folder: the folder, such as ``code``; empty for the model's own.
            program: the value of ``SAGEMAKER_PROGRAM``, with or without ``.py``.
        """
        if "/" in program:  # no module has such a name
            return None
        name = program.removesuffix(".py").replace(".", "/")
        places = [str(PurePosixPath(folder, place)) for place in (f"{name}.py", f"{name}/__init__.py")]
        return next((place for place in places if place in self.files), None)

    def has_folder(self, folder: str) -> bool:
        """Returns whether there are files in a folder, whose path is not empty."""
        return any(PurePosixPath(file).is_relative_to(folder) for file in self.files if file != folder)

    def functions(self, script: str) -> Collection[str] | None:
        """Returns the names that a script gives to something at its top level; None if they cannot be told."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self.scripts[script])
        except (KeyError, SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
            return None  # it may suit the image's Python; a SystemError is one of Python 3.11's own (gh-106905)
        names: set[str] = set()
        nodes: list[ast.AST] = [tree]
        while nodes:
            for node in ast.iter_child_nodes(nodes.pop()):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    names.add(node.name)
                    continue
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names |= {alias.asname or alias.name for alias in node.names}
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.add(node.id)
                nodes.append(node)
        return None if "*" in names else names


def contents_of(beginning: bytes) -> Contents:
    """Returns what the first bytes of a ``.tar.gz`` contain, which are all of it if they are fewer than ``BEGINNING``.

    Raises:
        tarfile.TarError, OSError, EOFError, zlib.error: it is no whole archive of this form.
    """
    reading = _Reading()
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(beginning)) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|") as tar,
        ):
            is_whole = all(reading.takes(tar, member) for member in tar)
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        if len(beginning) < BEGINNING:
            raise
        is_whole = False
    return Contents(reading.files, is_whole, reading.scripts, reading.versions, reading.pickled_with)


@dataclass
class _Reading:
    """What is known after some members of an archive."""

    files: list[str] = field(default_factory=list)
    scripts: dict[str, bytes] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    pickled_with: str | None = None

    def takes(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
        """Takes a member in; returns whether the next one may be read."""
        if member.isdir():
            return True
        path = str(PurePosixPath(member.name.lstrip("/")))
        self.files.append(path)
        if member.offset_data + member.size > _UNPACKED:
            return False
        content = cast("io.BufferedReader | None", tar.extractfile(member) if member.isfile() else None)
        if content is None:
            return True
        if path == _VERSIONS:
            self.versions = _versions(content.read(_SMALL))
        elif path.endswith(".py"):
            self.scripts[path] = content.read(_SMALL)
        else:
            self.pickled_with = self.pickled_with or scikit_learn_version(content)
        return True


def _versions(content: bytes) -> Mapping[str, str]:
    """Returns the versions that a versions.json records; none if it is not one that `sagebridge package` writes."""
    try:
        versions = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    version = versions.get(SCIKIT_LEARN) if isinstance(versions, dict) else None
    return {SCIKIT_LEARN: version} if isinstance(version, str) else {}
