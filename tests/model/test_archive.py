import gzip
import hashlib
import importlib
import io
import json
import os
import pickle
import platform
import subprocess
import sys
import tarfile
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.manifold import TSNE
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model import inference
from sagebridge.cli import main
from sagebridge.errors import UserError
from sagebridge.model.archive import package, read_versions, unpack
from sagebridge.model.contents import Layout
from sagebridge.model.versions import versions_of
from tests.properties import examples

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


@pytest.mark.process
def test_another_process_folder_umask_time_zone_and_locale_give_the_same_bytes(
    archive: Path, model_file: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "model.joblib"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(model_file.read_bytes())
    elsewhere.chmod(0o600)
    os.utime(elsewhere, (1e9, 1e9))

    subprocess.run(
        ["sh", "-c", f"umask 077; {COMMAND} package --model {elsewhere} --handler {HANDLER} --out other.tgz"],
        cwd=tmp_path,
        env={"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"},
        check=True,
    )

    assert (tmp_path / "other.tgz").read_bytes() == archive.read_bytes()


@examples(20)
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
    (tmp_path / "text.joblib").write_text("text")
    (tmp_path / "folder").mkdir()

    for name, said in (
        ("none", "does not exist"),
        ("text.joblib", "does not load here"),
        ("folder", "has no file"),
    ):
        with pytest.raises(UserError, match=said):
            package(tmp_path / name, HANDLER, out)

    assert out.read_text() == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"model.tar.gz", "text.joblib", "folder"}


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


@pytest.mark.process
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
    unpack(archive, tmp_path / "folder")

    assert {path.name for path in (tmp_path / "folder").iterdir()} == {"model.joblib", "inference.py", "versions.json"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar((member("../escaped"), b"x")), "outside"),
        (tar((member("a/../../escaped"), b"x")), "outside"),
        (tar((member("/escaped"), b"x")), "'/escaped' has an absolute path"),
        (tar((member("//escaped"), b"x")), "'//escaped' has an absolute path"),
        (tar((member("/"), b"")), "'/' has an absolute path"),
        (tar((member("a/b"), b"x"), (member("/opt", tarfile.DIRTYPE), b"")), "'/opt' has an absolute path"),
        (tar((member("link", tarfile.SYMTYPE, ".."), b""), (member("link/escaped"), b"x")), "outside"),
        (tar((member("link", tarfile.SYMTYPE, "/etc/passwd"), b"")), "absolute path"),
        (tar((member("link", tarfile.LNKTYPE, "/etc/passwd"), b"")), "absolute path"),
        (tar((member("link", tarfile.LNKTYPE, "../escaped"), b"")), "outside"),
        (tar((member("pipe", tarfile.FIFOTYPE), b"")), "special file"),
        (tar((member("disk", tarfile.BLKTYPE), b"")), "special file"),
        (tar((member("big"), bytes(2_000_000))), "more than 1000000 bytes"),
        (tar((member("a"), bytes(600_000)), (member("b"), bytes(600_000))), "more than 1000000 bytes"),
        (tar((member("a"), b"x")) + gzip.compress(bytes(2_000_000)), "more than 1000000 bytes"),
        (b"not a gzip file", "not a whole and safe"),
        (gzip.compress(b"not a tar file" * 99), "not a whole and safe"),
    ],
)
def test_an_archive_that_escapes_or_swells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    path, folder = tmp_path / "model.tar.gz", tmp_path / "in" / "folder"
    path.write_bytes(content)
    monkeypatch.setattr("sagebridge.containers.archive.MAX_UNPACKED", 1_000_000)

    with pytest.raises(UserError, match=said):
        unpack(path, folder)

    assert [name for name in tmp_path.rglob("*") if name.parent != tmp_path] == []


def test_an_archive_with_links_within_it_unpacks_as_in_a_container(tmp_path: Path) -> None:
    files = [(member("a/weights"), b"x"), (member("a/link", tarfile.SYMTYPE, "weights"), b"")]
    files += [(member("hard", tarfile.LNKTYPE, "a/weights"), b"")]
    (tmp_path / "model.tar.gz").write_bytes(tar(*files))

    unpack(tmp_path / "model.tar.gz", tmp_path / "folder")

    assert (tmp_path / "folder" / "a" / "link").read_bytes() == (tmp_path / "folder" / "hard").read_bytes() == b"x"


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
        with pytest.raises(UserError, match="not a whole and safe"):
            unpack(path, Path(name, "folder"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar((member("versions.json"), b"[")), "is not like"),
        (tar((member("versions.json"), b"[]")), "is not like"),
        (tar((member("versions.json"), b'{"python": "3.11.7"}')), "is not like"),
        (tar((member("versions.json"), b'{"python": "3.11.7", "scikit-learn": 1.9}')), "is not like"),
        (b"", "not a whole and safe"),
    ],
)
def test_an_archive_with_broken_versions_says_so(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)

    with pytest.raises(UserError, match=said):
        read_versions(tmp_path / "model.tar.gz")


