import io
import json
import tarfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from sagebridge.cli import main
from sagebridge.model.archive import package, read_versions
from sagebridge.model.contents import Layout
from sagebridge.model.contract import SAMPLE
from tests.local.account import until
from tests.warm import WarmPython, warm_python

from .conftest import config_json

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:"
FITTING = f"{IMAGE}{version('scikit-learn').rpartition('.')[0]}-0-cpu-py3"
"""An image with the scikit-learn that trained the archive, which is the one here."""


@pytest.fixture(autouse=True)
def this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs handlers in this environment, so that no registry is needed; `test_check_in_image.py` has the images'."""
    monkeypatch.setattr("sagebridge.containers.code.interpreter_for", lambda *_: "")


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmPython]:
    """A Python that has imported what handlers and their server import."""
    with warm_python("flask", "sagemaker_inference.transformer", "pandas", "sklearn.ensemble") as python:
        yield python


@pytest.fixture
def forked(warm: WarmPython, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs handlers in processes that are forked; the tests that lack this fixture show how their process starts."""
    monkeypatch.setattr("sagebridge.processes.complete", warm.complete)


def in_forked_process(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that runs handlers in forked processes, all of which one worker starts."""
    for mark in (pytest.mark.process, pytest.mark.usefixtures("forked"), pytest.mark.xdist_group("forked-check")):
        test = mark(test)
    return test


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


@pytest.mark.process
def test_a_good_archive_is_ready_and_shows_its_answer(archive: Path) -> None:
    result = run("--archive", archive, "--image", FITTING)

    assert result.exit_code == 0, result.output
    answer = json.loads(result.output.splitlines()[1].partition("with ")[2])
    assert answer["Output"] == 28
    assert answer["Predictions"] == [pytest.approx(28.9967236, abs=5e-8)]
    assert f"is ready for {FITTING}" in result.output


@pytest.mark.process
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


@pytest.mark.parametrize("name", ["/opt/ml/model/escaped", "../escaped", "code/../../escaped", "/inference.py"])
def test_an_archive_that_escapes_is_refused_before_its_code_runs(tmp_path: Path, name: str) -> None:
    ran = tmp_path / "ran"
    with tarfile.open(tmp_path / "bad.tgz", "w:gz") as target:
        for member, content in (("inference.py", f"open({str(ran)!r}, 'w')".encode()), (name, b"x")):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))

    for arguments in ((), ("--image", FITTING), ("--image", "mine:1"), ("--json",)):
        result = run("--archive", tmp_path / "bad.tgz", *arguments)
        assert result.exit_code == 1
        assert f"is not a whole and safe .tar.gz: {name!r} " in result.stderr.replace("member ", "")

    assert not ran.exists()


GOOD = """
def model_fn(model_dir): return None
def input_fn(body, content_type): return body
def predict_fn(data, model): {predict}
def output_fn(prediction, accept): return {output}
"""


@in_forked_process
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


@pytest.mark.process
def test_what_a_handler_has_started_ends_with_the_check(archive: Path, tmp_path: Path) -> None:
    start = "__import__('subprocess').Popen(['sleep', '600'], process_group=0).pid"
    handler = GOOD.format(predict=f"return {start}", output="str(prediction)")

    result = run("--archive", changed(archive, tmp_path / "starts.tgz", handler=handler))

    assert result.exit_code == 0, result.output
    pid = result.output.splitlines()[1].rpartition(" ")[2]
    assert int(pid) > 1
    until(lambda: not Path("/proc", pid, "exe").exists(), 10)  # init takes a moment to remove it


@in_forked_process
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


@in_forked_process
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


@pytest.mark.process
def test_another_image_has_another_contract(archive: Path, tmp_path: Path) -> None:
    handler = "def model_fn(model_dir, context): return context.system_properties['model_dir'] == model_dir\n"
    handler += "def transform_fn(model, body, content_type, accept): return {'same': model}"
    changed(archive, tmp_path / "some.tgz", handler=handler)

    pytorch = run("--archive", tmp_path / "some.tgz", "--image", "pytorch-inference:2.6.0-cpu-py312")

    assert 'with {\n  "same": true\n}' in pytorch.output
    assert "missing 1 required positional argument" in run("--archive", tmp_path / "some.tgz").output


