"""The commands that are measured are commands that there are, and one that fails or hangs says so."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from bench import artifacts, bridge, processes
from sagebridge.cli import main
from tests.conftest import ROOT

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


@pytest.mark.process
@pytest.mark.parametrize(
    "run",
    [
        pytest.param(
            lambda: processes.output(["sh", "-c", "echo begun; sleep 60"], ROOT, os.environ, 0.5), id="output"
        ),
        pytest.param(lambda: processes.peak(["sh", "-c", "echo begun; sleep 60"], ROOT, os.environ), id="peak"),
    ],
)
def test_a_command_that_hangs_ends_with_what_it_printed(
    monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]
) -> None:
    monkeypatch.setattr(processes, "SECONDS", 0.5)
    with pytest.raises(
        processes.CommandFailed, match=r"sh -c echo begun; sleep 60 took longer than 0\.5 s:\n(begun\n)?$"
    ):
        run()


@pytest.mark.parametrize("run", [processes.output, processes.seconds, processes.peak])
def test_a_command_that_fails_says_what_it_printed(run: Callable[..., object]) -> None:
    with pytest.raises(processes.CommandFailed, match="failed:\nno such endpoint\n"):
        run(["sh", "-c", "echo no such endpoint >&2; exit 3"], ROOT, os.environ)
