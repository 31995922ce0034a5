"""No secret of a stack stands in clear in any file of its module, whatever it is marked by and wherever it is."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagebridge.bridge.export.folder import write_module
from sagebridge.bridge.export.translate import translate
from sagebridge.bridge.stack.mapping import parse_mapping
from sagebridge.bridge.stack.state import parse_stack
from sagebridge.bridge.stack.values import SECRET, SIGNATURE
from tests.bridge import states
from tests.properties import examples

MAPPING = json.loads(states.MAPPING.read_text())
DOCUMENTS = states.documents()
MODEL = "aws_sagemaker_model"
MARKS = ("inputs", "outputs", "both", "additionalSecretOutputs")


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def files(document: dict[str, Any], folder: Path, mapping: dict[str, Any] = MAPPING) -> dict[str, str]:
    """Exports a document into a folder in both forms, and returns all that was written, by name and form."""
    stack = parse_stack(json.dumps(document))
    export = translate(stack, parse_mapping(json.dumps(mapping), mapping["resources"]))
    written: dict[str, str] = {}
    for form in ("json", "hcl"):
        write_module(stack, export, folder / form, form, None)
        written |= {f"{form}/{file.name}": file.read_text() for file in (folder / form).iterdir()}
    return written


def marked(document: dict[str, Any], place: str, value: Any, mark: str) -> dict[str, Any]:
    """Returns a document whose last resource has a value in inputs and outputs that one mark says is a secret."""
    marked_document = copy.deepcopy(document)
    resource = marked_document["deployment"]["resources"][-1]
    for side in ("inputs", "outputs"):
        resource[side][place] = secret(value) if mark in (side, "both") else value
    if mark == "additionalSecretOutputs":
        resource["additionalSecretOutputs"] = [place]
    return marked_document


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("tags", {"token": "hunter2!"}),
        ("executionRoleArn", "arn:aws:iam::123456789012:role/hunter2!"),
        ("primaryContainer", {"image": "hunter2!", "environment": {"TOKEN": "hunter2!"}}),
    ],
)
def test_what_one_side_marks_is_a_variable(tmp_path: Path, place: str, value: Any, mark: str) -> None:
    written = files(marked(DOCUMENTS[MODEL], place, value, mark), tmp_path)
    assert not [name for name, text in written.items() if "hunter2!" in text]
    assert "sensitive" in written["hcl/variables.tf"]


def test_what_the_schema_says_is_sensitive_is_a_variable(tmp_path: Path) -> None:
    mapping = copy.deepcopy(MAPPING)
    mapping["provider"]["resources"][MODEL]["execution_role_arn"]["sensitive"] = True
    document = copy.deepcopy(DOCUMENTS[MODEL])
    document["deployment"]["resources"][-1]["inputs"]["executionRoleArn"] = "hunter2!"
    assert not [name for name, text in files(document, tmp_path, mapping).items() if "hunter2!" in text]


@settings(examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    type_=st.sampled_from(sorted(DOCUMENTS)),
    text=st.text('abcxyz!$%{}\\"é', min_size=6, max_size=20).map("§".__add__),  # it stands nowhere by chance
    mark=st.sampled_from(MARKS),
    data=st.data(),
)
def test_no_text_of_a_secret_stands_in_any_file(
    tmp_path_factory: pytest.TempPathFactory, type_: str, text: str, mark: str, data: st.DataObject
) -> None:
    document = copy.deepcopy(DOCUMENTS[type_])
    resource = document["deployment"]["resources"][-1]
    texts = [name for name, value in resource["inputs"].items() if isinstance(value, str)]
    place = data.draw(st.sampled_from(texts))
    document = marked(document, place, text, mark)
    other = data.draw(st.sampled_from(texts))
    if other != place:  # the same text in clear, within another one: what a program made of it without `Output`s
        document["deployment"]["resources"][-1]["inputs"][other] = f"before {text} after"
    for name, written in files(document, tmp_path_factory.mktemp("module")).items():
        assert text not in written, name
        assert json.dumps(text, ensure_ascii=False)[1:-1] not in written, name
