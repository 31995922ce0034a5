"""What a preview would change, by name."""

import json

import pytest

from sagebridge.bridge.stack.preview import changes
from sagebridge.errors import UserError


def test_a_preview_names_each_change_and_a_broken_one_is_a_message() -> None:
    urn = "urn:pulumi:dev::p::x:index:Parent$aws:a/b:C::name"
    step = {"op": "update", "urn": urn, "detailedDiff": {"tags.a": {}}, "newState": {"inputs": "s3cr3t"}}
    steps = [{"op": "same", "urn": urn}, step]
    document = json.dumps({"steps": steps, "changeSummary": {"same": 1, "update": 1}})
    assert changes(f"warning: text\n{document}") == ["name (aws:a/b:C): update of tags.a"]
    assert changes(json.dumps({"changeSummary": {"create": 1}})) == ["the preview counts create"]
    for text in ("", "{", '{"steps": [3]}', '{"changeSummary": 3}'):
        with pytest.raises(UserError, match="preview"):
            changes(text)
