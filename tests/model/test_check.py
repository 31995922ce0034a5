import io
import json
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sagebridge.cli import main
from sagebridge.model.archive import read_versions

from .conftest import config_json

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:"
FITTING = f"{IMAGE}{version('scikit-learn').rpartition('.')[0]}-0-cpu-py3"
"""An image with the scikit-learn that trained the archive, which is the one here."""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def changed(archive: Path, out: Path, **contents: str | None) -> Path:
    """Copy an archive with some files replaced, or left out (None); "handler" is inference.py and so on."""
    names = {"handler": "inference.py", "versions": "versions.json", "model": "model.joblib"}
    replaced = {names[name]: content for name, content in contents.items()}
    with tarfile.open(archive) as source, tarfile.open(out, "w:gz") as target:
        for info in source:
            content: str | bytes | None = replaced.get(info.name, source.extractfile(info).read())  # type: ignore[union-attr]
            if content is not None:
                data = content.encode() if isinstance(content, str) else content
                info.size = len(data)
                target.addfile(info, io.BytesIO(data))
    return out


def test_a_good_archive_is_ready_and_shows_its_answer(archive: Path) -> None:
    result = run("--archive", archive, "--image", FITTING)

    assert result.exit_code == 0, result.output
    answer = json.loads(result.output.splitlines()[1].partition("with ")[2])
    assert answer["Output"] == 28
    assert answer["Predictions"] == [pytest.approx(28.9967236, abs=5e-8)]
    assert f"is ready for {FITTING}" in result.output


def test_all_problems_are_told_at_once(archive: Path, tmp_path: Path) -> None:
    handler = "def model_fn(model_dir): ...\ndef input_fn(body, content_type): ...\n"
    bad = changed(archive, tmp_path / "bad.tgz", model=None, handler=handler)

    result = run("--archive", bad, "--image", f"{IMAGE}0.23-1-cpu-py3")

    assert result.exit_code == 1
    assert "no model.joblib" in result.output
    assert "inference.py raised AttributeError: 'NoneType' object has no attribute 'predict'" in result.output
    assert "carries scikit-learn 0.23" in result.output
    assert result.output.count("\n- ") == 3


def test_an_archive_without_handler_and_with_broken_versions_is_not_ready(archive: Path, tmp_path: Path) -> None:
    bad = changed(archive, tmp_path / "bad.tgz", versions="{", handler=None)

    result = run("--archive", bad)

    assert result.exit_code == 1
    assert "no inference.py" in result.output
    assert "versions.json is not like" in result.output
    assert result.output.count("\n- ") == 2


GOOD = """
def model_fn(model_dir): return None
def input_fn(body, content_type): return body
def predict_fn(data, model): {predict}
def output_fn(prediction, accept): return {output}
"""


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("def model_fn(:", "raised SyntaxError"),
        (GOOD.format(predict="raise KeyError('Input')", output="None"), "raised KeyError: 'Input'"),
        (GOOD.format(predict="import os; os._exit(3)", output="None"), "ended its process with code 3"),
        (
            GOOD.format(predict="return 1", output="__import__('werkzeug').Response('no such row', 400)"),
            "the sample row is refused: no such row",
        ),
    ],
)
def test_a_handler_that_gives_no_answer_is_not_ready(archive: Path, tmp_path: Path, handler: str, said: str) -> None:
    result = run("--archive", changed(archive, tmp_path / "bad.tgz", handler=handler))

    assert result.exit_code == 1
    assert said in result.output


@pytest.mark.parametrize(
    ("output", "shown"),
    [("{'Output': 28}", '{"Output":28}'), ("""'{"Output": 28}', 'application/json'""", '{"Output": 28}')],
)
def test_the_other_answers_the_container_serves_are_taken(
    archive: Path, tmp_path: Path, output: str, shown: str
) -> None:
    handler = GOOD.format(predict="print('loading'); return 28", output=output)

    result = run("--archive", changed(archive, tmp_path / "good.tgz", handler=handler))

    assert result.exit_code == 0, result.output
    assert f"with {shown}\n" in result.output


CONSTANT = """
class Constant:
    def predict(self, rows): return [28]
def model_fn(model_dir): return Constant()
def input_fn(body, content_type): return body
"""
WHERE = """
import os
def model_fn(model_dir): return sorted(os.listdir(model_dir))[0]
def transform_fn(model, body, content_type, accept): return f"{model} {os.getcwd()}", accept
"""


@pytest.mark.parametrize(
    ("handler", "shown"),
    [
        (CONSTANT, "[28]"),
        (WHERE, "inference.py /"),
        ("def transform_fn(model, body, accept): ...\ndef input_fn(): ...\ndef model_fn(model_dir): ...", None),
        ("def predict_fn(data, model): return [28]", None),
    ],
)
def test_a_handler_is_taken_as_the_container_takes_it(
    archive: Path, tmp_path: Path, handler: str, shown: str | None
) -> None:
    result = run("--archive", changed(archive, tmp_path / "some.tgz", handler=handler))

    assert (result.exit_code == 0) == (shown is not None), result.output
    assert shown is None or f"with {shown}\n" in result.output
    assert shown is not None or "Cannot use transform_fn" in result.output or "has no model_fn" in result.output


def test_another_image_has_another_contract(archive: Path, tmp_path: Path) -> None:
    handler = "def model_fn(model_dir, context): return context.system_properties['model_dir'] == model_dir\n"
    handler += "def transform_fn(model, body, content_type, accept): return {'same': model}"
    changed(archive, tmp_path / "some.tgz", handler=handler)

    pytorch = run("--archive", tmp_path / "some.tgz", "--image", "pytorch-inference:2.6.0-cpu-py312")

    assert 'with {\n  "same": true\n}' in pytorch.output
    assert "missing 1 required positional argument" in run("--archive", tmp_path / "some.tgz").output


def test_a_machine_reads_json(archive: Path, tmp_path: Path) -> None:
    handler = GOOD.format(predict="return 28", output="{'Output': 28}")

    good = run("--archive", changed(archive, tmp_path / "good.tgz", handler=handler), "--json")
    bad = run("--archive", changed(archive, tmp_path / "bad.tgz", handler=handler, model=None), "--json")

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert json.loads(good.output) == {"problems": [], "versions": read_versions(archive), "answer": '{"Output":28}'}
    assert json.loads(bad.output)["problems"] == ["there is no model.joblib at the root"]


@pytest.mark.usefixtures("project")
def test_the_stacks_image_is_asked_for(archive: Path, tmp_path: Path, command: Callable[[str, str], Path]) -> None:
    log = command("pulumi", f"echo '{config_json(containerImage=IMAGE + '0.23-1-cpu-py3')}'")
    archive = changed(archive, tmp_path / "bad.tgz", handler=None)

    result = run("--archive", archive, "--stack", "dev")

    assert result.exit_code == 1
    assert "carries scikit-learn 0.23" in result.output
    assert result.stderr.startswith("project shop, stack dev\n")
    assert log.read_text() == "config --json --stack dev --non-interactive --color never\n"
    assert run("--archive", archive, "--stack", "dev", "--image", "x").exit_code == 2


@pytest.mark.usefixtures("project")
def test_a_stack_without_an_image_says_so(archive: Path, command: Callable[[str, str], Path]) -> None:
    command("pulumi", f"echo '{config_json(containerImage='')}'")

    result = run("--archive", archive, "--stack", "dev")

    assert result.exit_code == 1
    assert "the stack dev has no containerImage: name the image with --image" in result.stderr
