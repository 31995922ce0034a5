"""The soak: what happens in it, its short form, and that it finds what is not in order."""

import io
import itertools
import subprocess
from typing import Any

import pytest
from rich.console import Console

from sagebridge import processes
from tools import soak
from tools.errors import ToolsError
from tools.soak import LONG, SHORT, Size, changed, incidents

SEED = 37
"""With this seed the short form deletes an endpoint, and kills an update of an endpoint in the middle of it."""


def test_a_seed_always_gives_the_same_incidents() -> None:
    first, again, another = (list(itertools.islice(incidents(seed, LONG), 400)) for seed in (7, 7, 8))
    assert first == again != another


def test_everything_happens_to_every_endpoint_in_a_long_soak() -> None:
    happening = list(itertools.islice(incidents(SEED, LONG), 2000))
    for first in range(0, len(happening), 4):
        assert {incident.kind for incident in happening[first : first + 4]} == set(soak.KINDS)
    assert len({(incident.stack, incident.endpoint) for incident in happening}) == 50
    assert {incident.change for incident in happening} == set(soak.CHANGES)
    assert {incident.deletion for incident in happening} == set(soak.DELETIONS)
    assert {incident.steps for incident in happening} == set(range(1, soak.MOST_STEPS + 1))


def test_a_soak_ends_after_its_rounds() -> None:
    assert len(list(incidents(SEED, Size(stacks=2, endpoints=2, rounds=3)))) == 12


@pytest.mark.parametrize("change", soak.CHANGES)
def test_a_change_is_one(change: str) -> None:
    args: dict[str, Any] = {"instance_type": soak.INSTANCE_TYPES[0], "initial_instance_count": 1}
    for number in range(1, 20):
        args, before = changed(args, change, number), args
        assert args != before


@pytest.mark.long
@pytest.mark.engine
def test_after_any_incident_one_up_is_enough() -> None:
    printed = io.StringIO()
    assert soak.run(Console(file=printed, soft_wrap=True), SHORT, SEED) == dict.fromkeys(soak.KINDS, 1)
    assert f"The seed is {SEED}" in printed.getvalue()


@pytest.mark.process
def test_a_stack_that_is_not_in_order_is_told_with_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def complete(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        """Stands for a `pulumi` that succeeds and does nothing."""
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(processes, "complete", complete)
    with pytest.raises(ToolsError) as told:
        soak.run(Console(file=io.StringIO()), Size(stacks=1, endpoints=1, rounds=0), SEED)
    assert f"not enough, with the seed {SEED}:" in told.value.message
    assert "soak0: its endpoints are {}" in told.value.message
    assert "soak0: soak0-0 answers 'An error occurred (ValidationError)" in told.value.message
