"""Archives, unpacked."""

import io
import os
from pathlib import Path

import pytest

from sagebridge._tarfile import tarfile
from sagebridge.containers import archive
from sagebridge.containers.archive import unpack
from tests.local.account import pack


def member(name: str, **attributes: object) -> bytes:
    """Returns an archive of one member that `pack` would not make."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        for key, value in attributes.items():
            setattr(info, key, value)
        tar.addfile(info)
    return buffer.getvalue()


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    unpack(io.BytesIO(pack({"inference.py": "1", "code/helper.py": "2"})), tmp_path / "model")
    assert (tmp_path / "model" / "inference.py").read_text() == "1"
    assert (tmp_path / "model" / "code" / "helper.py").read_text() == "2"


@pytest.mark.parametrize(
    "archive",
    [
        member("../escaped"),
        member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("link", type=tarfile.SYMTYPE, linkname="../../escaped"),
        member("link", type=tarfile.LNKTYPE, linkname="../escaped"),
        member("device", type=tarfile.CHRTYPE),
        pack({"inference.py": os.urandom(4096)})[:-2000],
        pack({"inference.py": "1"})[:-8] + bytes(8),  # the checksum is wrong
        b"not an archive",
        b"",
    ],
)
def test_a_bad_archive_leaves_nothing_anywhere(tmp_path: Path, archive: bytes) -> None:
    with pytest.raises((tarfile.TarError, OSError, EOFError)):
        unpack(io.BytesIO(archive), tmp_path / "models" / "model")
    assert [path.name for path in tmp_path.rglob("*")] == ["models"]


def test_an_archive_is_unpacked_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1000)
    unpack(io.BytesIO(pack({"a": b"0" * 600, "b": b"0" * 400})), tmp_path / "fits")
    with pytest.raises(tarfile.TarError, match="more than 1000 bytes"):
        unpack(io.BytesIO(pack({"a": b"0" * 600, "b": b"0" * 401})), tmp_path / "too big")
    assert [path.name for path in tmp_path.iterdir()] == ["fits"]
