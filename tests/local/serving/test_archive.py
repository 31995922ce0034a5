"""Model archives, unpacked and checked against an image."""

import io
import os
from pathlib import Path

import pytest

from sagebridge._tarfile import tarfile
from sagebridge.local.serving import archive
from sagebridge.local.serving.archive import misfit, unpack
from tests.local.account import IMAGE, pack

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"


def member(name: str, **attributes: object) -> bytes:
    """Returns an archive of one member that `pack` would not make."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        for key, value in attributes.items():
            setattr(info, key, value)
        tar.addfile(info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image", "packed", "fits"),
    [
        ("sagemaker-scikit-learn:1.9-0-cpu-py3", "1.9.1", True),
        ("sagemaker-scikit-learn:1.4-2-py312", "1.4.2", True),
        ("sagemaker-scikit-learn:0.23-1-cpu-py3", "1.9.1", False),
        ("sagemaker-scikit-learn:1.9-0-cpu-py3", "1.90.1", False),
        ("sagemaker-scikit-learn:1.9-0-cpu-py3", None, True),
        ("my-own:1.0-1", "1.9.1", True),
    ],
)
def test_a_model_fits_an_image_of_its_own_minor_version(image: str, packed: str | None, *, fits: bool) -> None:
    versions = {"python": "3.11.7"} | ({"scikit-learn": packed} if packed else {})
    assert (misfit(f"{REGISTRY}/{image}", versions) is None) == fits


def test_a_misfit_names_both_versions() -> None:
    problem = misfit(IMAGE, {"scikit-learn": "0.23.2"})
    assert problem is not None
    assert "0.23.2" in problem
    assert "1.9" in problem


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