def test_an_archive_made_with_tar_is_read_too(tmp_path: Path) -> None:
    versions = {"python": "3.11.7", "scikit-learn": "1.9.1"}
    (tmp_path / "model.tar.gz").write_bytes(tar((member("./versions.json"), json.dumps(versions).encode())))

    assert read_versions(tmp_path / "model.tar.gz") == versions


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    for read in (read_versions, lambda path: unpack(path, tmp_path / "folder")):  # type: Callable[[Path], object]
        with pytest.raises(UserError, match=r"the archive .*none\.tgz does not exist"):
            read(tmp_path / "none.tgz")


def test_an_archive_without_versions_records_none(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(tar((member("model.joblib"), b"x")))

    assert read_versions(tmp_path / "model.tar.gz") == {}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 1), ("xz", 1)])
def test_versions_come_from_the_model_file(tmp_path: Path, compress: int | tuple[str, int], protocol: int) -> None:
    fitted = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    fitted.weights = np.random.default_rng(0).random(4000)
    joblib.dump({"name": "mine", "model": fitted}, tmp_path / "model.pkl", compress, protocol)

    assert versions_of([tmp_path / "model.pkl"]) == {
        "python": platform.python_version(),
        **{name: version(name) for name in ("scikit-learn", "numpy", "joblib")},
    }


def test_the_version_is_found_wherever_it_is(tmp_path: Path) -> None:
    key = pickle.dumps({"_sklearn_version": "1.2.3"})
    for size in range(2**20 - 80, 2**20 + 5):
        (tmp_path / "model.pkl").write_bytes(b"\x80" + bytes(size) + key)
        assert versions_of([tmp_path / "model.pkl"])["scikit-learn"] == "1.2.3"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"x = 1",
        b"BZh, as a text may begin",
        b"\x1f\x8b",
        b"PK\x03\x04",
        pickle.dumps({"weights": [1, 2]}),
    ],
)
def test_a_model_of_another_kind_has_no_versions_and_is_packed_under_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.bin").write_bytes(content)

    package(tmp_path / "model.bin", HANDLER, tmp_path / "model.tar.gz")

    assert names_in(tmp_path / "model.tar.gz") == ["inference.py", "model.bin"]
    assert read_versions(tmp_path / "model.tar.gz") == {}


@pytest.mark.process
def test_a_model_of_scikit_learn_is_packed_where_nothing_of_it_is_installed(tmp_path: Path) -> None:
    joblib.dump(DBSCAN(), tmp_path / "model.joblib")
    modules = ["flask", "joblib", "numpy", "pandas", "sagemaker_inference", "sklearn", "uv"]
    hidden = f"import sys; sys.modules.update(dict.fromkeys({modules}))"  # an import of them fails
    command = f"{hidden}; from sagebridge.cli import main; main(['package', '--model=model.joblib', *sys.argv[1:]])"

    subprocess.run([sys.executable, "-c", command, f"--handler={HANDLER}"], cwd=tmp_path, check=True)

    assert read_versions(tmp_path / "build" / "model.tar.gz")["scikit-learn"] == version("scikit-learn")


UNABLE = "which has no predict, and the handler {handler} can only predict; name a handler that uses what a"


@pytest.fixture(
    scope="module",
    params=[DBSCAN(), PCA(), StandardScaler(), TSNE(perplexity=2, min_grad_norm=1e6), AgglomerativeClustering()],
    ids=lambda estimator: type(estimator).__name__,
)
def unable(request: pytest.FixtureRequest) -> Any:
    """A fitted estimator that does not predict."""
    return request.param.fit(np.random.default_rng(0).random((9, 2)))


@pytest.mark.parametrize("compress", [0, ("gzip", 3), ("zlib", 3)])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_estimator_that_does_not_predict_is_refused(
    tmp_path: Path, unable: Any, compress: int | tuple[str, int], protocol: int
) -> None:
    joblib.dump(unable, tmp_path / "model.joblib", compress, protocol)

    with pytest.raises(
        UserError, match=f"model.joblib has a {type(unable).__name__}, {UNABLE}".format(handler=HANDLER)
    ):
        package(tmp_path / "model.joblib", HANDLER, tmp_path / "model.tar.gz")

    assert not (tmp_path / "model.tar.gz").exists()