@in_forked_process
def test_a_machine_reads_json(archive: Path, tmp_path: Path) -> None:
    handler = GOOD.format(predict="return 28", output="{'Output': 28}")

    good = run("--archive", changed(archive, tmp_path / "good.tgz", handler=handler), "--json")
    bad = run("--archive", changed(archive, tmp_path / "bad.tgz", model=None), "--json")

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert json.loads(good.output) == {
        "problems": [],
        "versions": read_versions(archive),
        "answer": '{"Output":28}',
        "request": SAMPLE,
        "unjudged": None,
    }
    assert json.loads(bad.output)["problems"][1:] == ["there is no model.joblib at the root, nor another model"]


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """The folder, `tmp_path`, of a classifier of three features with text labels."""
    rows = np.random.default_rng(0).random((30, 3))
    joblib.dump(RandomForestClassifier(5, random_state=0).fit(rows, ["a", "b", "c"] * 10), tmp_path / "forest.pkl")
    (tmp_path / "helpers.py").write_text(
        "import joblib\ndef load(folder): return joblib.load(folder + '/forest.pkl')\n"
    )
    return tmp_path


LOAD = "import helpers\ndef model_fn(model_dir): return {'model': helpers.load(model_dir)}\n"
PREDICT = "def predict_fn(rows, model): return model['model'].predict(rows).tolist()\n"
WRITE = "import json\ndef output_fn(labels, accept): return json.dumps([accept, *labels]), 'application/json'\n"
READ = {
    "default": "",
    "Input": "import json\ndef input_fn(body, content_type): return json.loads(body)['Input']\n",
    "instances": "import json\ndef input_fn(body, content_type): return json.loads(body)['instances']\n",
    "csv": "import io, numpy as np\n"
    "def input_fn(body, content_type):\n"
    "    assert content_type == 'text/csv'\n"
    "    return np.loadtxt(io.StringIO(body), delimiter=',', ndmin=2)\n",
}


def packed(folder: Path, handler: str, layout: Layout = Layout.FLAT) -> Path:
    (folder / "handler.py").write_text(handler)
    package(folder / "forest.pkl", folder / "handler.py", folder / "m.tgz", [folder / "helpers.py"], layout)
    return folder / "m.tgz"


@in_forked_process
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("read", READ)
def test_a_sample_is_made_for_the_features_of_the_model(classifier: Path, read: str, layout: Layout) -> None:
    result = run("--archive", packed(classifier, LOAD + READ[read] + PREDICT + WRITE, layout), "--json")

    findings = json.loads(result.output)
    assert (result.exit_code, findings["problems"]) == (0, [])
    assert findings["request"].count("1") == 3
    assert json.loads(findings["answer"])[1] in {"a", "b", "c"}


@pytest.mark.process
def test_of_two_handlers_the_one_is_asked_that_the_component_deploys(classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    handler = "def model_fn(d): ...\ndef transform_fn(m, b, t, a): return {word!r}, a\n"
    (tmp_path / "code" / "inference.py").write_text(handler.format(word="in code"))
    (tmp_path / "root.py").write_text(handler.format(word="at the root"))
    out = tmp_path / "model.tar.gz"
    package(classifier / "forest.pkl", tmp_path / "root.py", out, [tmp_path / "code"])
    assert "with in code" in run("--archive", out, "--image", FITTING).output


@pytest.mark.process
def test_a_sample_has_the_names_of_the_features(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "rooms": [3.0, 4.0]})
    joblib.dump(LinearRegression().fit(frame, [0.0, 1.0]), tmp_path / "model.joblib")
    handler = tmp_path / "handler.py"
    handler.write_text(
        "import io, joblib, pandas\n"
        "def model_fn(model_dir): return joblib.load(model_dir + '/model.joblib')\n"
        "def input_fn(body, content_type): return pandas.read_csv(io.StringIO(body))[['rooms', 'age']]\n"
        "def predict_fn(frame, model): return model.predict(frame[['age', 'rooms']])\n"
    )
    package(tmp_path / "model.joblib", handler, tmp_path / "m.tgz")

    result = run("--archive", tmp_path / "m.tgz")

    assert result.exit_code == 0, result.output
    assert "answers the made sample age,rooms" in result.output


@in_forked_process
def test_a_handler_that_takes_no_made_sample_asks_for_one(classifier: Path) -> None:
    read = "import json\ndef input_fn(body, content_type): return [json.loads(body)['flower']]\n"
    archive = packed(classifier, LOAD + read + PREDICT + WRITE)
    (classifier / "flower.json").write_text('{"flower": [1, 2, 3]}')

    without_sample, with_sample = (
        run("--archive", archive),
        run("--archive", archive, "--sample", classifier / "flower.json"),
    )

    assert without_sample.exit_code == 1
    assert "to {\"Input\": [[1, 1, 1]]} it says: inference.py raised KeyError: 'flower'" in without_sample.output
    assert "name a request that it takes with --sample" in without_sample.output
    assert with_sample.exit_code == 0, with_sample.output
    assert f'answers {classifier}/flower.json with ["application/json", "' in with_sample.output


