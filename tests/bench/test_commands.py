"""The commands that are measured are commands that there are."""

from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from bench import artifacts, bridge, processes
from sagebridge.cli import main

ARCHIVE_COMMANDS = artifacts.commands_of(SimpleNamespace(url="http://127.0.0.1:1"), Path("folder"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "command",
    [
        *(commands[artifacts.OURS] for commands in ARCHIVE_COMMANDS.values()),
        *bridge.commands_of(Path("module")).values(),
    ],
    ids=lambda command: str(command[1]),
)
def test_our_command_takes_its_arguments(command: tuple[str | Path, ...]) -> None:
    executable, name, *arguments = map(str, command)
    assert executable == processes.SAGEBRIDGE
    assert Path(executable).is_file()
    context = main.commands[name].make_context(name, arguments)
    assert isinstance(context, click.Context)
