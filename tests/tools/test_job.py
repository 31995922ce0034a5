"""`make down` stops before it takes anything away from endpoints of others."""

from typing import Any

import pytest
from rich.console import Console

from tools import job
from tools.errors import ToolsError


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that are run, with a base that is applied and on which an endpoint of others stands."""
    commands: list[str] = []

    def run(_: job.Job, *command: str, **__: Any) -> str:
        commands.append(" ".join(command))
        return "[]"

    monkeypatch.setattr(job.Job, "run", run)
    monkeypatch.setattr(job, "base_is_applied", lambda: True)
    monkeypatch.setattr(job, "_endpoints_of_others", lambda _: {"scorer": "organization/team/dev"})
    monkeypatch.setattr(job, "_destroy_base", lambda _: commands.append("destroy the base"))
    return commands


def test_endpoints_of_others_stop_it_before_anything_is_destroyed(commands: list[str]) -> None:
    with pytest.raises(ToolsError, match="scorer, of the stack organization/team/dev"):
        job.down(Console(quiet=True))
    assert commands == ["sagebridge local start"]


def test_it_goes_on_when_told(commands: list[str]) -> None:
    job.down(Console(quiet=True), force=True)
    assert commands[-2:] == ["destroy the base", "sagebridge local stop"]


def test_it_goes_on_when_there_are_none(commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_endpoints_of_others", lambda _: {})
    job.down(Console(quiet=True))
    assert commands[-2:] == ["destroy the base", "sagebridge local stop"]
