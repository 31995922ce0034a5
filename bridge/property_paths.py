"""Pulumi's property paths, as `ignoreChanges` has them → Terraform's."""

import re
from collections.abc import Iterator

from bridge.mapping import Field, Fields

_STEP = re.compile(r'\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+))')


def to_terraform(path: str, fields: Fields) -> str | None:
    """Return a path in Terraform's names, or none if its property is not known.

    Terraform names no element of a set and not every element of a list, so that path ends before it: all of the set or
    list is meant then.
    """
    if path == "*":
        return "all"
    found = ""
    within: Fields | None = fields
    field: Field | None = None
    for kind, text in _steps(path):
        if kind == "index":
            if field is None or field.kind != "list" or text == "*":
                break
            found += f"[{text}]"
        elif within is not None and (field is None or field.kind != "set"):
            if field is not None and field.one:
                found += "[0]"
            field = within.by_pulumi.get(text)
            if field is None:
                return None
            found += f".{field.terraform}" if found else field.terraform
            within = field.fields
        elif field is not None and field.kind == "map":
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            found += f'["{quoted}"]'
            break
        else:
            break
    return found or None


def _steps(path: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(path) and (match := _STEP.match(path, at)):
        quoted, index, name = match.groups()
        yield ("index", index) if index is not None else ("name", name if quoted is None else _unquoted(quoted))
        at = match.end()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
