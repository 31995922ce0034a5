"""The folder of an exported module: nothing of anyone else's is lost in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from sagebridge.bridge.export.folder import Manifest, check_folder, read_manifest, write_module
from sagebridge.bridge.export.translate import Export, Import
from sagebridge.bridge.stack.state import Stack
from sagebridge.bridge.terraform.blocks import Block
from sagebridge.bridge.verify import outdated_imports
from sagebridge.errors import UserError

STACK = Stack("dev", "shop", "", "", (), {})
ABOUT: dict[str, Any] = {"stack": "dev", "project": "shop", "time": "", "imports": {"aws_x.a": "a"}, "variables": {}}


def write(folder: Path, form: str = "json", text: str = "é") -> Manifest:
    blocks = (Block(("resource", "aws_x", "a"), {"name": text}),)
    export = Export(blocks, {"aws_x.a": Import("a", "urn")}, {}, ())
    return write_module(STACK, export, folder, form, check_folder(folder))


def content(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_new_folder_and_an_empty_one_are_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "deep" / "new", tmp_path / "empty"):
        write(folder)
        assert content(folder).keys() == {"main.tf.json", "README.md", "bridge.json"}
        assert read_manifest(folder).imports == {"aws_x.a": "a"}
        assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_another_export_keeps_what_was_added_and_takes_the_other_format_away(tmp_path: Path) -> None:
    folder = tmp_path / "module"
    write(folder)
    (folder / "backend.tf").write_text("mine")
    write(folder, "hcl")
    assert content(folder).keys() == {"main.tf", "README.md", "bridge.json", "backend.tf"}
    assert (folder / "backend.tf").read_text() == "mine"


@pytest.mark.parametrize("name", ["main.tf", "bridge.tf", ".terraform"])
def test_a_folder_of_someone_elses_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="not overwritten"):
        write(tmp_path)
    assert content(tmp_path) == {name: "mine"}


def test_files_that_were_changed_are_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "module"
    write(folder)
    (folder / "main.tf.json").write_text("mine")
    before = content(folder)
    with pytest.raises(UserError, match=r"main\.tf\.json.*changed"):
        write(folder)
    assert content(folder) == before


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"stack": 1}', json.dumps(ABOUT | {"files": {"a": 1}}), "\ud800"])
def test_a_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bridge.json").write_text(text, errors="surrogatepass")
    with pytest.raises(UserError, match=r"bridge\.json"):
        read_manifest(tmp_path)
    with pytest.raises(UserError, match=r"bridge\.json"):
        write(tmp_path)


def test_where_nothing_can_be_written_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "module"):
        with pytest.raises(UserError):
            write(folder)
    with pytest.raises(UserError, match="cannot be written"):
        write(tmp_path / "module", text="\ud800")
    assert content(tmp_path) == {"file": "mine"}


def test_a_module_that_is_older_than_the_stack_is_named() -> None:
    export = Export((), {f"aws_x.{name}": Import(name, "urn") for name in "abc"}, {}, ())
    assert outdated_imports({"aws_x.a": "a", "aws_x.b": "b", "aws_x.c": "c"}, export) == []
    assert outdated_imports({"aws_x.a": "a", "aws_x.b": "old", "aws_x.d": "d"}, export) == [
        "aws_x.d: is not the stack's any more: export it again",
        "aws_x.c: is the stack's by now, and not in the module: export it again",
        "aws_x.b: is b by now, not old: export it again",
    ]
