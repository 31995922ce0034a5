"""The archive model.tar.gz: packs it reproducibly, unpacks it safely, reads its versions."""

import contextlib
import gzip
import hashlib
import io
import json
import platform
import tarfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sagebridge.files import open_whole
from sagebridge.model.contract import HANDLER, MODEL
from sagebridge.model.errors import CommandError
from sagebridge.model.progress import progress

VERSIONS = "versions.json"
VERSIONS_LIMIT = 64 * 1024
UNPACKED_LIMIT = 20 * 1024**3
# Not 0: the container's pip makes a wheel of the handler, and a wheel is a ZIP, which cannot date a file
# before 1980. The second of January, so that it holds in every time zone.
_MTIME = 315_619_200
_LEVEL = 6
_CHUNK = 1024**2


class Package(NamedTuple):
    """A written archive: its size in bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


def package(model: Path, handler: Path, out: Path) -> Package:
    """Write the archive of a model file and its handler: versions.json, inference.py and model.joblib at its root.

    The same model file, handler and versions give the same bytes, wherever, whenever and by whomever it is
    packed (with the same zlib). The small files come first, so that a reader need not unpack the model to
    reach them. Memory does not grow with the model's size.

    Raises:
        CommandError: See `versions_of`; there is no handler.
    """
    versions = json.dumps(versions_of(model), indent=2).encode() + b"\n"
    if not handler.is_file():
        raise CommandError(f"there is no handler {handler}; name the script that serves the model with --handler")
    script = handler.read_bytes()
    size = model.stat().st_size
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        open_whole(out) as file,
        model.open("rb") as source,
        progress(f"packing {model}", size) as report,
    ):
        hashing = _Hashing(file)
        with (
            # No file name and no time in gzip's header.
            gzip.GzipFile("", "wb", _LEVEL, hashing, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            tar.addfile(_member(VERSIONS, len(versions)), io.BytesIO(versions))
            tar.addfile(_member(HANDLER, len(script)), io.BytesIO(script))
            tar.addfile(_member(MODEL, size), _Reporting(source, report))
    return Package(hashing.size, hashing.sha256.hexdigest())


def versions_of(model: Path) -> dict[str, str]:
    """Return the versions of Python, scikit-learn, NumPy and joblib behind a model file.

    scikit-learn's is the one that the pickle itself records, the others are this environment's. Loads the
    file, which runs what is pickled in it; arrays are mapped, not read, unless joblib has compressed them.

    Raises:
        CommandError: The file is missing, does not load here, or holds no model.
    """
    import joblib  # noqa: PLC0415 - with NumPy it takes half a second, and only this needs it

    if not model.is_file():
        raise CommandError(f"there is no model file {model}; `python model/train.py` makes one")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = joblib.load(model, mmap_mode="r")
        except Exception as error:  # a pickle can raise anything
            raise CommandError(f"{model} does not load here: {type(error).__name__}: {error}") from error
    if not callable(getattr(loaded, "predict", None)):
        raise CommandError(f"{model} holds a {type(loaded).__name__}, which has no predict()")
    # scikit-learn warns of a pickle of another version, and its warning says of which.
    foreign = [v for w in caught if (v := getattr(w.message, "original_sklearn_version", None))]
    return {
        "python": platform.python_version(),
        "scikit-learn": foreign[0] if foreign else version("scikit-learn"),
        "numpy": version("numpy"),
        "joblib": version("joblib"),
    }


def read_versions(archive: Path) -> dict[str, str]:
    """Read versions.json out of an archive, unpacking no more than what lies before it.

    Raises:
        CommandError: The archive cannot be read, or its versions.json is missing or not an object of strings.
    """
    with _reading(archive) as (_, tar):
        for member in tar:
            file = tar.extractfile(member) if member.name.removeprefix("./") == VERSIONS else None
            if file:
                return parse_versions(archive, file.read(VERSIONS_LIMIT))
    raise CommandError(f"{archive} has no {VERSIONS}; `sagebridge package` writes one")


def parse_versions(origin: Path, content: bytes) -> dict[str, str]:
    """Parse the content of a versions.json; `origin` is for the message.

    Raises:
        CommandError: It is not a JSON object of strings with "scikit-learn" and "python".
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
        raise CommandError(
            f'{origin}: {VERSIONS} is not like {{"python": "3.11.7", "scikit-learn": "1.9.1"}};'
            " `sagebridge package` writes one that is"
        )
    return versions


def unpack(archive: Path, folder: Path, limit: int = UNPACKED_LIMIT) -> None:
    """Unpack an archive into an empty folder, and nothing outside of it.

    Args:
        archive: The file model.tar.gz.
        folder: Where to; exists.
        limit: How many bytes the unpacked files may have together.

    Raises:
        CommandError: The archive cannot be read, is damaged, would unpack to more than `limit` bytes, or has
            a member that is no plain file or folder, or that leads out of `folder`.
    """
    with _reading(archive) as (compressed, tar):
        for member in tar:
            limit -= member.size
            if limit < 0:
                raise CommandError(f"{archive} unpacks to more than the limit at {member.name}; nothing good does")
            if not (member.isreg() or member.isdir()):
                raise CommandError(f"{archive}: {member.name} is neither a file nor a folder")
            tar.extract(member, folder, filter="data")
        while rest := compressed.read(_CHUNK):  # to the end, where gzip's checksum is
            limit -= len(rest)
            if limit < 0:
                raise CommandError(f"{archive} has more than the limit after its last file")


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[tuple[gzip.GzipFile, tarfile.TarFile]]:
    try:
        with gzip.open(archive) as compressed, tarfile.open(fileobj=compressed, mode="r|") as tar:
            yield compressed, tar
    except FileNotFoundError as error:
        raise CommandError(f"there is no archive {archive}; `sagebridge package` makes one") from error
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise CommandError(f"{archive} is not a whole and safe .tar.gz: {error}") from error


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Head a file of `size` bytes: owner 0:0 without names and mode 0644 are alike for everyone."""
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
