"""A program's file is run as the engine runs it, and each run is a new one."""

from pathlib import Path

import pulumi
import pytest

from sagebridge.errors import UserError
from sagebridge.testing import MockedEngine

PROJECT = """
name: shop
runtime: python
config:
  size: {type: integer, default: 3}
  tags: {type: object, default: {team: ml}}
  enabled: {type: boolean, default: true}
  name: {type: string}
  aws:region: {value: eu-west-1}
  plain: text
"""
PROGRAM = """
import pathlib
import pulumi
import shared

config = pulumi.Config()
pulumi.export("config", [config.require_int("size"), config.require_object("tags"), config.require_bool("enabled")])
pulumi.export("texts", [config.get("name"), config.require("plain"), pulumi.Config("aws").require("region")])
pulumi.export("where", [pulumi.get_project(), pulumi.get_stack(), pathlib.Path("data.txt").read_text()])
pulumi.export("runs", shared.runs)
pulumi.export("secret", pulumi.Output.secret("hunter2"))
pulumi.export("preview", pulumi.runtime.is_dry_run())
shared.runs += 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a shop"
    folder.mkdir()
    for name, text in {
        "Pulumi.yaml": PROJECT,
        "__main__.py": PROGRAM,
        "shared.py": "runs = 1",
        "data.txt": "d",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("named", [".", "__main__.py"])
def test_a_program_has_its_project_its_folder_and_its_defaults(
    sagebridge_mocks: MockedEngine, project: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.chdir(project)
    program = sagebridge_mocks.run(named, {"name": "scorer"})
    assert program.outputs == {
        "config": [3, {"team": "ml"}, True],
        "texts": ["scorer", "text", "eu-west-1"],
        "where": ["shop", "test", "d"],
        "runs": 1,
        "secret": "hunter2",
        "preview": False,
    }


def test_each_run_is_new(sagebridge_mocks: MockedEngine, project: Path) -> None:
    before = Path.cwd()
    first = sagebridge_mocks.run(project, {"size": 4, "tags": {}, "enabled": False})
    second = sagebridge_mocks.run(project / "__main__.py", preview=True)
    assert first.outputs["config"] == [4, {}, False]
    assert second.outputs["config"] == [3, {"team": "ml"}, True]
    assert (first.outputs["runs"], second.outputs["runs"]) == (1, 1)
    assert (first.outputs["preview"], second.outputs["preview"]) == (False, True)
    assert len(first.resources) == len(second.resources)
    assert Path.cwd() == before


def test_a_program_that_fails_fails_the_test_and_leaves_nothing(sagebridge_mocks: MockedEngine) -> None:
    def fails() -> None:
        pulumi.Output.from_input("x").apply(lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        sagebridge_mocks.run(fails)
    sagebridge_mocks.run(lambda: pulumi.export("works", 1))


def test_a_file_without_a_project_is_refused(sagebridge_mocks: MockedEngine, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").touch()
    with pytest.raises(UserError, match="there is no Pulumi"):
        sagebridge_mocks.run(tmp_path)