@in_forked_process
def test_a_sample_is_sent_as_it_is_with_its_types(classifier: Path) -> None:
    (classifier / "some.bin").write_bytes(b"\xff\x00")
    echo = (
        "def transform_fn(model, body, content_type, accept):\n"
        "    return (body if isinstance(body, bytes) else body.encode()) + content_type.encode(), accept\n"
    )
    archive, sample = packed(classifier, LOAD + echo), classifier / "some.bin"

    result = run("--archive", archive, "--sample", sample, "--content-type", "image/x", "--accept", "image/y")

    assert result.exit_code == 0, result.output
    assert "with 9 bytes of image/y" in result.output
    assert run("--archive", archive, "--accept", "image/y").exit_code == 2
    (classifier / "rows.csv").write_text("1,2,3\n")
    echoed = run("--archive", archive, "--sample", classifier / "rows.csv", "--accept", "text/plain")
    assert "with 1,2,3\ntext/csv\n" in echoed.output


@pytest.mark.parametrize("image", ["sagemaker-xgboost:1.7-1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"])
def test_an_image_that_is_not_known_is_not_judged(archive: Path, tmp_path: Path, image: str) -> None:
    archive = changed(archive, tmp_path / "some.tgz", handler=None)

    result, json_result = (
        run("--archive", archive, "--image", image),
        run("--archive", archive, "--image", image, "--json"),
    )

    assert result.exit_code == 0, result.output
    assert f"was not judged: the container of {image} is not known here" in result.output
    assert "is ready" not in result.output
    assert "is not known here" in json.loads(json_result.output)["unjudged"]


@in_forked_process
@pytest.mark.parametrize(
    ("handler", "image", "why"),
    [
        ("import torch\ndef model_fn(d): ...", "pytorch-inference:2.6.0-cpu-py312", "it needs torch, which is in the"),
        ("from transformers.x import y\ndef model_fn(d): ...", "huggingface-pytorch-inference:2", "needs transformers"),
        ("def model_fn(d): ...", "pytorch-inference:2.6.0-cpu-py312", "it needs torch, which is in the"),
        (None, "pytorch-inference:2.6.0-cpu-py312", "there is no inference.py, and what"),
        (None, "huggingface-pytorch-inference:2.6.0-cpu", "there is no inference.py, and what"),
    ],
)
def test_what_only_the_image_can_do_is_not_judged(
    archive: Path, tmp_path: Path, handler: str | None, image: str, why: str
) -> None:
    result = run("--archive", changed(archive, tmp_path / "some.tgz", handler=handler), "--image", image)

    assert result.exit_code == 0, result.output
    assert "was not judged: " in result.output
    assert why in result.output


@in_forked_process
def test_the_problem_of_a_toolkit_is_its_last_line(archive: Path, tmp_path: Path) -> None:
    handler = "def model_fn(d): ...\ndef transform_fn(model, body, content_type, accept): return {}['rows']"

    result = run(
        "--archive", changed(archive, tmp_path / "some.tgz", handler=handler), "--image", "pytorch-inference:2"
    )

    assert "\n- the sample row is refused: KeyError: 'rows'\n" in result.output


@in_forked_process
def test_another_missing_package_is_a_problem(archive: Path, tmp_path: Path) -> None:
    archive = changed(archive, tmp_path / "some.tgz", handler="import none_such\ndef model_fn(d): ...")

    for image in (FITTING, "pytorch-inference:2.6.0-cpu-py312"):
        assert "No module named 'none_such'" in run("--archive", archive, "--image", image).output


@in_forked_process
def test_a_model_without_versions_fits_by_its_own_pickle(classifier: Path, tmp_path: Path) -> None:
    archive = changed(packed(classifier, LOAD + PREDICT + WRITE), tmp_path / "some.tgz", versions=None)

    result = run("--archive", archive, "--image", f"{IMAGE}0.23-1-cpu-py3")

    assert result.exit_code == 1
    assert "carries scikit-learn 0.23" in result.output
    assert run("--archive", archive, "--image", FITTING).exit_code == 0


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
