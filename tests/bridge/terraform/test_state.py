"""Terraform's state is read typed, or refused by name; no text of it is ever a traceback."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.secret import Secret
from sagebridge.bridge.terraform.state import parse_state
from sagebridge.errors import UserError
from tests.conftest import Aws

RESOURCE: dict[str, Any] = {
    "module": 'module.m["a.b"].module.n[0]',
    "mode": "managed",
    "type": "aws_sagemaker_model",
    "name": "this",
    "provider": 'provider["registry.terraform.io/hashicorp/aws"].west',
    "instances": [
        {
            "index_key": "x",
            "schema_version": 0,
            "attributes": {"name": "n", "container": [{"environment": {"A": "1", "B": "2"}}], "subnets": ["s"]},
            "sensitive_attributes": [
                [
                    {"type": "get_attr", "value": "container"},
                    {"type": "index", "value": {"value": 0, "type": "number"}},
                    {"type": "get_attr", "value": "environment"},
                    {"type": "index", "value": {"value": "A", "type": "string"}},
                ],
            ],
        },
    ],
}
STATE: dict[str, Any] = {
    "version": 4,
    "serial": 7,
    "lineage": "l",
    "outputs": {
        "open": {"value": [1], "type": ["tuple", ["number"]]},
        "shut": {"value": "s", "type": "string", "sensitive": True},
    },
    "resources": [RESOURCE, {"mode": "data", "type": "aws_region", "name": "here", "instances": [{}]}],
}
S3 = {"type": "s3", "config": {"bucket": "b", "key": "k", "region": "r"}}


def test_a_state_is_read_with_addresses_and_secrets() -> None:
    state = parse_state(json.dumps(STATE), "there")
    assert (state.serial, state.lineage) == (7, "l")
    assert state.outputs["open"].value == [1]
    assert state.outputs["shut"].value == Secret("s")
    (resource,) = state.resources
    assert resource.address == 'module.m["a.b"].module.n[0].aws_sagemaker_model.this["x"]'
    assert resource.block == "module.m.module.n.aws_sagemaker_model.this"
    assert resource.attributes["container"] == [{"environment": {"A": Secret("1"), "B": "2"}}]


def test_what_is_sensitive_within_a_set_makes_all_of_it_a_secret() -> None:
    path = [{"type": "get_attr", "value": "subnets"}, {"type": "index", "value": {"value": "s", "type": "string"}}]
    instance = RESOURCE["instances"][0] | {"sensitive_attributes": [path]}
    state = parse_state(json.dumps(STATE | {"resources": [RESOURCE | {"instances": [instance]}]}), "there")
    assert state.resources[0].attributes["subnets"] == Secret(["s"])


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        (json.dumps(STATE)[:-9], "broken or cut off"),
        ("[" * 100_000, "not whole JSON"),
        ("[]", "it is not a JSON object"),
        ("{}", "it has no format version"),
        ('{"version": 3}', "version 3"),
        ('{"version": "4"}', "it has no format version"),
        ('{"serial": 1, "lineage": "l", "meta": {}, "encrypted_data": "x", "encryption_version": "v0"}', "by OpenTofu"),
        ('{"format_version": "1.0", "values": {}}', "what `terraform show -json` prints.*`terraform state pull >"),
        (
            json.dumps({"version": 3, "backend": S3}),
            r"only Terraform's note.*Name the state itself: s3://b/k\?region=r",
        ),
        ('{"version": 3, "backend": {"type": "gcs"}}', "only Terraform's note.*'gcs'.*`terraform state pull >"),
        (json.dumps(STATE | {"outputs": {"a": {"value": 1}}}), "outputs.a has no value or no type"),
        (json.dumps(STATE | {"resources": [3]}), r"resources\[0\] is no object"),
        (
            json.dumps(STATE | {"resources": [RESOURCE | {"instances": [None]}]}),
            r"resources\[0\].instances\[0\] is no object",
        ),
        (json.dumps(STATE | {"serial": "1"}), "serial is no int"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_state(text, "there")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["serial", "lineage", "outputs", "resources"]), JSON)
def test_a_wrong_type_anywhere_is_a_message(name: str, value: Any) -> None:
    with contextlib.suppress(UserError):
        parse_state(json.dumps(STATE | {name: value}), "there")


@given(st.sampled_from(sorted(RESOURCE)), JSON)
def test_a_wrong_type_in_a_resource_is_a_message(name: str, value: Any) -> None:
    instance = {**RESOURCE["instances"][0], "attributes": value, "sensitive_attributes": value, "index_key": value}
    for changed in ({name: value}, {"instances": [instance]}, {"instances": [instance | {"attributes": {"a": 1}}]}):
        with contextlib.suppress(UserError):
            parse_state(json.dumps(STATE | {"resources": [RESOURCE | changed]}), "there")


@pytest.mark.terraform
def test_addresses_are_those_that_terraform_prints(aws: Aws, tmp_path: Path) -> None:
    keys = ["plain", "é 漢", "${x}", "%{x}", 'quo"te', "back\\slash", "line\nfeed", "\u00ad", "🙂"]
    resource = {
        "for_each": f"${{toset(jsondecode({json.dumps(json.dumps(keys)).replace('${', '$${').replace('%{', '%%{')}))}}"
    }
    (tmp_path / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": {"x": resource}}}))
    aws.must("terraform", "init", "-input=false", cwd=tmp_path)
    aws.must("terraform", "apply", "-auto-approve", "-input=false", cwd=tmp_path)
    printed = aws.must("terraform", "state", "list", cwd=tmp_path).splitlines()
    state = parse_state((tmp_path / "terraform.tfstate").read_text(), "there")
    assert sorted(resource.address for resource in state.resources) == sorted(printed)
    assert len(printed) == len(keys)
