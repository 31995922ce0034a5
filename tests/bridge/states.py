"""States that the real engine made, one of each type: `tests/bridge/states`, with the mapping of the aws plugin.

They are made anew, and the golden files after them, by

    rm tests/bridge/states/aws_*.json
    eval "$(make -s env)"; export UPDATE_STATES=1
    python -m pytest tests/bridge/export/test_component.py tests/bridge/export/test_fields.py
    python -m pytest tests/bridge/export/test_translate.py

where the tests that have real stacks write the largest resource of each type. Nothing in them is written by hand.
"""

import json
import os
from pathlib import Path
from typing import Any

from sagebridge.bridge.stack.cli import get_mapping
from sagebridge.bridge.stack.mapping import ProviderMapping, parse_mapping

FOLDER = Path(__file__).parent / "states"
MAPPING = FOLDER / "mapping.json"
UPDATE = "UPDATE_STATES" in os.environ
_ALWAYS_NEW = ("created", "modified", "sourcePosition", "stackTrace")


def provider_mapping() -> ProviderMapping:
    """Returns the mapping of all types in the folder."""
    text = MAPPING.read_text()
    return parse_mapping(text, json.loads(text)["resources"])


def documents() -> dict[str, dict[str, Any]]:
    """Returns the states by type, each with its provider."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("aws_*.json"))}


def keep(export: str) -> None:
    """Writes the largest resources of a stack, one a type, when the states are to be made anew."""
    if not UPDATE:
        return
    FOLDER.mkdir(exist_ok=True)
    document = json.loads(export)
    text = get_mapping("")
    names = {info["tok"]: name for name, info in json.loads(text)["resources"].items()}
    resources = [_trimmed(resource) for resource in document["deployment"]["resources"]]
    for resource in sorted(resources, key=lambda resource: len(json.dumps(resource))):
        if resource["type"] in names:
            provider = next(item for item in resources if resource["provider"].startswith(f"{item['urn']}::"))
            alone = [provider, resource | {"dependencies": [], "propertyDependencies": {}}]
            inner = {"manifest": document["deployment"]["manifest"], "resources": alone}
            file = FOLDER / f"{names[resource['type']]}.json"
            state = {"version": document["version"], "deployment": inner}
            if not file.exists() or len(file.read_text()) <= len(_text(state)):
                file.write_text(_text(state))
    _write_mapping(json.loads(text))


def _trimmed(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in _ALWAYS_NEW}


def _write_mapping(document: dict[str, Any]) -> None:
    """Writes the mapping without the types that no state has."""
    types = {file.stem for file in FOLDER.glob("aws_*.json")}
    provider = document["provider"]
    provider["schema"].pop("endpoints", None)
    provider["resources"] = {name: schema for name, schema in provider["resources"].items() if name in types}
    document["resources"] = {name: info for name, info in document["resources"].items() if name in types}
    MAPPING.write_text(_text(document | {"provider": provider | {"dataSources": {}}, "dataSources": {}}))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
