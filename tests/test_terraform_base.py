"""Pure and mocks: the base's outputs, by the form of one config value."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sagebridge.terraform_base import TerraformBase, typed_outputs
from sagebridge.testing.mocks import EngineError
from tests.mocks import ROLE, Monitor, World

Run = Callable[[Callable[[], object]], Monitor]
OUTPUTS = {"bucket_name": "models", "execution_role_arn": ROLE, "model_prefix": "models"}


def test_another_form_of_location_is_one_line() -> None:
    with pytest.raises(pulumi.RunError, match="'gcs://a/b' is not the location of a Terraform state") as refused:
        TerraformBase.read("gcs://a/b")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"bucket_name": "b"}, "has no output 'execution_role_arn' (it has: bucket_name)"),
        ({}, "has no output 'bucket_name' (it has: none)"),
        ({"bucket_name": ["b"]}, "'bucket_name' of the Terraform state here must be a non-empty string, not list"),
        ({"bucket_name": ""}, "not an empty one"),
        ({"bucket_name": None}, "has no output 'bucket_name'"),
    ],
)
def test_a_wrong_output_is_named_with_its_state(outputs: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        typed_outputs(outputs, "here", {})
    assert said in str(refused.value)
    assert "here" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_wrong_value_is_not_shown_as_it_may_be_a_secret() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        typed_outputs({"bucket_name": ["hunter2"]}, "here", {})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("location", "token", "arguments"),
    [
        ("/base.tfstate", "terraform:state:getLocalReference", {"path": "/base.tfstate"}),
        (
            "s3://states/base",
            "terraform:state:getS3Reference",
            {"bucket": "states", "key": "base", "region": "eu-west-1", "profile": None},
        ),
        (
            "s3://states/base?region=eu-north-1&profile=ops",
            "terraform:state:getS3Reference",
            {"bucket": "states", "key": "base", "region": "eu-north-1", "profile": "ops"},
        ),
        (
            "remote://acme/base?hostname=tfe.acme.com",
            "terraform:state:getRemoteReference",
            {"hostname": "tfe.acme.com", "organization": "acme", "workspaces": {"name": "base"}},
        ),
        (
            "remote://acme/base",
            "terraform:state:getRemoteReference",
            {"organization": "acme", "workspaces": {"name": "base"}},
        ),
    ],
)
def test_each_form_is_read_with_its_own_call(
    run: Run, world: World, location: str, token: str, arguments: dict[str, Any]
) -> None:
    read: list[TerraformBase] = []
    run(lambda: read.append(TerraformBase.read(location, region="eu-west-1")))
    assert read == [TerraformBase(bucket_name="models", execution_role_arn=ROLE, model_prefix="models")]
    (call,) = world.calls
    assert call.token == token
    assert {name: call.args.get(name) for name in arguments} == arguments


def test_a_relative_path_is_made_absolute_as_the_plugin_runs_elsewhere(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read(run, "base.tfstate")
    assert world.calls[0].args == {"path": str(tmp_path / "base.tfstate"), "workspaceDir": str(tmp_path)}


def state_file(folder: Path, **sensitive: bool) -> str:
    path = folder / "base.tfstate"
    outputs = {name: {"value": None, "type": "string", "sensitive": mark} for name, mark in sensitive.items()}
    path.write_text(json.dumps({"version": 4, "outputs": outputs}))
    return str(path)


def is_secret(output: pulumi.Output[object]) -> bool:
    return asyncio.new_event_loop().run_until_complete(output.is_secret())


def read(run: Run, location: str, **arguments: Any) -> TerraformBase:
    found: list[TerraformBase] = []
    run(lambda: found.append(TerraformBase.read(location, **arguments)))
    return found[0]


def test_a_sensitive_output_is_a_secret_and_the_others_are_plain(run: Run, world: World, tmp_path: Path) -> None:
    world.terraform_outputs = {**OUTPUTS, "token": "hunter2", "subnets": ["a"]}
    base = read(run, state_file(tmp_path, token=True, subnets=False))
    assert base.outputs["subnets"] == ["a"]
    assert is_secret(base.outputs["token"])


def test_outputs_of_hcp_are_secrets_by_name(run: Run, world: World) -> None:
    world.terraform_outputs = {**OUTPUTS, "token": "hunter2", "plain": "p"}
    base = read(run, "remote://acme/base", secret_outputs=["token"])
    assert is_secret(base.outputs["token"])
    assert base.outputs["plain"] == "p"


def test_the_bases_own_outputs_must_not_be_sensitive(run: Run, tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"'bucket_name' of the Terraform state .* must not be sensitive"):
        read(run, state_file(tmp_path, bucket_name=True))


def test_a_state_that_cannot_be_read_is_one_line_that_says_what_to_do(run: Run, world: World) -> None:
    world.terraform_outputs = EngineError("remote state not found")
    with pytest.raises(pulumi.RunError) as refused:
        run(lambda: TerraformBase.read("/nowhere.tfstate"))
    assert "state /nowhere.tfstate" in str(refused.value)
    assert "apply Terraform first" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_base_may_have_other_output_names(run: Run, world: World) -> None:
    world.terraform_outputs = {"models_bucket": "models", "execution_role_arn": ROLE, "prefix": "p", "subnets": ["a"]}
    base = read(run, "/base.tfstate", outputs={"bucket_name": "models_bucket", "model_prefix": "prefix"})
    assert base == TerraformBase(bucket_name="models", execution_role_arn=ROLE, model_prefix="p")
    assert base.outputs["subnets"] == ["a"]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"bucket_name": "models"}, "has no output 'models' (it has: bucket_name, execution_role_arn, model_prefix)"),
        (
            {"bucket": "bucket_name"},
            "names 'bucket', which the base does not have (it has: bucket_name, execution_role_arn, model_prefix)",
        ),
    ],
)
def test_a_wrong_name_is_refused(run: Run, outputs: dict[str, str], message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        read(run, "/base.tfstate", outputs=outputs)
    assert message in str(refused.value)


def test_a_missing_output_says_how_to_name_another() -> None:
    with pytest.raises(pulumi.RunError, match=r'If another output is .*, name it: outputs=\{"bucket_name": "…"\}'):
        typed_outputs({}, "here", {})
