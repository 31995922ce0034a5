"""The folder of an exported module: nothing of anyone else's is lost in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge import module_folder
from bridge.errors import BridgeError

ABOUT: dict[str, Any] = {"stack": "dev", "project": "shop", "time": "", "imports": {"aws_x.a": "a"}, "variables": {}}
FILES = {"main.tf.json": "{}\n", "README.md": "# é\n"}


def write(folder: Path, files: dict[str, str] | None = None) -> None:
    module_folder.write(folder, FILES if files is None else files, ABOUT)


def content(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_new_folder_and_an_empty_one_are_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "deep" / "new", tmp_path / "empty"):
        write(folder)
        assert content(folder).keys() == {*FILES, "bridge.json"}
        assert module_folder.read(folder).imports == {"aws_x.a": "a"}
        assert [one.name for one in folder.parent.iterdir() if one.name.startswith(".")] == []


def test_another_export_keeps_what_was_added_and_takes_the_other_format_away(tmp_path: Path) -> None:
    folder = tmp_path / "module"
    write(folder)
    (folder / "backend.tf").write_text("mine")
    write(folder, {"main.tf": "x", "README.md": "y"})
    assert content(folder).keys() == {"main.tf", "README.md", "bridge.json", "backend.tf"}
    assert (folder / "backend.tf").read_text() == "mine"


@pytest.mark.parametrize("name", ["main.tf", "bridge.tf", ".terraform"])
def test_a_folder_of_someone_elses_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(BridgeError, match="not overwritten"):
        write(tmp_path)
    assert content(tmp_path) == {name: "mine"}


def test_files_that_were_changed_are_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "module"
    write(folder)
    (folder / "main.tf.json").write_text("mine")
    before = content(folder)
    with pytest.raises(BridgeError, match=r"main\.tf\.json.*changed"):
        write(folder)
    assert content(folder) == before


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"stack": 1}', json.dumps(ABOUT | {"files": {"a": 1}}), "\ud800"])
def test_a_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bridge.json").write_text(text, errors="surrogatepass")
    with pytest.raises(BridgeError, match=r"bridge\.json"):
        module_folder.read(tmp_path)
    with pytest.raises(BridgeError, match=r"bridge\.json"):
        write(tmp_path)


def test_where_nothing_can_be_written_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "module"):
        with pytest.raises(BridgeError):
            write(folder)
    with pytest.raises(BridgeError, match="cannot be written"):
        write(tmp_path / "module", {"main.tf": "\ud800"})
    assert content(tmp_path) == {"file": "mine"}
