"""A Terraform configuration: its blocks and values, and its two texts, JSON and HCL. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.errors import BridgeError

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Template:
    """A string with references in it.

    Attributes:
        parts: literal texts, and references such as ``aws_sagemaker_model.live.name``.
    """

    parts: tuple["str | Ref", ...]


@dataclass(frozen=True)
class Ref:
    """An expression that is an address: of a resource, an attribute, a variable, a provider.

    Attributes:
        address: such as ``aws_sagemaker_model.live`` or ``var.token``.
    """

    address: str


@dataclass(frozen=True)
class Nested:
    """Blocks of one name within another.

    Attributes:
        blocks: the arguments of each.
    """

    blocks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Block:
    """A block of a module.

    Attributes:
        labels: its type and labels, such as ``resource``, ``aws_sagemaker_model`` and ``live``.
        body: its arguments; a value is JSON's, or a `Template`, `Ref` or `Nested`.
    """

    labels: tuple[str, ...]
    body: Mapping[str, Any]


def _escaped(text: str) -> str:
    """Return a literal as it stands in a template: what would begin one is written twice."""
    return text.replace("${", "$${").replace("%{", "%%{")


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
            place.setdefault(last, []).append(_json_body(block.body))
        else:
            place[last] = _json_body(block.body)
    try:
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        raise BridgeError("a number of the stack is infinite or none; Terraform has no such number") from None


def _json_body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in body.items()}


def _json_value(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, Template):
        return "".join(f"${{{part.address}}}" if isinstance(part, Ref) else _escaped(part) for part in value.parts)
    if isinstance(value, Ref):
        return value.address
    if isinstance(value, Nested):
        return [_json_body(block) for block in value.blocks]
    if isinstance(value, Mapping):
        return {_escaped(name): _json_value(item) for name, item in value.items()}
    return [_json_value(item) for item in value] if isinstance(value, list) else value


def to_hcl(blocks: Iterable[Block]) -> str:
    """Return blocks as the text of a ``.tf`` file, formatted as `terraform fmt` would.

    python-hcl2 8.1.4 quotes and escapes no text of its `Builder`'s: it cannot read itself what it wrote of `">= 1.5"`.
    """
    return "\n".join("\n".join(_block(block.labels, block.body)) + "\n" for block in blocks)


def _block(labels: tuple[str, ...], body: Mapping[str, Any]) -> Iterator[str]:
    head = " ".join([labels[0], *(f'"{label}"' for label in labels[1:])])
    lines = [f"  {line}" if line else "" for line in _arguments(body)]
    if not lines:
        yield f"{head} {{}}"
        return
    yield f"{head} {{"
    yield from lines
    yield "}"


def _arguments(body: Mapping[str, Any]) -> list[str]:
    """Return a block's arguments, short ones first and aligned, each longer one and each block after an empty line."""
    values = {name: _lines(value) for name, value in body.items() if not isinstance(value, Nested)}
    short = {name: lines[0] for name, lines in values.items() if len(lines) == 1}
    width = max(map(len, short), default=0)
    pieces = [[f"{name:<{width}} = {text}" for name, text in short.items()]] if short else []
    pieces += [[f"{name} = {lines[0]}", *lines[1:]] for name, lines in values.items() if len(lines) > 1]
    pieces += [
        list(_block((name,), block))
        for name, value in body.items()
        if isinstance(value, Nested)
        for block in value.blocks
    ]
    return [line for number, piece in enumerate(pieces) for line in ([""] if number else []) + piece]


def _lines(value: Any) -> list[str]:  # noqa: ANN401, PLR0911 - any value, a return for each kind
    """Return an expression's lines."""
    if isinstance(value, str):
        return [_quoted(value)]
    if isinstance(value, Ref):
        return [value.address]
    if isinstance(value, Template):
        return [_template(value)]
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list):
        items = [_lines(item) for item in value]
        if all(len(lines) == 1 for lines in items):
            return [f"[{', '.join(lines[0] for lines in items)}]"]
        inner = [line for lines in items for line in [*lines[:-1], f"{lines[-1]},"]]
        return ["[", *(f"  {line}" for line in inner), "]"]
    return [json.dumps(value)]


def _object(value: Mapping[str, Any]) -> list[str]:
    if not value:
        return ["{}"]
    entries = {_key(name): _lines(item) for name, item in value.items()}
    width = max((len(name) for name, lines in entries.items() if len(lines) == 1), default=0)
    lines = []
    for name, (first, *rest) in entries.items():
        lines += [f"{name} = {first}" if rest else f"{name:<{width}} = {first}", *rest]
    return ["{", *(f"  {line}" for line in lines), "}"]


def _key(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) and name not in ("for", "if", "null", "true", "false")
    return name if plain else _quoted(name)


def _template(value: Template) -> str:
    match value.parts:
        case (Ref(address),):
            return address
    return '"' + "".join(f"${{{p.address}}}" if isinstance(p, Ref) else _text(p) for p in value.parts) + '"'


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


def _text(text: str) -> str:
    return "".join(
        _ESCAPES.get(letter) or (letter if letter.isprintable() or letter == " " else _unicode(letter))
        for letter in _escaped(text)
    )


def _unicode(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - HCL's two forms
