"""What botocore's model of an API allows, in words."""

from collections.abc import Mapping
from typing import Any

from sagebridge.endpoint.schema import rule_of
from sagebridge.wording import FEW, string_words


def limits(shape: str) -> str:
    """Returns what a shape of ``components/endpoint/fields.py`` allows; empty if it says nothing.

    Args:
        shape: as in the tables there.
    """
    rule = rule_of(shape.lstrip("!"))
    span, phrases = _span(rule.get("min") or 0, rule.get("max") or 0), []
    match rule["type"]:
        case "integer" | "float":
            phrases = [span]
        case "string":
            phrases = _names(rule["enum"]) if "enum" in rule else [string_words(rule)]
        case "list":
            phrases = [span and f"{span} entries", _each("each ", rule["member"])]
        case "map":
            phrases = [span and f"{span} entries", _each("keys ", rule["key"]), _each("values ", rule["value"])]
        case "structure":  # of one member, which is flat here
            phrases = [limits(next(iter(rule["members"].values()))["shape"])]
    return "; ".join(filter(None, phrases))


def _span(least: int, most: int) -> str:
    if least and most:
        return f"{least} to {most}"
    return f"up to {most}" if most else f"{least} or more" if least else ""


def _names(names: list[str]) -> list[str]:
    few = ", ".join(f"`{name}`" for name in names)
    return [few if len(names) <= FEW else f"one of the {len(names)} names that botocore lists"]


def _each(what: str, member: Mapping[str, Any]) -> str:
    return f"{what}{limit}" if (limit := limits(member["shape"])) else ""
