"""Terraform's own attributes out of a resource's outputs, by the delta that Pulumi's bridge keeps beside them.

A second way to names and nesting than the bridge's mapping, so it can prove that one. After `RawStateDelta.Recover` in
pulumi-terraform-bridge 3.128 (pkg/tfbridge/rawstate.go).
"""

import re
from typing import Any

from sagebridge.bridge.secret import reveal

DELTA = "__pulumi_raw_state_delta"


def recover(outputs: dict[str, Any]) -> Any:
    """Returns the attributes as Terraform's provider told them."""
    return _recover({key: value for key, value in reveal(outputs).items() if key != DELTA}, outputs[DELTA])


def _recover(value: Any, delta: dict[str, Any]) -> Any:  # noqa: PLR0911 - a return for each kind
    match delta:
        case {"asset": _}:
            return None
        case {"plu": inner}:
            return [] if value is None else [_recover(value, inner.get("i", {}))]
        case {"map": inner}:
            return {key: _recover(item, inner.get("el", {}).get(key, {})) for key, item in value.items()}
        case {"obj": inner}:
            return _object(value, inner)
        case {"arr": inner}:
            return [_recover(item, inner.get("el", {}).get(str(number), {})) for number, item in enumerate(value)]
        case {"num": _}:
            return float(value)
        case {"replace": inner}:
            return inner["raw"]
    assert not isinstance(value, dict), "the delta says nothing of an object"
    return value


def _object(value: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    renamed, inner = delta.get("renamed", {}), delta.get("ps", {})
    names = [name for name in {**value, **inner} if not name.startswith("__") and name not in delta.get("ignored", [])]
    return {
        renamed.get(name, re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)): _recover(
            value.get(name), inner.get(name, {})
        )
        for name in names
    }
