"""The resources of a rehearsal in the stack's export."""

import json

import pytest

from sagebridge.bridge.stack.merge import merge_stacks, with_generations
from sagebridge.errors import UserError


def test_a_merge_keeps_the_stacks_own_provider_and_hides_secrets() -> None:
    urn = "urn:pulumi:dev::p::"
    provider = {"urn": f"{urn}pulumi:providers:aws::default", "type": "pulumi:providers:aws", "id": "1"}
    stack = {"version": 3, "deployment": {"resources": [provider]}}
    new = {
        "urn": f"{urn}aws:a/b:C::x",
        "type": "aws:a/b:C",
        "provider": f"{provider['urn']}::2",
        "inputs": {"deep": ["s3cr3t"]},
        "ignoreChanges": ["*"],
    }
    rehearsed = {"version": 4, "features": ["hooks"], "deployment": {"resources": [provider | {"id": "2"}, new]}}
    merged = json.loads(merge_stacks(json.dumps(stack), json.dumps(rehearsed), ["s3cr3t"]))
    assert (merged["version"], merged["features"]) == (4, ["hooks"])
    present, added = merged["deployment"]["resources"]
    assert present == provider
    assert added["provider"] == f"{provider['urn']}::1"
    assert "ignoreChanges" not in added
    assert added["inputs"]["deep"][0]["plaintext"] == '"s3cr3t"'
    with pytest.raises(UserError, match="already"):
        merge_stacks(json.dumps(merged), json.dumps(rehearsed))


def test_a_generations_id_is_the_configurations_own() -> None:
    stash = {"urn": "urn:pulumi:dev::p::pulumi:index:Stash::e-generation", "type": "pulumi:index:Stash", "id": "chance"}
    other = stash | {"urn": "urn:pulumi:dev::p::pulumi:index:Stash::e-scaling"}
    export = json.dumps({"deployment": {"resources": [stash, other]}})
    resources = json.loads(with_generations(export, {"e-generation": "adopted:c"}))["deployment"]["resources"]
    assert [resource["id"] for resource in resources] == ["adopted:c", "chance"]
