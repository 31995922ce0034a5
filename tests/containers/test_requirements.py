"""What is done about a requirements.txt where there is no registry, and without any network."""

import sys
from pathlib import Path

import pytest

from sagebridge.containers.errors import NotServedError
from sagebridge.containers.requirements import install
from tests.containers.wheels import wheel

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def registry_that_refuses(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has uv ask a port on which nobody listens, once, and without what it has in its cache."""
    for name, value in {"UV_DEFAULT_INDEX": f"{nobody}/simple", "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)


def requirements(folder: Path, text: str) -> Path:
    (folder / "requirements.txt").write_text(text)
    return folder / "requirements.txt"


def test_without_a_registry_the_environment_serves_and_the_log_says_so(tmp_path: Path) -> None:
    notes: list[str] = []
    install(
        requirements(tmp_path, "spoken-nowhere==1.0\n"),
        tmp_path / "packages",
        notes.append,
        is_isolated=False,
        python=sys.executable,
    )
    (note,) = notes
    assert "requirements.txt is not installed, because no registry answers" in note
    assert "spoken-nowhere==1.0" in note
    assert not (tmp_path / "packages").exists()


def test_what_is_installed_already_needs_no_registry(tmp_path: Path) -> None:
    install(
        requirements(tmp_path, "numpy\nflask>=2\n"),
        tmp_path / "packages",
        pytest.fail,
        is_isolated=False,
        python=sys.executable,
    )
    assert not (tmp_path / "packages").exists()


@pytest.mark.parametrize("is_isolated", [False, True])
def test_a_wheel_beside_the_requirements_needs_no_registry(tmp_path: Path, *, is_isolated: bool) -> None:
    notes: list[str] = []
    (tmp_path / "spoken-1.0-py3-none-any.whl").write_bytes(wheel("spoken", "1.0", "WORD = 'hello'"))
    file = requirements(tmp_path, "./spoken-1.0-py3-none-any.whl\nnumpy\n")
    install(file, tmp_path / "packages", notes.append, is_isolated=is_isolated, python=sys.executable)
    assert (tmp_path / "packages" / "spoken.py").read_text() == "WORD = 'hello'"
    assert "installing spoken @ file://" in notes[0]


@pytest.mark.parametrize(
    ("text", "is_isolated", "words"),
    [
        ("no such thing\n", False, "Expected one of"),
        ("-r more.txt\n", False, "more.txt"),
        ("spoken-nowhere\n", True, "a container with EnableNetworkIsolation has no network"),
    ],
)
def test_what_aws_could_not_install_either_is_refused(
    tmp_path: Path, text: str, *, is_isolated: bool, words: str
) -> None:
    with pytest.raises(NotServedError, match=r"requirements\.txt cannot be installed") as caught:
        install(
            requirements(tmp_path, text),
            tmp_path / "packages",
            pytest.fail,
            is_isolated=is_isolated,
            python=sys.executable,
        )
    assert words in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.txt"]
