"""Reads what `pulumi preview --json` says would change."""

from collections.abc import Mapping
from typing import Any

from sagebridge.bridge.documents import parse_json
from sagebridge.errors import UserError


def changes(preview: str) -> list[str]:
    """Returns each change by resource and property, and nothing if nothing would change. Values are not shown.

    Args:
        preview: What `pulumi preview --json` printed.

    Raises:
        UserError: It is not a preview.
    """
    begin = preview.find("{")  # pulumi may print a warning before it
    document = parse_json(preview[begin:] if begin >= 0 else preview, "the preview")
    try:
        lines = [line for step in document.get("steps", []) for line in _lines(step)]
        operations = {operation for operation, count in document.get("changeSummary", {}).items() if count}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"`pulumi preview --json` has another form than Pulumi 3.246 writes: {error}") from None
    if not lines and operations - {"same"}:
        lines = [f"the preview counts {', '.join(sorted(operations - {'same'}))}"]
    return lines


def _lines(step: Mapping[str, Any]) -> list[str]:
    operation, urn = step["op"], step["urn"]
    if operation == "same":
        return []
    _, _, types, name = urn.split("::", 3)
    properties = sorted(step.get("detailedDiff") or step.get("diffReasons") or [])
    of = f" of {', '.join(properties)}" if properties else ""
    return [f"{name} ({types.rpartition('$')[2]}): {operation}{of}"]
