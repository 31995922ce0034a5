"""What `pulumi preview --json` says would change. Pure."""

from collections.abc import Mapping
from typing import Any

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.files import parse_json


def differences(text: str) -> list[str]:
    """Return each change by resource and property; none means that nothing would change. Values are not shown.

    Raises:
        BridgeError: It is no preview.
    """
    begin = text.find("{")  # pulumi may print a warning before it
    document = parse_json(text[begin:] if begin >= 0 else text, "the preview")
    try:
        found = [line for step in document.get("steps", []) for line in _lines(step)]
        summary = {operation for operation, count in document.get("changeSummary", {}).items() if count}
    except (AttributeError, KeyError, TypeError) as error:
        raise BridgeError(f"`pulumi preview --json` has another form than Pulumi 3.246 writes: {error}") from None
    if not found and summary - {"same"}:
        found = [f"the preview counts {', '.join(sorted(summary - {'same'}))}"]
    return found


def _lines(step: Mapping[str, Any]) -> list[str]:
    operation, urn = step["op"], step["urn"]
    if operation == "same":
        return []
    _, _, kinds, name = urn.split("::", 3)
    about = f"{name} ({kinds.rpartition('$')[2]})"
    properties = sorted(step.get("detailedDiff") or step.get("diffReasons") or [])
    return [f"{about}: {operation}" + (f" of {', '.join(properties)}" if properties else "")]
