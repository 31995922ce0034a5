"""A Terraform root module as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.errors import BridgeError
from bridge.values import Block, Nested, Ref, Template, escaped


def to_json(blocks: Iterable[Block]) -> str:
    """Return blocks as the text of a ``.tf.json`` file.

    Raises:
        BridgeError: A value is not a number or a text that Terraform could have.
    """
    document: dict[str, Any] = {}
    for block in blocks:
        *outer, last = block.labels
        place = document
        for label in outer:
            place = place.setdefault(label, {})
        if block.labels[0] in {"import", "provider"}:  # there may be several
            place.setdefault(last, []).append(_body(block.body))
        else:
            place[last] = _body(block.body)
    try:
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        raise BridgeError("a number of the stack is infinite or none; Terraform has no such number") from None


def _body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in body.items()}


def _value(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Template):
        return "".join(f"${{{part.address}}}" if isinstance(part, Ref) else escaped(part) for part in value.parts)
    if isinstance(value, Ref):
        return value.address
    if isinstance(value, Nested):
        return [_body(block) for block in value.blocks]
    if isinstance(value, Mapping):
        return {escaped(name): _value(item) for name, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value
