"""Brings the resources of one exported stack into another's. Pure; the JSON is the engine's own."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.stack.state import PROVIDER, SECRET, SIGNATURE, STACK

STASH = "pulumi:index:Stash"
NOT_KEPT = ("ignoreChanges", "sourcePosition", "stackTrace")
"""What holds for the rehearsal's program only."""


def merged(stack: str, rehearsed: str, secrets: Collection[str] = ()) -> str:
    """Return a stack's export with the resources of a rehearsal's added.

    Providers that the stack has already are its own; the URNs of both are alike, as project and stack have the same
    names.

    Args:
        stack: an export.
        rehearsed: the rehearsal's.
        secrets: values that are secrets wherever they stand: what an import reads, the engine keeps in clear.

    Raises:
        BridgeError: The stack has one of the resources already.
    """
    into, other = json.loads(stack), json.loads(rehearsed)
    resources: list[dict[str, Any]] = into["deployment"].get("resources") or []
    there = {each["urn"]: each for each in resources if not each.get("delete")}
    providers: dict[str, str] = {}
    for each in other["deployment"]["resources"]:
        urn = each["urn"]
        if urn in there and each["type"].startswith(PROVIDER):
            providers[f"{urn}::{each['id']}"] = f"{urn}::{there[urn]['id']}"
        elif urn in there and each["type"] != STACK:
            raise BridgeError(f"the stack has {urn} already: it was adopted before, or another resource has its name")
        elif urn not in there:
            resources.append(_kept(each, providers, set(secrets) - {""}))
    into["deployment"]["resources"] = resources
    into["version"] = max(into["version"], other["version"])
    if features := sorted({*into.get("features", []), *other.get("features", [])}):
        into["features"] = features
    return json.dumps(into)


def with_generations(stack: str, generations: Mapping[str, str]) -> str:
    """Return a stack's export whose generations are those of the configurations that were imported.

    The engine gives each an id of chance, as if the next configuration were to be made for it.

    Args:
        stack: an export.
        generations: what their ids are to be, by name.
    """
    found = json.loads(stack)
    for each in found["deployment"]["resources"]:
        if each["type"] == STASH and (own := generations.get(each["urn"].rpartition("::")[2])):
            each["id"] = own
    return json.dumps(found)


def conflicts(stack: str, ids: Mapping[tuple[str, str], str]) -> list[str]:
    """Return the URNs of resources in a stack that are what is to be adopted."""
    wanted = {(kind, identifier) for (kind, _), identifier in ids.items()}
    return [
        each["urn"]
        for each in json.loads(stack)["deployment"].get("resources") or []
        if (each["type"], each.get("importID") or each.get("id")) in wanted and not each.get("delete")
    ]


def _kept(resource: Mapping[str, Any], providers: Mapping[str, str], secrets: Collection[str]) -> dict[str, Any]:
    kept = {name: value for name, value in resource.items() if name not in NOT_KEPT}
    kept |= {name: _hidden(kept[name], secrets) for name in ("inputs", "outputs") if name in kept}
    if "provider" in kept:
        kept["provider"] = providers.get(kept["provider"], kept["provider"])
    return kept


def _hidden(value: Any, secrets: Collection[str]) -> Any:  # noqa: ANN401 - JSON's types
    if isinstance(value, str) and value in secrets:
        return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}
    if isinstance(value, dict):
        return value if SIGNATURE in value else {key: _hidden(item, secrets) for key, item in value.items()}
    return [_hidden(item, secrets) for item in value] if isinstance(value, list) else value
