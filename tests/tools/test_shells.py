"""The page of all variables, and what the Makefile lets through."""

import shutil
import subprocess
from pathlib import Path

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, DEFAULT_S3_CONFIG_VARS

from sagebridge.local.environment import RULES, Decision, rule_for
from sagebridge.user_cache import user_cache
from tests.conftest import ROOT
from tools import shells, variables

PREFIXES = ("AWS_", "BOTO", "TF_", "PULUMI_")


def test_the_page_is_fresh() -> None:
    assert shells.PAGE.read_text() == shells.page(), "make docs"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_no_rule_knows_is_unset(prefix: str) -> None:
    rule = rule_for(f"{prefix}OF_THE_NEXT_VERSION")
    assert rule is not None
    assert rule.decision == Decision.UNSET


def test_each_variable_of_botocore_is_on_the_page() -> None:
    known = {**BOTOCORE_DEFAUT_SESSION_VARIABLES, **DEFAULT_S3_CONFIG_VARS}.values()
    names = {
        name for _, variable, *_ in known for name in ([variable] if isinstance(variable, str) else variable or [])
    }
    assert "AWS_CONFIG_FILE" in names
    assert names <= {name for listed in shells.READ.values() for name in listed}


def test_each_rule_is_on_the_page() -> None:
    listed = [name for names in shells.READ.values() for name in names]
    deciding = [rule_for(name, rules) for name in listed for rules in (RULES, variables.RULES)]
    assert [rule for rule in variables.RULES if rule not in deciding] == []


def shown_by_make(environment: dict[str, str]) -> dict[str, str]:
    """Returns the environment of what the Makefile runs, and the folder that it gives mypy."""
    done = subprocess.run(
        ["make", "-s", "-f", "Makefile", "-f", "-", "show"],
        cwd=ROOT,
        input="show: ; @env; echo 'MYPY_CACHE=$(MYPY_CACHE)'",
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.process
@pytest.mark.parametrize("folder", [None, "", "relative", "/caches", "/many words/caches"])
def test_mypy_keeps_its_results_in_a_folder_that_all_checkouts_share_and_nothing_else_is_told_of(
    monkeypatch: pytest.MonkeyPatch, folder: str | None
) -> None:
    environment = {"HOME": "/home/me", "MYPY_CACHE_DIR": "/elsewhere"}
    monkeypatch.setenv("HOME", "/home/me")
    if folder is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        environment["XDG_CACHE_HOME"] = folder
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
    shown = shown_by_make(environment)
    assert shown["MYPY_CACHE"] == str(user_cache() / "mypy")
    assert "MYPY_CACHE_DIR" not in shown


@pytest.mark.process
def test_the_makefile_keeps_where_packages_come_from_and_nothing_else() -> None:
    kept = {
        "PIP_INDEX_URL": "https://pypi.acme.io",
        "UV_INDEX_ACME_USERNAME": "ci",
        "PYTHONUTF8": "1",
        "HTTPS_PROXY": "x",
    }
    dropped = ("PIP_TARGET", "PIP_USER", "UV_SYSTEM_PYTHON", "UV_PYTHON", "PYTHONPATH", "PYTHONSAFEPATH", "BASH_ENV")
    shown = shown_by_make({**kept, **dict.fromkeys(dropped, "x")})
    assert {name: shown[name] for name in kept} == kept
    assert not {*dropped} & shown.keys()


@pytest.mark.process
def test_make_env_without_its_packages_stops_what_follows(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "components").mkdir()
    shutil.copy(ROOT / "components" / "pyproject.toml", tmp_path / "components")
    script = 'eval "$(make -s env PYTHON=false)" && echo goes on'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Python 3.11 or newer is needed" in done.stderr
