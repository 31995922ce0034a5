"""The text of a state is read, or refused with what it is and what to do; no message shows a value of it."""

import codecs
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.errors import UserError
from sagebridge.terraform_state.text import WrittenOutput, decoded, written_outputs

STATE: dict[str, Any] = {
    "version": 4,
    "terraform_version": "1.13.3",
    "serial": 7,
    "lineage": "l",
    "outputs": {
        "plain": {"value": [1, 9007199254740993], "type": ["tuple", ["number", "number"]]},
        "token": {"value": "hunter2", "type": "string", "sensitive": True},
        "none": {"value": None, "type": "dynamic", "sensitive": False},
    },
    "resources": [],
}
PULL = r"run `terraform state pull > base\.tfstate` in Terraform's folder, and name that file"


def backend(kind: str, **config: object) -> dict[str, Any]:
    return {"version": 3, "serial": 1, "backend": {"type": kind, "config": config, "hash": 1}, "modules": []}


def test_the_outputs_are_read_with_their_marks_and_every_digit() -> None:
    assert written_outputs(json.dumps(STATE), "there") == {
        "plain": WrittenOutput([1, 9007199254740993], sensitive=False),
        "token": WrittenOutput("hunter2", sensitive=True),
        "none": WrittenOutput(None, sensitive=False),
    }


@pytest.mark.parametrize("outputs", [{}, {"outputs": {}}, {"outputs": None}, {"outputs": []}])
def test_a_state_may_have_no_outputs(outputs: dict[str, Any]) -> None:
    assert written_outputs(json.dumps({"version": 4, "resources": [], **outputs}), "there") == {}


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty. Restore it from a backup"),
        (" \n", "it is empty"),
        (json.dumps(STATE)[:-9], "it is not whole JSON: it is broken or cut off. Restore it from a backup"),
        (json.dumps(STATE) + "}", "it is not whole JSON"),
        ("<html>hunter2</html>", "it is not whole JSON"),
        ("[" * 100_000, "it is not whole JSON"),
        ('"hunter2"', f"it is not a JSON object. Instead, {PULL}"),
        ("{}", f"it has no format version, so it is not a state. Instead, {PULL}"),
        ('{"version": "4"}', "it has no format version"),
        ('{"version": true}', "it has no format version"),
        ('{"version": 3, "modules": []}', "it has format version 3, .* Run `terraform apply -refresh-only`"),
        ('{"version": 1, "modules": []}', "it has format version 1, "),
        ('{"version": 5}', "it has format version 5, .* A newer sagebridge"),
        (
            '{"serial": 1, "encrypted_data": "x", "encryption_version": "v0"}',
            "encrypted by OpenTofu.* `tofu state pull",
        ),
        ('{"format_version": "1.0", "values": {"outputs": {}}}', f"what `terraform show -json` prints.*{PULL}"),
        ('{"format_version": "1.2", "planned_values": {}}', "what `terraform show -json PLAN` prints"),
        (
            json.dumps(STATE["outputs"] | {"plain": {"value": 1, "type": "number", "sensitive": False}}),
            "`terraform output",
        ),
        (json.dumps(STATE | {"outputs": [1]}), "its `outputs` are not a JSON object"),
        (json.dumps(STATE | {"outputs": {"a": {"value": "hunter2"}}}), "its output 'a' has no value or no type"),
        (json.dumps(STATE | {"outputs": {"a": "hunter2"}}), "its output 'a' has no value or no type"),
    ],
)
def test_another_text_is_refused_with_what_it_is_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^Cannot read the Terraform state there: .*{message}") as refused:
        written_outputs(text, "there")
    assert "\n" not in refused.value.message
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    ("note", "instead"),
    [
        (
            backend("s3", bucket="states", key="base", region="eu-west-1", profile="ops", assume_role="hunter2"),
            "Name the state itself: s3://states/base?region=eu-west-1&profile=ops (of the default workspace)",
        ),
        (backend("s3", bucket="states", key="base", region=None), "Name the state itself: s3://states/base (of"),
        (backend("s3"), "run `terraform state pull > base.tfstate`"),
        (backend("s3", bucket=["x"], key=1), "run `terraform state pull > base.tfstate`"),
        (
            backend("remote", organization="acme", hostname=None, workspaces=[{"name": "base", "prefix": None}]),
            "Name the state itself: remote://acme/base (of",
        ),
        (
            backend("cloud", organization="acme", hostname="tfe.acme.com", workspaces={"name": "base", "tags": None}),
            "Name the state itself: remote://acme/base?hostname=tfe.acme.com (of",
        ),
        (backend("cloud", organization="acme", workspaces={"tags": ["a"]}), "run `terraform state pull"),
        (backend("remote", organization="acme", workspaces=[]), "run `terraform state pull"),
        (backend("gcs", bucket="states", prefix="base", credentials="hunter2"), "run `terraform state pull"),
        (backend("http", address="https://hunter2@states"), "run `terraform state pull"),
        ({"version": 3, "backend": {"type": "azurerm"}}, "run `terraform state pull"),
    ],
)
def test_a_note_of_a_backend_is_refused_with_the_state_that_it_names(note: dict[str, Any], instead: str) -> None:
    with pytest.raises(UserError) as refused:
        written_outputs(json.dumps(note), ".terraform/terraform.tfstate")
    kind = note["backend"]["type"]
    assert f"it is only Terraform's note that the state is in the backend {kind!r}. " in refused.value.message
    assert instead in refused.value.message
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (codecs.BOM_UTF8 + b"{}", "begins with a byte-order mark.*PowerShell"),
        ("{}".encode("utf-16"), "begins with a byte-order mark"),
        (codecs.BOM_UTF16_BE + "{}".encode("utf-16-be"), "begins with a byte-order mark"),
        (b"PK\x03\x04\xff", rf"it is not text but binary \(not UTF-8\), such as a saved plan. Instead, {PULL}"),
    ],
)
def test_what_is_not_plain_utf_8_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=f"^Cannot read the Terraform state there: it .*{message}|{message}"):
        decoded(content, "there")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["version", "outputs", "backend", "format_version", "encrypted_data"]), JSON)
def test_a_wrong_type_anywhere_is_a_message(name: str, value: Any) -> None:
    with contextlib.suppress(UserError):
        written_outputs(json.dumps(STATE | {name: value}), "there")


@given(st.sampled_from(["s3", "remote", "cloud", "local"]), st.dictionaries(st.text(max_size=3), JSON), JSON)
def test_a_wrong_type_in_a_note_of_a_backend_is_a_message(kind: str, config: dict[str, Any], value: Any) -> None:
    settings = {"bucket": value, "key": value, "organization": value, "workspaces": value, "hostname": value} | config
    with pytest.raises(UserError):
        written_outputs(json.dumps(backend(kind, **settings)), "there")


@given(st.binary())
def test_any_content_is_a_state_or_a_message(content: bytes) -> None:
    with contextlib.suppress(UserError):
        written_outputs(decoded(content, "there"), "there")
