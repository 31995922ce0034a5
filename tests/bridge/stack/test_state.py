"""Reading a stack's export: both versions, and everything else refused by name."""

import json
from typing import Any

import pytest

from sagebridge.bridge.secret import Secret
from sagebridge.bridge.stack.state import parse_stack
from sagebridge.bridge.stack.values import Asset, Reference
from sagebridge.errors import UserError

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}
URN = "urn:pulumi:dev::shop::aws:sagemaker/model:Model::live"
ROOT = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"


def document(version: int = 3, features: list[str] | None = None, **resource: Any) -> str:
    root = {"urn": ROOT, "type": "pulumi:pulumi:Stack", "custom": False, "outputs": {"url": "x"}}
    model = {"urn": URN, "type": "aws:sagemaker/model:Model", "custom": True, "id": "live", **resource}
    inner = {"manifest": {"time": "2026-01-01T00:00:00Z", "version": "v3.246.0"}, "resources": [root, model]}
    return json.dumps({"version": version, "features": features or [], "deployment": inner})


@pytest.mark.parametrize(("version", "features"), [(3, []), (4, ["hooks", "taint", "views"])])
def test_both_versions_are_read(version: int, features: list[str]) -> None:
    stack = parse_stack(document(version, features))
    assert (stack.name, stack.project, stack.time) == ("dev", "shop", "2026-01-01T00:00:00Z")
    assert stack.outputs == {"url": "x"}
    assert [resource.name for resource in stack.resources] == ["shop-dev", "live"]


@pytest.mark.parametrize("version", [1, 2, 5, None, "3", True])
def test_other_versions_are_refused_by_name(version: Any) -> None:
    with pytest.raises(UserError, match=r"version|no int"):
        parse_stack(json.dumps({"version": version, "deployment": {}}))


def test_unknown_features_are_refused_by_name() -> None:
    with pytest.raises(UserError, match="telepathy"):
        parse_stack(document(4, ["hooks", "telepathy"]))


def test_signed_values_become_what_they_stand_for() -> None:
    inputs = {
        "secret": SECRET | {"plaintext": '{"a": [1, "x"]}'},
        "asset": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "1", "path": "/tmp/x"},  # noqa: S108
        "archive": {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "1", "assets": {}},
        "resource": {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": URN, "id": ""},
        "output": {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": 1, "secret": True},
        "plain": [None, {"a": 1.5}],
    }
    *_, model = parse_stack(document(inputs=inputs)).resources
    assert model.inputs == {
        "secret": Secret({"a": [1, "x"]}),
        "asset": Asset("asset"),
        "archive": Asset("archive"),
        "resource": Reference(URN),
        "output": Secret(1),
        "plain": [None, {"a": 1.5}],
    }


def test_a_stack_without_its_secrets_is_refused() -> None:
    with pytest.raises(UserError, match=f"inputs of {URN}.*encrypted.*--show-secrets") as refused:
        parse_stack(document(inputs={"token": SECRET | {"ciphertext": "v1:abc"}}))
    assert "v1:abc" not in refused.value.message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("04da6b54-80e4-46f7-96ec-b56ff0331ba9", "not known yet"),
        ({SIGNATURE: "another"}, "of an unknown kind"),
        (SECRET | {"plaintext": "{"}, "cannot be read"),
        ("\ud800", "not Unicode"),
    ],
)
def test_values_that_cannot_be_carried_are_refused(value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_stack(document(inputs={"a": {"b": [value]}}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(number: str) -> None:
    with pytest.raises(UserError, match="not whole JSON"):
        parse_stack(document(inputs={"a": 4711}).replace("4711", number))


@pytest.mark.usefixtures("no_garbage_collection")
def test_no_beginning_of_a_state_is_read() -> None:
    text = document(inputs={"a": 1})
    for end in range(len(text)):
        with pytest.raises(UserError):
            parse_stack(text[:end])
    with pytest.raises(UserError):
        parse_stack("[" * 100_000)


@pytest.mark.parametrize(
    ("member", "value"),
    [("urn", "x"), ("urn", None), ("type", 1), ("inputs", []), ("dependencies", [1]), ("protect", "yes"), ("id", {})],
)
def test_a_member_of_a_wrong_type_is_named(member: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"resources\[1\]\.{member}"):
        parse_stack(document(**{member: value}))
