"""What `verify` says where Terraform's AWS provider is not of the version that the module needs."""

import json
import re
from pathlib import Path

import pulumi_aws
import pytest

from sagebridge.bridge.terraform.cli import plan_copy
from sagebridge.bridge.terraform.provider_version import explain_provider
from sagebridge.errors import UserError
from tests.bridge.commands import Bridge
from tests.conftest import Aws
from tests.stacks import Declared

MODULE = Path("my module")
UPGRADE = "`terraform -chdir='my module' init -upgrade`"
NEWER = f"get a newer one with `make engine` in the checkout of sagebridge, or with {UPGRADE} elsewhere, and try again"
LOCK_FILE = """\
provider "registry.terraform.io/hashicorp/random" {
  version = "3.6.0"
}

provider "registry.terraform.io/hashicorp/aws" {
  version     = "6.34.0"
  constraints = "~> 6.0"
}
"""
NO_RELEASE = """\
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider hashicorp/aws:
no available releases match the given constraints ~> 6.60

To see which modules are currently depending on hashicorp/aws and what
versions are specified, run the following command:
    terraform providers
"""
GONE = """\
Could not retrieve the list of available versions for provider hashicorp/aws:
the previously-selected version 6.34.0 is no longer available
"""
ANOTHER = """\
Could not retrieve the list of available versions for provider hashicorp/aws:
locked provider registry.terraform.io/hashicorp/aws 6.34.0 does not match
configured version constraint ~> 6.60; must use terraform init -upgrade to
allow selection of new versions
"""
HCL = """\
Error: Unsupported argument

  on main.tf line 3, in resource "aws_sns_topic" "a":
   3:   maximum_message_size = 1

An argument named "maximum_message_size" is not expected here.

Error: Unsupported block type

  on main.tf line 7, in resource "aws_sagemaker_endpoint_configuration" "a":
   7:     capacity_reservation_config {

Blocks of type "capacity_reservation_config" are not expected here.

Error: Unsupported block type

Blocks of type "capacity_reservation_config" are not expected here.
"""
JSON = """\
Error: Extraneous JSON object property

  on main.tf.json line 1, in resource.aws_sns_topic.a:
   1: {"resource": {"aws_sns_topic": {"a": {"maximum_message_size": 1}}}}

No argument or block type is named "maximum_message_size".
"""
TYPE = """\
Error: Invalid resource type

The provider hashicorp/aws does not support resource type
"aws_sagemaker_training_job".
"""
UNKNOWN = "the AWS provider 6.34.0, which terraform uses here, does not know"
LOCKED = "the module's .terraform.lock.hcl names the AWS provider 6.34.0,"


@pytest.mark.parametrize(
    ("message", "explained"),
    [
        (HCL, f"{UNKNOWN} capacity_reservation_config and maximum_message_size: {NEWER}"),
        (JSON, f"{UNKNOWN} maximum_message_size: {NEWER}"),
        (TYPE, f"{UNKNOWN} aws_sagemaker_training_job: {NEWER}"),
        (NO_RELEASE, f"the module needs the AWS provider ~> 6.60, which terraform does not find here: {NEWER}"),
        (GONE, f"{LOCKED} which terraform does not find here: run {UPGRADE}, and try again"),
        (ANOTHER, f"{LOCKED} but the module needs ~> 6.60: run {UPGRADE}, and try again"),
    ],
    ids=["HCL", "JSON", "a type", "no such version", "the locked version is gone", "the locked version does not fit"],
)
def test_a_provider_of_another_version_is_one_sentence(message: str, explained: str) -> None:
    assert explain_provider(message, MODULE, "terraform", LOCK_FILE) == explained


@pytest.mark.parametrize(
    "message",
    [
        "Error: no valid credential sources found",
        NO_RELEASE.replace("hashicorp/aws", "hashicorp/random"),
        'Error: creating SNS Topic: an argument named "x" of the resource type "y" is not there',
    ],
)
def test_what_is_about_something_else_stays(message: str) -> None:
    assert explain_provider(message, MODULE, "terraform", LOCK_FILE) == message


@pytest.fixture
def module(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a module, in a process that has Terraform and its provider."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "module").mkdir()
    return tmp_path / "module"


def require(module: Path, version: str) -> None:
    """Has a module need a version of the provider."""
    required = {"aws": {"source": "hashicorp/aws", "version": version}}
    (module / "terraform.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))


@pytest.mark.terraform
@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("main.tf", 'resource "aws_sns_topic" "a" {\n  newer = 1\n  newest {}\n}\n', "newer and newest"),
        ("main.tf.json", '{"resource": {"aws_sns_topic": {"a": {"newer": 1, "newest": [{}]}}}}', "newer and newest"),
        ("main.tf", 'resource "aws_sns_newest" "a" {}\n', "aws_sns_newest"),
    ],
    ids=["HCL", "JSON", "a type"],
)
def test_what_the_provider_that_is_there_does_not_know(module: Path, file: str, text: str, names: str) -> None:
    require(module, "~> 6.0")
    (module / file).write_text(text)
    with pytest.raises(UserError) as refused:
        plan_copy(module, {})
    pattern = r"`\w+ plan` failed with exit code 1: the AWS provider 6\.\d+\.\d+, which \w+ uses here, does not know "
    assert re.match(rf"{pattern}{names}: get a newer one with `make engine` ", refused.value.message)
    assert "\n" not in refused.value.message


@pytest.mark.terraform
def test_a_version_that_is_not_there(module: Path) -> None:
    require(module, "~> 6.999")
    with pytest.raises(UserError, match=r"the module needs the AWS provider ~> 6\.999, which \w+ does not find here: "):
        plan_copy(module, {})


@pytest.mark.terraform
def test_a_lock_file_with_a_version_that_is_not_there(module: Path) -> None:
    require(module, "~> 6.0")
    provider = 'provider "registry.terraform.io/hashicorp/aws" {\n  version = "6.999.0"\n  hashes  = ["h1:AAAA"]\n}\n'
    (module / ".terraform.lock.hcl").write_text(provider)
    with pytest.raises(UserError, match=r"names the AWS provider 6\.999\.0, which \w+ does not find here: run `"):
        plan_copy(module, {})


@pytest.mark.engine
@pytest.mark.terraform
def test_verify_of_an_export_with_a_newer_argument(aws: Aws, declared: Declared, tmp_path: Path) -> None:
    def program() -> None:
        pulumi_aws.sns.Topic("notices")

    declared.program = program
    declared.up()
    bridge = Bridge(aws, Path(declared.work_dir))
    module = tmp_path / "a module"
    bridge.must("export", "--stack", declared.name, "--out", str(module))
    bridge.must("verify", "--stack", declared.name, "--module", str(module))
    document = json.loads((module / "main.tf.json").read_text())
    document["resource"]["aws_sns_topic"]["notices"]["newer"] = 1
    (module / "main.tf.json").write_text(json.dumps(document))
    message = bridge.fails("verify", "--stack", declared.name, "--module", str(module))
    assert "does not know newer: get a newer one with `make engine` in the checkout of sagebridge, or with `" in message
    assert f"-chdir='{module}' init -upgrade` elsewhere" in message