@pytest.mark.parametrize(
    "handler",
    [
        "def model_fn(d): ...\ndef predict_fn(rows, model): return model.transform(rows)",
        "def model_fn(d): ...\ndef predict_fn(rows, model): return nearest(model.components_, predict(rows))",
        "from helpers import *",
    ],
)
def test_a_handler_that_uses_something_else_serves_an_estimator_without_predict(tmp_path: Path, handler: str) -> None:
    joblib.dump(PCA().fit(np.eye(3)), tmp_path / "model.joblib")
    (tmp_path / "handler.py").write_text(handler)

    package(tmp_path / "model.joblib", tmp_path / "handler.py", tmp_path / "model.tar.gz")

    assert "inference.py" in names_in(tmp_path / "model.tar.gz")


def test_scikit_learn_is_not_imported_for_a_handler_that_does_not_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(PCA().fit(np.eye(3)), tmp_path / "model.joblib")
    (tmp_path / "handler.py").write_text("def model_fn(d): ...")
    imported: list[str] = []
    monkeypatch.setattr(importlib, "import_module", imported.append)

    package(tmp_path / "model.joblib", tmp_path / "handler.py", tmp_path / "model.tar.gz")

    assert imported == []


@pytest.mark.parametrize(
    "model",
    [
        KMeans(2),
        LocalOutlierFactor(2, novelty=True),
        make_pipeline(StandardScaler(), LinearRegression()),
        {"scaler": StandardScaler()},
        [PCA()],
    ],
)
def test_a_model_that_may_predict_is_packed(tmp_path: Path, model: Any) -> None:
    joblib.dump(model.fit(np.eye(4), [0, 1, 2, 3]) if hasattr(model, "fit") else model, tmp_path / "model.joblib")

    package(tmp_path / "model.joblib", HANDLER, tmp_path / "model.tar.gz")


