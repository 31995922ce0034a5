import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from model import inference
from sagebridge.cli import main
from sagebridge.errors import UserError
from sagebridge.model.archive import package, read_versions, unpack, versions_of

from .conftest import HANDLER, memory_of

COMMAND = Path(sys.executable).with_name("sagebridge")


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_the_archive_has_model_handler_and_versions_at_its_root(archive: Path, model_file: Path) -> None:
    with tarfile.open(archive) as file:
        content = {info.name: file.extractfile(info).read() for info in file}  # type: ignore[union-attr]

    assert content.keys() == {"model.joblib", "inference.py", "versions.json"}
    assert content["model.joblib"] == model_file.read_bytes()
    assert content["inference.py"] == Path(inference.__file__).read_bytes()
    assert json.loads(content["versions.json"]) == {
        "python": ".".join(map(str, sys.version_info[:3])),
        **{name: version(name) for name in ("scikit-learn", "numpy", "joblib")},
    }
    assert read_versions(archive) == json.loads(content["versions.json"])


def test_the_command_says_path_size_and_hash(model_file: Path, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "model.tar.gz"

    result = CliRunner().invoke(main, ["package", "--model", str(model_file), "--out", str(out)])

    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (result.exit_code, result.output) == (
        0,
        f"wrote {out}\n{archive.stat().st_size} bytes\nsha256 {sha256}\n",
    )
    assert out.read_bytes() == archive.read_bytes()


def test_a_machine_reads_json(model_file: Path, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.tar.gz"

    result = CliRunner().invoke(main, ["package", "--model", str(model_file), "--out", str(out), "--json"])

    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert json.loads(result.output) == {"archive": str(out), "size": archive.stat().st_size, "sha256": sha256}


def test_another_process_folder_umask_time_zone_and_locale_give_the_same_bytes(
    archive: Path, model_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.bin").write_bytes(model_file.read_bytes())
    (tmp_path / "elsewhere.bin").chmod(0o600)
    os.utime(tmp_path / "elsewhere.bin", (1e9, 1e9))

    subprocess.run(
        ["sh", "-c", f"umask 077; {COMMAND} package --model elsewhere.bin --handler {HANDLER} --out other.tgz"],
        cwd=tmp_path,
        env={"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"},
        check=True,
    )

    assert (tmp_path / "other.tgz").read_bytes() == archive.read_bytes()


@settings(max_examples=20)
@given(seconds=st.integers(0, 2**33), mode=st.sampled_from([0o400, 0o600, 0o644, 0o777]))
def test_the_same_content_gives_the_same_bytes_and_another_model_others(
    archive: Path, model_file: Path, seconds: int, mode: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        same, other = Path(name) / "model.joblib", Path(name) / "other.joblib"
        same.write_bytes(model_file.read_bytes())
        same.chmod(mode)
        os.utime(same, (seconds, seconds))
        joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, float(seconds)]), other)

        assert package(same, HANDLER, Path(name) / "1.tgz").sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
        assert package(other, HANDLER, Path(name) / "2.tgz") != package(same, HANDLER, Path(name) / "1.tgz")


def test_the_version_that_trained_the_model_is_recorded_not_the_one_that_packs(
    model_file: Path, tmp_path: Path
) -> None:
    old = tmp_path / "model.joblib"  # the pickle says which scikit-learn it is of; same length, so still a pickle
    assert model_file.read_bytes().count(version("scikit-learn").encode()) == 1
    old.write_bytes(model_file.read_bytes().replace(version("scikit-learn").encode(), b"1.2.3"))

    package(old, HANDLER, tmp_path / "model.tar.gz")

    assert read_versions(tmp_path / "model.tar.gz")["scikit-learn"] == "1.2.3"


def test_what_is_no_model_is_refused_and_an_older_archive_stays(tmp_path: Path) -> None:
    out = tmp_path / "model.tar.gz"
    out.write_text("older")
    (tmp_path / "text").write_text("text")
    joblib.dump({"a": 1}, tmp_path / "dict")

    for name, said in (
        ("none", "does not exist"),
        ("text", "does not load here"),
        ("dict", "a dict, which has no predict"),
    ):
        with pytest.raises(UserError, match=said):
            package(tmp_path / name, HANDLER, out)

    assert out.read_text() == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"model.tar.gz", "text", "dict"}


