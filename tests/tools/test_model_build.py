"""What makes `make up` train and pack the article's model again."""

import platform
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import model_build


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a model, its archive, and two installed packages, for which nothing is kept yet."""
    for name in (
        "model/train.py",
        "model/data/houses.csv",
        "components/sagebridge/model/archive.py",
        "build/model.joblib",
        "build/model.tar.gz",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    for package in ("scikit_learn-1.9.1", "joblib-1.6.0"):
        (tmp_path / "packages" / f"{package}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(model_build, "CHECKOUT", tmp_path)
    monkeypatch.setattr(model_build, "_BUILT", tmp_path / "built")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "packages"))
    return tmp_path


def test_what_was_never_built_is_not_current(checkout: Path) -> None:
    assert checkout
    assert not model_build.is_current()


def test_what_was_built_is_current_until_something_changes(checkout: Path) -> None:
    model_build.keep()
    assert model_build.is_current()
    (checkout / "model" / "__pycache__").mkdir()
    (checkout / "model" / "__pycache__" / "train.cpython-311.pyc").write_bytes(b"\0")
    assert model_build.is_current()


CHANGES: dict[str, Callable[[Path], object]] = {
    "the data": lambda folder: (folder / "model/data/houses.csv").write_text("other"),
    "data of another kind": lambda folder: (folder / "model/data/houses.parquet").touch(),
    "the training": lambda folder: (folder / "model/train.py").write_text("other"),
    "a new module": lambda folder: (folder / "model/features.py").touch(),
    "a module that is gone": lambda folder: (folder / "model/train.py").unlink(),
    "a module that is moved": lambda folder: (folder / "model/train.py").rename(folder / "model/data/train.py"),
    "the code that packs": lambda folder: (folder / "components/sagebridge/model/archive.py").write_text("other"),
    "a model trained by hand": lambda folder: (folder / "build/model.joblib").write_text("other"),
    "an archive packed by hand": lambda folder: (folder / "build/model.tar.gz").write_text("other"),
    "an archive that is gone": lambda folder: (folder / "build/model.tar.gz").unlink(),
    "another version of a package": lambda folder: (folder / "packages/scikit_learn-1.9.1.dist-info").rename(
        folder / "packages/scikit_learn-1.9.2.dist-info"
    ),
    "another Python": lambda _: None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(checkout: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model_build.keep()
    CHANGES[change](checkout)
    if change == "another Python":
        monkeypatch.setattr(platform, "python_version", lambda: "3.14.0")
    assert not model_build.is_current()
