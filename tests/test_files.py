"""Whole-file writes: nothing of a broken one is seen, and each file has the mode that it should have."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sagebridge.errors import UserError
from sagebridge.files import PRIVATE, open_whole, whole_folder, write_file, write_folder, write_new_file


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_text_and_bytes_are_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_file(file, "é")
    assert file.read_bytes() == b"\xc3\xa9"
    write_file(file, b"\xff")
    assert file.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_file_has_the_usual_mode_and_a_file_that_is_there_keeps_its_own(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_file(file, "")
    assert mode(file) == 0o644
    file.chmod(0o640)
    write_file(file, "")
    assert mode(file) == 0o640


def test_a_private_file_is_private_from_the_first_moment_on(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(0o644)
    with open_whole(file, PRIVATE):
        (temporary,) = set(tmp_path.iterdir()) - {file}
        assert mode(temporary) == PRIVATE
    assert mode(file) == PRIVATE


def test_after_an_error_the_file_is_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    with pytest.raises(TypeError), open_whole(file) as opened:
        opened.writelines([b"half", None])  # type: ignore[list-item]
    with pytest.raises(UserError, match="not Unicode"):
        write_file(file, "\ud800")
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none/file cannot be written: No such file or directory"):
        write_file(tmp_path / "none" / "file", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="folder cannot be written: Is a directory"):
        write_file(tmp_path / "folder", "")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_several_writers_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    contents = [letter * 100_000 for letter in "abcdefgh"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_file(tmp_path / "file", content), contents * 5))
    assert (tmp_path / "file").read_text() in contents
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    write_new_file(tmp_path / "file", b"first")
    write_new_file(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    with pytest.raises(UserError, match="folder cannot be written"):
        write_folder(folder, {"a": "a", "b": "\ud800"})
    assert list((tmp_path / "deep").iterdir()) == []
    write_folder(folder, {"a": "a", "b": "b"})
    (folder / "mine").touch()
    with pytest.raises(UserError, match="folder cannot be written"):
        write_folder(folder, {"a": "new", "b": "\ud800"})
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"a": "a", "b": "b", "mine": ""}
    assert mode(folder) == 0o755


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "folder"

    def interrupted() -> None:
        with whole_folder(folder) as half:
            (half / "a").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    with whole_folder(folder) as whole:
        (whole / "a").touch()
        assert not folder.exists()
    assert list(tmp_path.rglob("*")) == [folder, folder / "a"]
    assert mode(folder) == 0o755
