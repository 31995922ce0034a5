"""Scratch stacks on the real engine: in any shell, and of which nothing is left."""

import json
import os
from pathlib import Path

import pulumi
import pytest

from sagebridge.errors import UserError
from sagebridge.scratch_stack import scratch_stack
from tests.conftest import Aws
from tests.processes import Marked

pytestmark = pytest.mark.engine


@pytest.fixture
def marked(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Marked:
    """Marks the processes that the test starts; `pulumi` is on its PATH."""
    marked = Marked()
    for name, value in {"PATH": aws.environment["PATH"], **marked.environment}.items():
        monkeypatch.setenv(name, value)
    return marked


@pytest.mark.parametrize(
    "shell",
    [
        {},
        {"PULUMI_DIY_BACKEND_LEGACY_LAYOUT": "true", "PULUMI_DIY_BACKEND_GZIP": "true"},
        {"PULUMI_STACK": "other", "PULUMI_CONFIG": '{"shop:size": "9"}', "PULUMI_CONFIG_PASSPHRASE_FILE": "/none"},
        {"PULUMI_BACKEND_URL": "s3://none", "PULUMI_CONFIG_PASSPHRASE": ""},
    ],
)
def test_a_stack_has_a_state_settings_and_secrets_in_any_shell(
    marked: Marked, monkeypatch: pytest.MonkeyPatch, shell: dict[str, str]
) -> None:
    for name, value in shell.items():
        monkeypatch.setenv(name, value)

    def program() -> None:
        config = pulumi.Config("shop")
        pulumi.export("size", config.require_int("size"))
        pulumi.export("process", os.getpid())
        pulumi.export("token", config.require_secret("token"))

    with scratch_stack("shop", "dev", {"shop:size": "3"}) as stack:
        stack.run("config", "set", "shop:token", "--secret", stdin="hidden")
        stack.run_with(program, "up", "--yes", "--skip-preview")
        assert json.loads(stack.run("stack", "output", "--json", "--show-secrets")) == {
            "size": 3,
            "process": os.getpid(),
            "token": "hidden",
        }
        assert not any(b"hidden" in file.read_bytes() for file in stack.folder.rglob("*") if file.is_file())
    assert not stack.folder.exists()
    assert marked.running() == {}


def test_a_program_that_fails_leaves_nothing(marked: Marked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagebridge.scratch.MEMORY", tmp_path)

    def program() -> None:
        raise pulumi.RunError("the shop is closed")

    with (
        pytest.raises(UserError, match=r"(?s)`pulumi preview` failed .*the shop is closed"),
        scratch_stack("shop", "dev", {}) as stack,
    ):
        stack.run_with(program, "preview")
    assert list(tmp_path.iterdir()) == []
    assert marked.running() == {}
