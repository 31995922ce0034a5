"""Pure: what Pulumi's other languages know of the component."""

import json
import re
import types
import typing
from typing import Any

import pytest
from pulumi.provider.experimental.util import camel_case as pulumis_name

import sagebridge
from sagebridge.endpoint import args
from sagebridge.endpoint.cost import InstanceHours
from sagebridge.endpoint.refusal import camel_case
from sagebridge.plugin.provider import Plugin
from tests.conftest import ROOT
from tools import reference

SCHEMA: dict[str, Any] = json.loads(str(Plugin().schema))
COMPONENT = SCHEMA["resources"]["sagebridge:index:SageMakerEndpoint"]
KINDS = {name: kind for name, kind in vars(args).items() if typing.is_typeddict(kind)}
FIELDS = [(name, field) for name, kind in KINDS.items() for field in kind.__annotations__]
PAGE = {"executionRoleArn", "framework", "frameworkVersion", "modelDataUrl", "autoscaling"}
"""The inputs that the programs on the page have."""
BASES = {"ImageArgs", "ModelArgs"}
"""What only other arguments inherit from."""


def properties(kind: str) -> dict[str, Any]:
    """Returns what the schema has of a class of arguments."""
    if kind == "SageMakerEndpointArgs":
        return dict(COMPONENT["inputProperties"])
    return dict(SCHEMA["types"][f"sagebridge:index:{kind.removesuffix('Args')}"]["properties"])


def type_of(annotation: Any) -> dict[str, Any]:
    """Returns how a schema writes the type of a field."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.NotRequired:
        return type_of(inner[0])
    if origin in (types.UnionType, typing.Union):  # pulumi.Input
        return {key: value for key, value in type_of(inner[0]).items() if key != "plain"}
    if origin is not None:
        items, key = {**type_of(inner[-1])}, "items" if len(inner) == 1 else "additionalProperties"
        return {"type": "array" if len(inner) == 1 else "object", key: items, "plain": True}
    if typing.is_typeddict(annotation):
        return {"$ref": f"#/types/sagebridge:index:{annotation.__name__.removesuffix('Args')}", "plain": True}
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[annotation], "plain": True}


def without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_descriptions(inner) for key, inner in value.items() if key != "description"}
    return value


def test_the_schema_is_fresh() -> None:
    assert reference.SCHEMA.read_text() == reference.schema(), "make docs"


def test_the_schema_has_the_packages_version() -> None:
    assert SCHEMA["version"] == sagebridge.__version__


@pytest.mark.parametrize(("kind", "field"), [field for field in FIELDS if field[0] not in BASES])
def test_every_argument_is_there_with_its_type_and_what_it_means(kind: str, field: str) -> None:
    """Pulumi finds no docstring of a field that is inherited."""
    shown = properties(kind)[pulumis_name(field)]
    assert without_descriptions(shown) == type_of(KINDS[kind].__annotations__[field])
    assert shown["description"]
    assert "``" not in shown["description"]


def test_the_required_arguments_are() -> None:
    assert COMPONENT["requiredInputs"] == ["executionRoleArn"]
    for token, kind in SCHEMA["types"].items():
        name = token.rpartition(":")[2]
        needed = (InstanceHours if name == "InstanceHours" else KINDS[f"{name}Args"]).__required_keys__
        assert set(kind.get("required", [])) == {pulumis_name(field) for field in needed}


def test_an_output_of_several_fields_has_a_type() -> None:
    hours = SCHEMA["types"]["sagebridge:index:InstanceHours"]
    assert COMPONENT["properties"]["instanceHoursPerDay"]["$ref"] == "#/types/sagebridge:index:InstanceHours"
    assert {name: field["type"] for name, field in hours["properties"].items()} == dict.fromkeys(
        ["minimum", "maximum"], "number"
    )


def test_the_outputs_are_those_of_the_component() -> None:
    outputs = [name for name in sagebridge.SageMakerEndpoint.__annotations__ if not name.startswith("_")]
    assert [*COMPONENT["properties"]] == [pulumis_name(output) for output in outputs]


@pytest.mark.parametrize(("language", "pattern"), [("ts", r"(\w+):"), ("go", r"(\w+): +"), ("yaml", r"(\w+):")])
def test_the_programs_of_the_page_have_the_schemas_names(language: str, pattern: str) -> None:
    text = (ROOT / "docs" / "other-languages.md").read_text()
    (program,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    names = {name[0].lower() + name[1:] for name in re.findall(pattern, program)}
    assert names & COMPONENT["inputProperties"].keys() - {"endpointName"} == PAGE  # which is an output, too
    assert re.search("endpointName", program, re.IGNORECASE)


@pytest.mark.parametrize("field", sorted({field for _, field in FIELDS}))
def test_a_message_has_the_names_of_the_schema(field: str) -> None:
    assert camel_case(f"{field} cannot be combined with {field}.") == "{0} cannot be combined with {0}.".format(
        pulumis_name(field)
    )