def test_packing_runs_no_code_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04cos\nmkdir\n(V" + str(tmp_path / "made").encode() + b"\ntR.")

    package(tmp_path / "model.pkl", HANDLER, tmp_path / "model.tar.gz")

    assert not (tmp_path / "made").exists()


def names_in(archive: Path) -> list[str]:
    with tarfile.open(archive) as file:
        return file.getnames()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, which is the current one, with a handler, what it imports, and a model of several files."""
    folder = tmp_path / "shop"
    for name in (
        "src/serve.py",
        "src/helpers.py",
        "src/features/__init__.py",
        "src/features/text/words.txt",
        "src/features/__pycache__/text.cpython-311.pyc",
        "src/features/.secret",
        "src/features/.git/config",
        "src/requirements.txt",
        "net/config.json",
        "net/weights/1.bin",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    monkeypatch.chdir(folder)
    return folder


SHOP = ["--handler", "src/serve.py", "--include", "src/features/", "--include", "src/helpers.py"]
SHOP += ["--include", "src/requirements.txt"]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("layout", "folder"), [("flat", ""), ("code", "code/")])
def test_a_model_folder_and_a_handler_with_modules_are_packed(layout: str, folder: str) -> None:
    result = CliRunner().invoke(main, ["package", "--model", "net", *SHOP, "--layout", layout])

    assert result.exit_code == 0, result.output
    assert names_in(Path("build/model.tar.gz")) == [
        f"{folder}inference.py",
        f"{folder}features/__init__.py",
        f"{folder}features/text/words.txt",
        f"{folder}helpers.py",
        f"{folder}requirements.txt",
        "config.json",
        "weights/1.bin",
    ]


def test_absolute_paths_and_another_folder_give_the_same_bytes(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relative_archive, absolute_archive = tmp_path / "here.tgz", tmp_path / "there.tgz"
    arguments = ["package", "--model", "net", *SHOP, "--layout", "code", "--out", str(relative_archive)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    for path in shop.rglob("*"):
        os.utime(path, (1e9, 1e9))
    monkeypatch.chdir("/")

    paths = [shop / "src/features", shop / "src/helpers.py", shop / "src/requirements.txt"]
    package(shop / "net", shop / "src/serve.py", absolute_archive, paths, Layout.CODE)

    assert absolute_archive.read_bytes() == relative_archive.read_bytes()


@pytest.mark.usefixtures("shop")
def test_a_handler_needs_no_model() -> None:
    result = CliRunner().invoke(main, ["package", "--handler", "src/serve.py"])

    assert (result.exit_code, result.stderr) == (
        0,
        "the archive has no model, as there is no build/model.joblib and --model names no other\n",
    )
    assert names_in(Path("build/model.tar.gz")) == ["inference.py"]


@pytest.mark.usefixtures("shop")
def test_the_default_model_is_packed_with_any_handler(model_file: Path) -> None:
    Path("build").mkdir()
    Path("build/model.joblib").write_bytes(model_file.read_bytes())

    result = CliRunner().invoke(main, ["package", "--handler", "src/serve.py"])

    assert (result.exit_code, result.stderr) == (0, "")
    assert names_in(Path("build/model.tar.gz")) == ["versions.json", "inference.py", "model.joblib"]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        ("", "--model none", "the model file none does not exist; train a model first"),
        ("", "--include none", "none does not exist"),
        ("", "--include .", "has no name in the archive; name the files"),
        ("", "--include src/..", "has no name in the archive; name the files"),
        ("", "--include /", "has no name in the archive; name the files"),
        ("echo 'def f(:' > src/serve.py", "", "src/serve.py, line 1: invalid syntax"),
        (
            "printf 'a = 1\\n b = 2' > src/features/deep.py",
            "--include src/features",
            "deep.py, line 2: unexpected indent",
        ),
        ("printf 'a\\0b' > src/serve.py", "", "src/serve.py: source code string cannot contain null bytes"),
        ("printf '# coding: none' > src/serve.py", "", "src/serve.py: unknown encoding: none"),
        ("printf '\\377' > src/serve.py", "", "no container can import this file"),
        (
            "ln -s /etc/passwd src/features/users",
            "--include src/features",
            "src/features/users is a link to /etc/passwd",
        ),
        ("ln -s ../helpers.py src/features/h.py", "--include src/features", "src/features/h.py is a link to"),
        ("ln -s ../../../outside net/weights/2.bin; touch ../outside", "--model net", "net/weights/2.bin is a link to"),
        ("ln -s . src/features/again", "--include src/features", "src/features/again is a link to"),
        ("ln -s loop src/features/loop", "--include src/features", "features/loop is neither a file nor a folder"),
        ("ln -s none src/features/gone", "--include src/features", "is neither a file nor a folder, but a broken link"),
        ("mkfifo src/features/pipe", "--include src/features", "src/features/pipe is neither a file nor a folder"),
        ("mkfifo pipe", "--include pipe", "pipe is neither a file nor a folder"),
        ("mkdir empty", "--include empty", "the folder empty has no file to pack"),
        ("cp src/serve.py inference.py", "--include inference.py", "would both be inference.py in the archive"),
        ("touch net/helpers.py", "--model net --include src/helpers.py", "would both be helpers.py in the archive"),
        ("touch net/features", "--model net --include src/features", "net/features would be the file features"),
        ("touch net/code", "--model net --layout code", "net/code would be the file code in the archive"),
        ("mkdir build; touch build/model.tar.gz build/a", "--model build", "would contain itself"),
        ("", "--out net/config.json/model.tar.gz", "no archive was written"),
    ],
)
def test_what_cannot_be_packed_is_refused(make: str, arguments: str, message: str) -> None:
    subprocess.run(["sh", "-c", make], check=True)

    result = CliRunner().invoke(main, ["package", *SHOP[:2], *arguments.split()])

    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert message in result.stderr.replace(f"{Path.cwd()}/", "")
    assert not Path("build/model.tar.gz").exists() or Path("build/model.tar.gz").read_bytes() == b""


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the model file build/model.joblib does not exist; train a model first"),
        (["--include", "net"], "the model file build/model.joblib does not exist; train a model first"),
        (["--model", "net"], "the handler model/inference.py does not exist; name the script"),
        (["--handler", "none.py"], "the handler none.py does not exist; name the script"),
    ],
)
def test_the_model_and_the_handler_of_this_checkout_are_expected_by_default(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["package", *arguments])

    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.usefixtures("shop")
def test_a_link_within_a_folder_and_a_file_that_is_named_twice_are_packed() -> None:
    Path("src/features/same.txt").symlink_to("text/words.txt")

    package(None, Path("src/serve.py"), Path("out.tgz"), [Path("src/features"), Path("src/../src/features")])

    assert "features/same.txt" in names_in(Path("out.tgz"))
    with tarfile.open("out.tgz") as file:
        assert all(info.isreg() for info in file)
