"""Packs model.tar.gz reproducibly, unpacks it safely, and reads its versions."""

import contextlib
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sagebridge._tarfile import tarfile
from sagebridge.containers import archive as containers_archive
from sagebridge.errors import UserError
from sagebridge.files import open_whole
from sagebridge.model.contents import Layout, code_files, merged, model_files
from sagebridge.model.estimators import unserved
from sagebridge.model.progress import progress
from sagebridge.model.versions import versions_of

VERSIONS = "versions.json"
VERSIONS_LIMIT = 64 * 1024
# Not 0: the container's pip makes a wheel of the handler, and a wheel is a ZIP, which cannot date a file
# before 1980. The second of January, so that it holds in every time zone.
_MTIME = 315_619_200
_LEVEL = 6


class Package(NamedTuple):
    """A written archive."""

    size: int
    """In bytes."""
    sha256: str
    """In hexadecimal."""


def package(
    model: Path | None, handler: Path, out: Path, include: Sequence[Path] = (), layout: Layout = Layout.FLAT
) -> Package:
    """Writes the archive of a model and its code; of a model of scikit-learn, versions.json tells the versions.

    The same files and versions always give the same bytes, as long as zlib is the same. The small files come first, so
    that a reader reaches them without unpacking the model. Memory does not grow with the model's size.

    Args:
        model: The model's file, which keeps its name, or the folder whose files are the model; None for no model.
        handler: The script that serves the model, which becomes inference.py.
        out: The archive to write.
        include: Files and folders that go beside the handler: modules, packages, requirements.txt.
        layout: Where the code goes; the model is at the root.

    Raises:
        UserError: See `code_files`, `model_files`, `versions_of` and `unserved`; or a file cannot be read or written.
    """
    try:
        model_parts = model_files(model) if model else {}
        code = code_files(handler, include, layout)
        if model and model.is_file() and (problem := unserved(model, handler)):
            raise UserError(problem)
        return _package(code, model_parts, out)
    except OSError as error:
        raise UserError(f"{error.filename or out}: {error.strerror or error}; no archive was written") from error


def _package(code: Mapping[str, Path], model: Mapping[str, Path], out: Path) -> Package:
    files = merged(code, model)
    versions = versions_of(model.values())
    if versions and VERSIONS in files:
        raise UserError(f"{files[VERSIONS]} has the name of a file that is written into the archive; leave it out")
    for path in files.values():
        if out.exists() and path.samefile(out):
            raise UserError(f"the archive {out} would contain itself; write it to another folder with --out")
    versions_json = json.dumps(versions, indent=2).encode() + b"\n"
    sizes = {name: path.stat().st_size for name, path in files.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    with open_whole(out) as file, progress(f"packing {out}", sum(sizes.values())) as report:
        hashing = _Hashing(file)
        with (
            # No file name and no time in gzip's header.
            gzip.GzipFile("", "wb", _LEVEL, hashing, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            if versions:
                tar.addfile(_member(VERSIONS, len(versions_json)), io.BytesIO(versions_json))
            for name, path in files.items():
                with path.open("rb") as source:
                    tar.addfile(_member(name, sizes[name]), _Reporting(source, report))
    return Package(hashing.size, hashing.sha256.hexdigest())


def read_versions(archive: Path) -> dict[str, str]:
    """Returns what an archive's versions.json records, and unpacks no more than what lies before it.

    Without that file, as in an archive without a model of scikit-learn, nothing is recorded.

    Raises:
        UserError: The archive cannot be read, or its versions.json is not an object of strings.
    """
    with _read_errors(archive), gzip.open(archive) as content, tarfile.open(fileobj=content, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.removeprefix("./") == VERSIONS else None
            if file:
                return parse_versions(archive, file.read(VERSIONS_LIMIT))
    return {}


def parse_versions(origin: Path, content: bytes) -> dict[str, str]:
    """Parses the content of a versions.json; `origin` names the archive in the message.

    Raises:
        UserError: The content is not a JSON object of strings with "scikit-learn" and "python".
    """
    try:
        versions = json.loads(content)
    except (ValueError, RecursionError):
        versions = None
    if (
        not isinstance(versions, dict)
        or not {"scikit-learn", "python"} <= versions.keys()
        or not all(isinstance(value, str) for value in versions.values())
    ):
        raise UserError(
            f'{origin}: {VERSIONS} is not like {{"python": "3.11.7", "scikit-learn": "1.9.1"}};'
            " `sagebridge package` writes one that is"
        )
    return versions


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks an archive into a new folder, as the containers do, and writes nothing outside of it.

    Args:
        archive: The file model.tar.gz.
        folder: The new folder.

    Raises:
        UserError: The archive cannot be read, is damaged, has more files or bytes than a container unpacks, or has a
            member with an absolute name or one that leads out of `folder`.
    """
    with _read_errors(archive), archive.open("rb") as file:
        containers_archive.unpack(file, folder, member_filter=_only_relative)


def _only_relative(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Refuses a member that tar would only unpack elsewhere than where its name says."""
    if member.name.startswith("/"):
        raise tarfile.AbsolutePathError(member)
    return tarfile.data_filter(member, folder)


@contextlib.contextmanager
def _read_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"the archive {archive} does not exist; `sagebridge package` writes one") from error
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise UserError(f"{archive} is not a whole and safe .tar.gz: {error}") from error


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Returns the header of a file of `size` bytes; owner 0:0 without names and mode 0644 are alike for everyone."""
    member = tarfile.TarInfo(name)
    member.size = size
    member.mtime = _MTIME
    return member


class _Hashing(io.RawIOBase):
    """Hashes and counts what is written through to a file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override] # gzip writes bytes only
        self.sha256.update(data)
        self.size += len(data)
        return self.file.write(data)


class _Reporting(io.RawIOBase):
    """Reports how many bytes are read from a file."""

    def __init__(self, file: BinaryIO, report: Callable[[int], None]) -> None:
        self.file = file
        self.report = report

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.report(len(data))
        return data
