"""Each example goes to Terraform, which imports all of it and changes nothing."""

import json
from pathlib import Path

import pytest

from tests.bridge.commands import Bridge
from tests.conftest import Aws
from tests.stacks import PREDICTING, Stack

NOT_CARRIED = {"pipeline": {"aws_s3_object.preprocess, content_base64"}}
"""What cannot be imported, as AWS does not tell it."""


@pytest.mark.engine
@pytest.mark.terraform
@pytest.mark.parametrize("name", PREDICTING)
def test_an_example_exports_to_a_plan_without_changes(aws: Aws, example: Stack, name: str, tmp_path: Path) -> None:
    example.up()
    bridge, module = Bridge(aws, Path(example.work_dir)), tmp_path / "module"
    exported = json.loads(bridge.must("export", "--stack", example.name, "--out", str(module), "--json"))
    kinds = [address.partition(".")[0] for address in exported["imports"]]
    assert kinds.count("aws_sagemaker_endpoint") == len(example.outputs())
    not_carried = {item["name"] for item in exported["notCarried"] if "nothing in AWS" not in item["reason"]}
    assert not_carried == NOT_CARRIED.get(name, set())
    assert "nothing would change" in bridge.must("verify", "--stack", example.name, "--module", str(module))
