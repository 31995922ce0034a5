"""Every argument of the resources around an endpoint: Pulumi makes it, Terraform imports it and changes nothing."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bridge import states
from tests.bridge.commands import Bridge
from tests.conftest import Aws
from tests.engine.test_fields import CONFIG, make
from tests.fields import Given
from tests.stacks import create_stack

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

NO_CHANGES = 0


@pytest.fixture
def stack(aws: Aws, given: Given) -> Iterator[str]:
    """Yields the name of a stack with all resources of the table, on a local AWS whose deployments take no time."""
    aws.must("sagebridge", "local", "times", "--pace", "10000")
    name = f"t{uuid.uuid4().hex[:8]}"
    stack = create_stack(aws, name, "fields", CONFIG, lambda: make(given, changed=False))
    stack.up(color="never")
    yield f"organization/fields/{name}"
    stack.destroy(color="never")
    aws.must("sagebridge", "local", "times", "--pace", "1")


def with_only(tofu: str, bridge: Bridge, place: Path) -> Bridge:
    """Returns the bridge where OpenTofu is to be had and Terraform is not."""
    (place / "bin").mkdir()
    for command in (tofu, shutil.which("pulumi")):
        assert command
        (place / "bin" / Path(command).name).symlink_to(command)
    path = os.pathsep.join([str(place / "bin"), "/usr/bin", "/bin"])
    assert not shutil.which("terraform", path=path)
    return replace(bridge, aws=replace(bridge.aws, environment=bridge.aws.environment | {"PATH": path}))


def test_terraform_imports_every_argument_as_it_is(aws: Aws, bridge: Bridge, stack: str, tmp_path: Path) -> None:
    states.keep(aws.must("pulumi", "stack", "export", "--show-secrets", "--stack", stack))
    for form in ("json", "hcl"):
        folder = tmp_path / form
        exported = json.loads(bridge.must("export", "--stack", stack, "--out", str(folder), "--format", form, "--json"))
        assert len(exported["imports"]) == 25
        assert [item["name"].rpartition("::")[2] for item in exported["notCarried"]] == [
            "aws-appautoscaling-scheduled-action-all"
        ]
        assert "nothing would change" in bridge.must("verify", "--stack", stack, "--module", str(folder))
    if tofu := shutil.which("tofu"):
        assert "nothing would change" in with_only(tofu, bridge, tmp_path).must(
            *("verify", "--stack", stack, "--module", str(folder))
        )
    aws.must("terraform", "fmt", "-check", "-diff", cwd=folder)
    aws.must("terraform", "init", "-input=false", cwd=folder)
    attached = aws.attached_in(folder)
    applied = attached.must("terraform", "apply", "-input=false", "-auto-approve", "-no-color", cwd=folder)
    assert "25 imported, 0 added, 0 changed, 0 destroyed" in applied
    planned = attached.run("terraform", "plan", "-input=false", "-detailed-exitcode", cwd=folder)
    assert planned.returncode == NO_CHANGES, planned.stdout