def test_a_broken_off_package_leaves_the_older_archive(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model.tar.gz"
    out.write_text("older")

    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sagebridge.model.archive._Reporting.read", broken_off)
    with pytest.raises(KeyboardInterrupt):
        package(model_file, HANDLER, out)

    assert out.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["model.tar.gz"]


MEASURE = """
from pathlib import Path
from sklearn.linear_model import LinearRegression
from sagebridge.model.archive import package
"""


def test_packing_a_large_model_takes_little_memory(tmp_path: Path) -> None:
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    model.weights = np.zeros(8_000_000)
    joblib.dump(model, tmp_path / "model.joblib")

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            memory_of(MEASURE, f'package(Path("model.joblib"), Path("{HANDLER}"), Path("out"))'),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    assert (tmp_path / "model.joblib").stat().st_size >= 64_000_000
    assert int(done.stdout) < 32  # MiB


def test_a_good_archive_unpacks(archive: Path, tmp_path: Path) -> None:
    unpack(archive, tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"model.joblib", "inference.py", "versions.json"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar((member("../escaped"), b"x")), "outside"),
        (tar((member("a/../../escaped"), b"x")), "outside"),
        (tar((member("link", tarfile.SYMTYPE, ".."), b""), (member("link/escaped"), b"x")), "neither"),
        (tar((member("link", tarfile.LNKTYPE, "/etc/passwd"), b"")), "neither"),
        (tar((member("pipe", tarfile.FIFOTYPE), b"")), "neither"),
        (tar((member("disk", tarfile.BLKTYPE), b"")), "neither"),
        (tar((member("big"), bytes(2_000_000))), "more than the limit"),
        (tar((member("a"), bytes(600_000)), (member("b"), bytes(600_000))), "more than the limit"),
        (tar((member("a"), b"x")) + gzip.compress(bytes(2_000_000)), "more than the limit"),
        (b"not a gzip file", "not a whole and safe"),
        (gzip.compress(b"not a tar file" * 99), "not a whole and safe"),
    ],
)
def test_an_archive_that_escapes_or_swells_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path, folder = tmp_path / "model.tar.gz", tmp_path / "in" / "folder"
    path.write_bytes(content)
    folder.mkdir(parents=True)

    with pytest.raises(UserError, match=said):
        unpack(path, folder, limit=1_000_000)

    assert not [p for p in tmp_path.rglob("escaped") if folder not in p.parents]


def test_absolute_names_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(tar((member(f"{tmp_path}/escaped"), b"x")))
    (tmp_path / "folder").mkdir()

    unpack(path, tmp_path / "folder")

    assert not (tmp_path / "escaped").exists()


def unpacks_to_the_same(content: bytes, archive: Path) -> bool:
    """Returns whether a flipped bit changes nothing: a run of zeros can refer back to any earlier one of its zeros."""
    try:
        return gzip.decompress(content) == gzip.decompress(archive.read_bytes())
    except (OSError, EOFError, zlib.error):
        return False


@given(data=st.data())
def test_no_cut_or_flipped_archive_passes_for_a_whole_one(archive: Path, data: st.DataObject) -> None:
    content = bytearray(archive.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(10, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        assume(not unpacks_to_the_same(bytes(content), archive))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.tar.gz"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"not a whole and safe|more than the limit"):
            unpack(path, Path(name))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar((member("model.joblib"), b"x")), "has no versions.json"),
        (tar((member("versions.json"), b"[")), "is not like"),
        (tar((member("versions.json"), b"[]")), "is not like"),
        (tar((member("versions.json"), b'{"python": "3.11.7"}')), "is not like"),
        (tar((member("versions.json"), b'{"python": "3.11.7", "scikit-learn": 1.9}')), "is not like"),
        (b"", "not a whole and safe"),
    ],
)
def test_an_archive_without_good_versions_says_so(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)

    with pytest.raises(UserError, match=said):
        read_versions(tmp_path / "model.tar.gz")


def test_an_archive_made_with_tar_is_read_too(tmp_path: Path) -> None:
    versions = {"python": "3.11.7", "scikit-learn": "1.9.1"}
    (tmp_path / "model.tar.gz").write_bytes(tar((member("./versions.json"), json.dumps(versions).encode())))

    assert read_versions(tmp_path / "model.tar.gz") == versions


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    for read in (read_versions, lambda path: unpack(path, tmp_path)):  # type: Callable[[Path], object]
        with pytest.raises(UserError, match=r"the archive .*none\.tgz does not exist"):
            read(tmp_path / "none.tgz")


def test_versions_come_from_the_model_file(model_file: Path) -> None:
    assert versions_of(model_file)["scikit-learn"] == version("scikit-learn")
