"""Merges the resources of one exported stack into another's. Pure; the JSON is the engine's own."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sagebridge.bridge.stack.state import PROVIDER, STACK
from sagebridge.bridge.stack.values import SECRET, SIGNATURE
from sagebridge.errors import UserError

STASH = "pulumi:index:Stash"
_REHEARSAL_ONLY = ("ignoreChanges", "sourcePosition", "stackTrace")
"""Members of a resource that are true of the rehearsal's program only."""


def merge_stacks(stack: str, rehearsed: str, secrets: Collection[str] = ()) -> str:
    """Returns a stack's export with the resources of a rehearsal's added.

    Project and stack have the same names in both, so their URNs are alike. A provider that the stack has already stays
    as it is.

    Args:
        stack: The stack's export.
        rehearsed: The rehearsal's export.
        secrets: Values that are secrets wherever they stand: what an import reads, the engine keeps in clear.

    Raises:
        UserError: The stack has one of the resources already.
    """
    merged, other = json.loads(stack), json.loads(rehearsed)
    resources: list[dict[str, Any]] = merged["deployment"].get("resources") or []
    by_urn = {resource["urn"]: resource for resource in resources if not resource.get("delete")}
    providers: dict[str, str] = {}
    for resource in other["deployment"]["resources"]:
        urn, present = resource["urn"], by_urn.get(resource["urn"])
        if present is None:
            resources.append(_merged(resource, providers, set(secrets) - {""}))
        elif resource["type"].startswith(PROVIDER):
            providers[f"{urn}::{resource['id']}"] = f"{urn}::{present['id']}"
        elif resource["type"] != STACK:
            raise UserError(f"the stack has {urn} already: it was adopted before, or another resource has its name")
    merged["deployment"]["resources"] = resources
    merged["version"] = max(merged["version"], other["version"])
    if features := sorted({*merged.get("features", []), *other.get("features", [])}):
        merged["features"] = features
    return json.dumps(merged)


def with_generations(stack: str, generations: Mapping[str, str]) -> str:
    """Returns a stack's export whose generations are those of the configurations that were imported.

    The engine gives each a random ID, as if the next configuration were to be made for it.

    Args:
        stack: The stack's export.
        generations: IDs by the generation's name.
    """
    document = json.loads(stack)
    for resource in document["deployment"]["resources"]:
        if resource["type"] == STASH and (generation := generations.get(resource["urn"].rpartition("::")[2])):
            resource["id"] = generation
    return json.dumps(document)


def conflicts(stack: str, imports: Mapping[tuple[str, str], str]) -> list[str]:
    """Returns the URNs of a stack's resources that are already what is to be adopted.

    Args:
        stack: The stack's export.
        imports: Import IDs by Pulumi's type and name.
    """
    adopted = {(type_, import_id) for (type_, _), import_id in imports.items()}
    return [
        resource["urn"]
        for resource in json.loads(stack)["deployment"].get("resources") or []
        if (resource["type"], resource.get("importID") or resource.get("id")) in adopted and not resource.get("delete")
    ]


def _merged(resource: Mapping[str, Any], providers: Mapping[str, str], secrets: Collection[str]) -> dict[str, Any]:
    members = {name: value for name, value in resource.items() if name not in _REHEARSAL_ONLY}
    members |= {name: _hidden(members[name], secrets) for name in ("inputs", "outputs") if name in members}
    if "provider" in members:
        members["provider"] = providers.get(members["provider"], members["provider"])
    return members


def _hidden(value: Any, secrets: Collection[str]) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value with the engine's mark of a secret around each of the secrets."""
    if isinstance(value, str) and value in secrets:
        return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}
    if isinstance(value, dict):
        return value if SIGNATURE in value else {key: _hidden(item, secrets) for key, item in value.items()}
    return [_hidden(item, secrets) for item in value] if isinstance(value, list) else value
