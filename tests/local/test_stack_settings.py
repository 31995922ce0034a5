"""`sagebridge local configure pulumi`, with a stand-in for `pulumi`; the real one is in the engine's ring."""

import json
import os
from pathlib import Path

import pytest
import yaml

from sagebridge.errors import UserError
from sagebridge.local import REGION, stack_settings
from tools.paths import STACK_SETTINGS

pytestmark = pytest.mark.process

PULUMI = """#!/usr/bin/env python3
import json, os, sys
from pathlib import Path

file = Path(os.environ["FAKE_PULUMI"])
config = json.loads(file.read_text())
words = [word for word in sys.argv[1:] if word not in ("--non-interactive", "--color", "never")]
if words[:2] == ["stack", "--show-name"]:
    print("dev")
elif words[:2] == ["config", "--json"]:
    print(json.dumps(config))
elif words[:2] == ["config", "set-all"]:
    for pair in words[5::2]:
        key, _, value = pair.partition("=")
        config[key] = {"value": value, "secret": False}
elif words[:2] == ["config", "rm-all"]:
    for key in words[4:]:
        del config[key]
else:
    sys.exit(f"error: {words}")
file.write_text(json.dumps(config))
"""


class Stack:
    """The configuration of a stack."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set(self, **settings: str) -> None:
        self._file.write_text(
            json.dumps({name.replace("_", ":"): {"value": value} for name, value in settings.items()})
        )

    @property
    def settings(self) -> dict[str, str]:
        return {name: entry["value"] for name, entry in json.loads(self._file.read_text()).items()}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    command = tmp_path / "pulumi"
    command.write_text(PULUMI)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_PULUMI", str(tmp_path / "config.json"))
    made = Stack(tmp_path / "config.json")
    made.set()
    return made


@pytest.mark.parametrize("region", [REGION, "eu-west-1"])
def test_the_settings_come_and_go(stack: Stack, region: str) -> None:
    own = {"project:model": "m.tar.gz", "aws:region": region, "aws:defaultTags": "…"}
    stack.set(**{name.replace(":", "_"): value for name, value in own.items()})
    assert stack_settings.configure(None) == "dev"
    assert stack.settings == {**own, **stack_settings.SETTINGS}
    assert stack_settings.configure("dev") == "dev"
    assert stack_settings.remove(None) == ("dev", True)
    assert stack.settings == own
    assert stack_settings.remove("dev") == ("dev", False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws_profile", "prod"),
        ("aws_accessKey", "AKIAREAL"),
        ("aws_endpoints", None),
        ("aws_maxRetries", None),
        ("aws_assumeRoles", None),
        ("aws_skipRequestingAccountId", "false"),
        ("aws_settingOfTheNextVersion", "x"),
    ],
)
def test_settings_that_lead_elsewhere_are_refused_and_stay(stack: Stack, key: str, value: str) -> None:
    stack.set(**{key: value})
    name = key.replace("_", ":")
    with pytest.raises(UserError, match=f"'dev' has settings of its own for AWS: {name}. .*pulumi stack init local"):
        stack_settings.configure("dev")
    assert stack.settings == {name: value}


def test_what_a_person_has_changed_since_stays(stack: Stack) -> None:
    stack_settings.configure("dev")
    stack.set(aws_profile="prod", aws_maxRetries="2")
    stack_settings.remove("dev")
    assert stack.settings == {"aws:profile": "prod"}


def test_the_checkouts_stack_has_the_same_settings() -> None:
    (settings,) = yaml.safe_load(STACK_SETTINGS.read_text()).values()
    assert settings == {**stack_settings.SETTINGS, "aws:region": REGION}
