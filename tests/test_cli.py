"""The one command line over the rooms: one look, quick help, and a line that names a missing extra."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sagebridge import extras
from sagebridge.cli import main
from tests.test_docs import ROOT


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(path, command, id=" ".join(path)) for path, command in commands()]
)
def test_every_command_and_option_has_a_sentence_of_help(path: tuple[str, ...], command: click.Command) -> None:
    result = CliRunner().invoke(main, [*path, "--help"])

    assert result.exit_code == 0
    assert command.help
    silent = [option.opts for option in command.params if isinstance(option, click.Option) and not option.help]
    assert silent == []


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_a_call_that_is_wrong_exits_with_2(path: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, [*path, "--no-such-option"]).exit_code == 2


def test_the_short_help_of_every_command_fits_on_a_line() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output.partition("Commands:")[2].splitlines()
    assert len(listed) > len(main.commands)
    assert [line for line in listed if line.endswith("...")] == []


@pytest.mark.process
@pytest.mark.parametrize("module", ["boto3", "pulumi", "rich", "moto", "flask", "sklearn", "numpy"])
def test_help_does_not_import_what_only_some_commands_need(module: str, imported_by_help: set[str]) -> None:
    assert module not in imported_by_help


@pytest.fixture(scope="module")
def imported_by_help() -> set[str]:
    code = "import sys, sagebridge.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(("arguments", "extra"), [(["check"], "model"), (["local", "start"], "local")])
def test_a_command_names_the_extra_that_it_lacks(
    arguments: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: this command needs joblib, ")
    assert result.stderr.endswith(f"which come with: pip install 'sagebridge[{extra}]'\n")


def test_all_relative_paths_are_of_the_directory_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "Pulumi.yaml").write_text("name: shop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    beside = CliRunner().invoke(main, ["invoke"])
    inside = CliRunner().invoke(main, ["-C", "shop", "invoke"])
    packaged = CliRunner().invoke(main, ["-C", "shop", "package", "--model", "none.joblib"])

    assert f"there is no Pulumi.yaml in {tmp_path}" in beside.stderr
    assert inside.stderr.startswith("project shop, stack dev\n")
    assert "none.joblib" in packaged.stderr
    assert Path.cwd() == tmp_path


def test_a_directory_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["-C", str(tmp_path / "none"), "invoke"])
    assert result.exit_code == 2
    assert f"Directory '{tmp_path}/none' does not exist" in result.stderr


def test_the_extras_are_those_of_the_package() -> None:
    package = tomllib.loads((ROOT / "components" / "pyproject.toml").read_text())["project"]
    assert extras.MODULES.keys() == package["optional-dependencies"].keys()
