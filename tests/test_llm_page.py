"""The page on language models against the code: its program is the example, and its tables are true."""

import ast
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from sagebridge.endpoint.cost import cost_line
from sagebridge.endpoint.remarks import remarks
from sagebridge.endpoint.rules import validate
from sagebridge.images.instances import accelerators_of
from sagebridge.images.sizes import weights_in_gb
from tests.conftest import ROOT
from tests.stacks import PROGRAMS

PAGE = (ROOT / "docs" / "llm.md").read_text()
TODAY = datetime.now(UTC).date()
SIMPLE: Any = {
    "execution_role_arn": "arn:aws:iam::123456789012:role/sagemaker",
    "framework": "vllm",
    "hugging_face_model": {"id": "Qwen/Qwen3-8B"},
    "instance_type": "ml.g5.2xlarge",
}


def rows(title: str) -> list[list[str]]:
    """Returns the cells of a section's table, without its head."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def test_the_program_is_the_example() -> None:
    (program,) = re.findall(r"```python\n(endpoint = .*?)```", PAGE, re.DOTALL)
    assert program in PROGRAMS["llm"]
    assert len(re.findall(r"^        \"", program, re.MULTILINE)) == 4


def test_every_block_of_python_compiles() -> None:
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        ast.parse(f"{{\n{block}\n}}" if block.startswith(" ") else block)


@pytest.mark.parametrize("row", rows("Which instance type"), ids=lambda row: row[0].strip("`"))
def test_a_size_fits_its_instance_type(row: list[str]) -> None:
    model, weights, instance_type, gpus, variable = [cell.strip("`") for cell in row]
    accelerators = accelerators_of(instance_type)
    assert accelerators is not None
    together = accelerators.memory_in_gib
    assert f"{accelerators.count} {accelerators.name} with {together} GiB" in gpus
    size = weights_in_gb(model)
    assert size is not None
    assert weights == f"about {size:.0f} GB"
    assert size < 0.8 * together
    environment = {variable: str(accelerators.count)} if variable else {}
    args: Any = {
        **SIMPLE,
        "hugging_face_model": {"id": model},
        "instance_type": instance_type,
        "environment": environment,
    }
    assert validate("chat", args) == []
    assert [remark.text for remark in remarks(args) if remark.level == "warn"] == []
    if variable:
        args["environment"] = {}
        assert any(variable in remark.text for remark in remarks(args))


@pytest.mark.parametrize("row", rows("What fails, and how"), ids=lambda row: row[0][:40])
def test_what_the_preview_refuses_is_refused_in_these_words(row: list[str]) -> None:
    what, then = row
    if not then.startswith("The preview refuses it"):
        return
    (fields,) = re.findall(r'`("\w+": .*?)`', what)
    changed: Any = ast.literal_eval(f"{{{fields}}}")
    args: Any = {**SIMPLE, **changed}
    if "serverless_config" in changed:
        del args["instance_type"]
    said = " ".join(f"{problem.property} {problem.reason()}" for problem in validate("chat", args))
    (words,) = re.findall(r": `(.*?)`$", then)
    assert words in said


def test_the_costs_are_those_of_the_preview() -> None:
    (scaled,) = re.findall(r"```python\n( +\"autoscaling\".*?)```", PAGE, re.DOTALL)
    more_users: Any = {**SIMPLE, **ast.literal_eval(f"{{{scaled}}}")}
    assert validate("chat", more_users) == []
    assert f"```text\n{cost_line(SIMPLE, TODAY, None)}\n```" in PAGE
    (hours,) = re.findall(r"A day then (costs .*? instance-hours)", PAGE)
    assert cost_line(more_users, TODAY, None) == f"A day {hours} of {SIMPLE['instance_type']}."
