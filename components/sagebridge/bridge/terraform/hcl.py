"""Writes a module's blocks as HCL, the text of a `.tf` file.

python-hcl2 8.1.4 quotes and escapes no text of its `Builder`'s: it cannot read itself what it wrote of `">= 1.5"`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from textwrap import wrap
from typing import Any

from sagebridge.bridge.terraform.blocks import Block, JsonText, Nested, Ref, Template, template_literal

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_WIDTH = 100
_KEYWORDS = ("for", "if", "null", "true", "false")


def to_hcl(blocks: Iterable[Block]) -> str:
    """Returns the text of a `.tf` file, formatted as `terraform fmt` would."""
    return "\n".join("\n".join([*_comments(block), *_block(block.labels, block.body)]) + "\n" for block in blocks)


def _comments(block: Block) -> Iterator[str]:
    for comment in block.comments:
        yield from wrap(comment, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


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
    """Returns the lines of a block's arguments.

    Short arguments come first and aligned; each longer one and each block comes after an empty line.
    """
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
    """Returns an expression's lines."""
    if isinstance(value, str):
        return [quoted(value)]
    if isinstance(value, Ref):
        return [value.address]
    if isinstance(value, Template):
        return [_template(value)]
    if isinstance(value, JsonText):
        first, *rest = _lines(value.document)
        return [f"jsonencode({first}", *rest[:-1], f"{rest[-1]})"] if rest else [f"jsonencode({first})"]
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
    lines = []
    for is_short, run in groupby(entries.items(), lambda entry: len(entry[1]) == 1):
        items = dict(run)
        width = max(map(len, items)) if is_short else 0  # what stands between longer ones is aligned by itself
        for name, (first, *rest) in items.items():
            lines += [f"{name:<{width}} = {first}", *rest]
    return ["{", *(f"  {line}" for line in lines), "}"]


def _key(name: str) -> str:
    bare = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) and name not in _KEYWORDS
    return name if bare else quoted(name)


def _template(value: Template) -> str:
    match value.parts:
        case (Ref(address),):
            return address
    texts = (f"${{{part.address}}}" if isinstance(part, Ref) else _escaped(part) for part in value.parts)
    return f'"{"".join(texts)}"'


def quoted(text: str) -> str:
    """Returns a text as a literal of HCL, as Terraform itself prints it in addresses."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(letter) or (letter if letter.isprintable() or letter == " " else _unicode(letter))
        for letter in template_literal(text)
    )


def _unicode(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - HCL's two forms
