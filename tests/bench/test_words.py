"""The words that take minutes: what runs, in which order, and whose caches are used and removed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import first_hour, processes, words
from bench.first_hour import ALL
from tools.paths import CHECKOUT

UP = "Engine             5 min 26 s\nModel              3.9 s\n"


def test_words_run_in_new_clones_and_what_has_empty_caches_in_a_home_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[str] = []
    homes: dict[str, str | None] = {}

    def output(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], _: float = 0) -> str:
        commands.append(f"{cwd.name}: {' '.join(map(str, command))}".replace(str(cwd), "…"))
        homes[commands[-1]] = env.get("HOME")
        return UP

    def go(command: Sequence[str], *, env: Mapping[str, str], check: bool) -> None:
        assert (list(command), check) == (["go", "clean", "-modcache"], False)
        assert Path(env["GOMODCACHE"]).is_relative_to(env["HOME"])
        homes["go"] = env["HOME"]

    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("GOMODCACHE", "/home/somebody/modules")
    monkeypatch.setattr(processes, "output", output)
    monkeypatch.setattr(words, "subprocess", SimpleNamespace(run=go))
    figures = words.measure(lambda _: None, long=True)
    *_, cold = homes.values()
    assert cold != "/home/somebody"
    assert [(command.partition(": ")[2], homes[command] == cold) for command in commands] == [
        (f"git clone --quiet {CHECKOUT} …/warm", False),
        ("make .venv/packages.stamp", False),
        ("make unit", False),
        (".ci/run", False),
        (f"git clone --quiet {CHECKOUT} …/cold", True),
        ("make up", True),
        ("make down", True),
    ]
    engine = figures.get(words.COLD, "Engine")
    assert engine
    assert engine.median == 326.0
    assert {figure.what for figure in figures if figure.by == ALL} == {words.UNIT, words.CI, words.COLD}


def test_a_home_of_its_own_has_no_cache_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_CACHE_HOME", "GOPATH", "GOCACHE", "PIP_CACHE_DIR"):
        monkeypatch.setenv(name, "/home/somebody")
    assert "/home/somebody" not in first_hour.environment(tmp_path).values()
    assert first_hour.environment()["GOPATH"] == "/home/somebody"
