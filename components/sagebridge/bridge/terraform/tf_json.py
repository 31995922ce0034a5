"""Writes a module's blocks as the text of a `.tf.json` file."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sagebridge.bridge.terraform.blocks import Block, JsonText, Nested, Ref, Template, template_literal
from sagebridge.errors import UserError


def to_json(blocks: Iterable[Block]) -> str:
    """Returns the text of a `.tf.json` file.

    Raises:
        UserError: A number is infinite or NaN.
    """
    document: dict[str, Any] = {}
    for block in blocks:
        *outer, last = block.labels
        parent = document
        for label in outer:
            parent = parent.setdefault(label, {})
        if block.labels[0] in {"import", "provider"}:  # there may be several
            parent.setdefault(last, []).append(_body(block.body))
        else:
            parent[last] = _body(block.body)
    try:
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        raise UserError(
            "a number of the stack is infinite or NaN, which Terraform does not have: set it anew"
        ) from None


def _body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in body.items()}


def _value(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any value, a return for each kind
    if isinstance(value, str):
        return template_literal(value)
    if isinstance(value, JsonText):
        return _value(value.text)
    if isinstance(value, Template):
        return "".join(
            f"${{{part.address}}}" if isinstance(part, Ref) else template_literal(part) for part in value.parts
        )
    if isinstance(value, Ref):
        return value.address
    if isinstance(value, Nested):
        return [_body(block) for block in value.blocks]
    if isinstance(value, Mapping):
        return {template_literal(name): _value(item) for name, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value
