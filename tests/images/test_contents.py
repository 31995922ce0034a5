"""Pure: what is known of an archive from its beginning, without running anything of it."""

import io
import os
import pickle
import zlib
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LinearRegression

from sagebridge._tarfile import tarfile
from sagebridge.images.contents import BEGINNING, Contents, contents_of
from tests.images.archives import HANDLER, packed


def test_files_and_scripts_of_a_whole_archive() -> None:
    contents = contents_of(packed({"./code/inference.py": HANDLER, "model.bin": b"m", "/code/a/b.py": ""}))
    assert contents.is_whole
    assert list(contents.files) == ["code/inference.py", "model.bin", "code/a/b.py"]
    assert contents.scripts["code/inference.py"] == HANDLER.encode()
    assert contents.has_folder("code")
    assert not contents.has_folder("model.bin")


@pytest.mark.parametrize(
    ("program", "script"),
    [
        ("inference.py", "code/inference.py"),
        ("inference", "code/inference.py"),
        ("serve", "code/serve/__init__.py"),
        ("serve.http", "code/serve/http.py"),
        ("other.py", None),
        ("code/inference.py", None),  # no module has such a name
    ],
)
def test_the_module_that_a_program_names(program: str, script: str | None) -> None:
    files = ["code/inference.py", "code/serve/__init__.py", "code/serve/http.py"]
    assert Contents(files, is_whole=True).module("code", program) == script
    assert Contents(files, is_whole=True).module("", program) is None


def test_only_the_beginning_of_a_large_archive_is_looked_at() -> None:
    noise = os.urandom(BEGINNING)
    archive = packed({"code/inference.py": HANDLER, "model.bin": noise, "late.py": ""}, level=0)
    contents = contents_of(archive[:BEGINNING])
    assert not contents.is_whole
    assert list(contents.files) == ["code/inference.py", "model.bin"]


def test_a_small_archive_that_unpacks_to_much_is_not_read_to_its_end() -> None:
    contents = contents_of(packed({"zeros.bin": bytes(17 * BEGINNING), "late.py": ""}, level=1))
    assert not contents.is_whole
    assert list(contents.files) == ["zeros.bin"]


@pytest.mark.parametrize("damaged", [b"", b"no archive", packed({"a": os.urandom(5000)})[:3000], zlib.compress(b"x")])
def test_what_is_no_whole_archive_is_an_error(damaged: bytes) -> None:
    with pytest.raises((tarfile.TarError, OSError, EOFError, zlib.error)):
        contents_of(damaged)


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("def model_fn(d): pass\nasync def a(): pass\nclass B: pass", {"model_fn", "a", "B"}),
        ("from serving import transform_fn, other as input_fn", {"transform_fn", "input_fn"}),
        ("import os, json as j\nx = y = 1\nz: int = 2", {"os", "j", "x", "y", "z"}),
        ("try:\n    import a\nexcept ImportError:\n    a = None\nif a:\n    def predict_fn(d, m): pass", None),
        ("def model_fn(d):\n    def transform_fn(): pass\n    input_fn = 1", {"model_fn"}),
        ("from serving import *", None),
        ("def broken(:", None),
        ("x = '\0'", None),
    ],
)
def test_the_functions_of_a_script(script: str, names: set[str] | None) -> None:
    contents = Contents(["inference.py"], is_whole=True, scripts={"inference.py": script.encode()})
    if script.startswith("try"):
        names = {"a", "predict_fn"}
    assert contents.functions("inference.py") == names
    assert contents.functions("missing.py") is None


def test_versions_json_and_what_a_pickle_records(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "model.joblib")
    model = (tmp_path / "model.joblib").read_bytes()
    version = LinearRegression().__getstate__()["_sklearn_version"]
    contents = contents_of(packed({"versions.json": '{"scikit-learn": "1.2.3", "a": 1}', "data/model.joblib": model}))
    assert contents.versions == {"scikit-learn": "1.2.3"}
    assert contents.pickled_with == version
    for other in ("[]", "{", '{"scikit-learn": 1}'):
        assert contents_of(packed({"versions.json": other})).versions == {}


def test_nothing_is_unpickled() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("exit 1",)

    stream = io.BytesIO()
    pickle.dump(Bomb(), stream)
    assert contents_of(packed({"model.pkl": stream.getvalue()})).pickled_with is None
