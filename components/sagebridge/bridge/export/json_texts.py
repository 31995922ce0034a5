"""Finds the texts of a module that are JSON documents, which people write with Terraform's `jsonencode`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sagebridge.bridge.terraform.blocks import JsonText, Nested

_POLICY = re.compile(r"(^|_)policy$")
_ESCAPED = {letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def with_json_texts(value: Any, name: str = "") -> Any:  # noqa: ANN401 - any value
    """Returns a value with a `JsonText` for each text that `jsonencode` would give back.

    That is a text that it writes to the letter, or a policy: the provider compares policies by what they mean
    (`verify.SuppressEquivalentPolicyDiffs`).

    Args:
        value: An attribute's value.
        name: The attribute's name.
    """
    if isinstance(value, str):
        return _json_text(value, name)
    if isinstance(value, Nested):
        return Nested(tuple({key: with_json_texts(item, key) for key, item in block.items()} for block in value.blocks))
    if isinstance(value, Mapping):
        return {key: with_json_texts(item) for key, item in value.items()}
    return [with_json_texts(item) for item in value] if isinstance(value, list) else value


def _json_text(text: str, name: str) -> str | JsonText:
    try:
        document = json.loads(text, object_pairs_hook=_object) if text[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return text
    if not document:
        return text
    policy = _POLICY.search(name) and isinstance(document, dict) and "Statement" in document
    return JsonText(text, document) if policy or _encoded(document) == text else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns an object, which must not name a member twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _encoded(document: Any) -> str:  # noqa: ANN401 - JSON's types
    """Returns the text that Terraform's `jsonencode` makes (go-cty, function/stdlib/json.go)."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return "".join(_ESCAPED.get(letter, letter) for letter in text)
