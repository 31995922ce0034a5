"""Pure: which variables lead a container of AWS's to the handler in its model, and what is refused or said."""

from collections.abc import Mapping
from typing import Any

import pytest

from sagebridge.images.contents import Contents
from sagebridge.images.handler import Judgement, Model, judge, unseen
from tests.images.archives import HANDLER

URL = "s3://models/a/model.tar.gz"
OTHER = "s3://models/code/sourcedir.tar.gz"
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SCIKIT_LEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.9-0-cpu-py3"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:3.2-0"
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312"
HUGGING_FACE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.6.0-transformers4.51.3-cpu"
TENSORFLOW = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.19.0-cpu"
PROGRAM, SUBMIT = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
ROOT = {PROGRAM: "inference.py", SUBMIT: URL}
IN_CODE = {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model/code"}
SERVED_BY_CODE = ["model.joblib", "code/inference.py"]
SERVED_BY_ROOT = ["model.joblib", "inference.py"]


def judged(
    image: str,
    files: list[str],
    variables: Mapping[str, str | None] | None = None,
    *,
    is_whole: bool = True,
    **model: Any,
) -> Judgement:
    return judge(Model(image, **{"url": URL, "variables": variables or {}, **model}), Contents(files, is_whole))


@pytest.mark.parametrize(
    ("image", "files", "variables"),
    [
        (SCIKIT_LEARN, SERVED_BY_ROOT, ROOT),
        (SCIKIT_LEARN, SERVED_BY_CODE, IN_CODE),
        (SCIKIT_LEARN, ["inference/__init__.py"], ROOT),
        (SCIKIT_LEARN, ["setup.py", "src/inference.py"], ROOT),  # the container installs what it declares
        (SCIKIT_LEARN, ["code/setup.py", "code/src/inference.py"], IN_CODE),
        (SCIKIT_LEARN, ["inference.py", "code/setup.py"], ROOT),
        (SCIKIT_LEARN, ["setup.py", "code/inference.py"], IN_CODE),
        (XGBOOST, SERVED_BY_ROOT, ROOT),
        (XGBOOST, SERVED_BY_CODE, IN_CODE),
        (XGBOOST, ["xgboost-model"], {}),  # the algorithm serves it without a script
        (PYTORCH, SERVED_BY_ROOT, ROOT),
        (PYTORCH, ["model.pth", "code/inference.py"], {}),
        (PYTORCH, ["model.pt", "labels.pt"], {}),  # the image's own model_fn loads model.pt
        (PYTORCH, ["weights.pth", "vocabulary.txt"], {}),
        (HUGGING_FACE, SERVED_BY_ROOT, ROOT),
        (HUGGING_FACE, ["config.json", "code/inference.py"], {}),
        (HUGGING_FACE, ["config.json", "model.safetensors"], {}),  # a pipeline of transformers
        (TENSORFLOW, ["1/saved_model.pb", "code/inference.py"], {}),
        (TENSORFLOW, ["1/saved_model.pb"], {}),
        ("own:1", SERVED_BY_ROOT, {}),
        ("own:1", SERVED_BY_CODE, {}),
        ("own:1", ["weights"], {}),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn-extended:1", ["weights"], {}),
        (f"{REGISTRY}/xgboost:1", ["xgboost-model"], {}),  # the algorithm alone, which takes no script
    ],
)
def test_the_variables_fit_the_archive(image: str, files: list[str], variables: dict[str, str]) -> None:
    assert judged(image, files) == Judgement(variables, script=judged(image, files).script)


@pytest.mark.parametrize("image", [SCIKIT_LEARN, PYTORCH, HUGGING_FACE])
def test_of_two_handlers_the_one_in_code_is_served_and_the_note_says_so(image: str) -> None:
    verdict = judged(image, ["inference.py", "code/inference.py"])
    assert verdict.variables.get(SUBMIT) == ("/opt/ml/model/code" if image == SCIKIT_LEARN else None)
    assert verdict.note
    assert "has inference.py and code/inference.py. code/inference.py is served" in verdict.note
    assert not verdict.problem


@pytest.mark.parametrize("variables", [{}, {PROGRAM: "serve.py"}])
def test_an_archive_without_a_handler_is_refused_with_the_ways_out(variables: dict[str, str]) -> None:
    problem = judged(SCIKIT_LEARN, ["model.joblib"], variables).problem
    program = variables.get(PROGRAM, "inference.py")
    assert problem
    assert f"has no {program} at its root or in code/" in problem
    assert "It has model.joblib." in problem
    for way in (
        "sagebridge package --handler",
        f"set {PROGRAM} and {SUBMIT} in environment to a script and to the s3:// URL",
        "default_environment to false",
    ):
        assert way in problem


def test_a_handler_in_another_folder_is_pointed_to() -> None:
    problem = judged(SCIKIT_LEARN, ["src/serving/inference.py", *(f"data/{n}" for n in range(20))]).problem
    assert problem
    assert f"set {SUBMIT} in environment to /opt/ml/model/src/serving, where it is" in problem
    assert "and 11 more" in problem


def test_an_archive_of_pytorch_with_neither_handler_nor_one_model_is_refused() -> None:
    for files in (["a.pth", "b.pth"], ["model.bin"], ["data/model.pt"]):
        problem = judged(PYTORCH, files).problem
        assert problem
        assert "has no code/inference.py, and without it the image of PyTorch loads model.pt or the only" in problem
        assert "--layout code" in problem


@pytest.mark.parametrize(
    ("files", "variables", "expected"),
    [
        (["serve.py"], {PROGRAM: "serve.py"}, URL),
        (["code/serve.py", "inference.py"], {PROGRAM: "serve"}, "/opt/ml/model/code"),
        (["model.joblib"], {SUBMIT: OTHER}, None),
        (["model.joblib"], {PROGRAM: "serve.py", SUBMIT: OTHER}, None),
        (["model.joblib"], {SUBMIT: "/opt/ml/code"}, None),  # the image itself may have code there
        (["model.joblib"], {SUBMIT: "/usr/src"}, None),
        (["src/inference.py"], {SUBMIT: "/opt/ml/model/src/"}, None),
        (["inference.py"], {SUBMIT: "/opt/ml/model"}, None),
        (["inference.py"], {SUBMIT: URL}, None),
        (["code.tar.gz"], {SUBMIT: "/opt/ml/model/code.tar.gz"}, None),
        (["model.joblib"], {PROGRAM: None}, URL),
        (["model.joblib"], {PROGRAM: ""}, URL),
        (["model.joblib"], {SUBMIT: None}, URL),
    ],
)
def test_what_the_user_says_decides(files: list[str], variables: dict[str, str | None], expected: str | None) -> None:
    verdict = judged(SCIKIT_LEARN, files, variables)
    assert verdict.problem is None
    assert verdict.variables.get(SUBMIT) == expected


@pytest.mark.parametrize(
    ("files", "variables", "says"),
    [
        (["code/serve.py"], {PROGRAM: "serve.py", SUBMIT: URL}, "has no serve.py at its root, where"),
        (["code/serve.py"], {SUBMIT: "/opt/ml/model/code"}, "has no inference.py in code, where"),
        (["inference.py"], {SUBMIT: "/opt/ml/model/code"}, "has no folder code, where"),
        (["inference.py"], {SUBMIT: "/opt/ml/model/../model/code"}, "has no folder code, where"),
        (["code/inference.py"], {PROGRAM: "code/inference.py"}, "has no code/inference.py at its root or in code/"),
    ],
)
def test_variables_that_contradict_the_archive_are_refused(
    files: list[str], variables: dict[str, str], says: str
) -> None:
    problem = judged(SCIKIT_LEARN, files, variables).problem
    assert problem
    assert says in problem
    assert judged(SCIKIT_LEARN, files, variables, is_whole=False).problem is None  # the rest may have it


def test_a_container_without_a_network_takes_the_code_from_the_model() -> None:
    assert judged(SCIKIT_LEARN, SERVED_BY_ROOT, is_isolated=True).variables[SUBMIT] == "/opt/ml/model"
    assert judged(SCIKIT_LEARN, SERVED_BY_CODE, is_isolated=True).variables == IN_CODE
    for url in (OTHER, URL):
        problem = judged(SCIKIT_LEARN, SERVED_BY_ROOT, {SUBMIT: url}, is_isolated=True).problem
        assert problem
        assert "a container with enable_network_isolation cannot fetch it" in problem


def test_a_data_source_is_served_out_of_the_models_folder() -> None:
    assert judged(SCIKIT_LEARN, SERVED_BY_ROOT, url=None).variables[SUBMIT] == "/opt/ml/model"
    assert judged(SCIKIT_LEARN, SERVED_BY_CODE, url=None).variables == IN_CODE
    assert unseen(Model(SCIKIT_LEARN, None, {})) == {}


def test_what_does_not_begin_with_a_handler_is_taken_to_have_it_at_the_root_and_that_is_said() -> None:
    verdict = judged(SCIKIT_LEARN, ["model.joblib"], is_whole=False)
    assert verdict.variables == ROOT
    (warning,) = verdict.warnings
    assert "has no inference.py among its first files" in warning
    assert judged(SCIKIT_LEARN, SERVED_BY_CODE, is_whole=False).variables == IN_CODE
    assert judged(PYTORCH, ["model.pth"], is_whole=False) == Judgement(ROOT)


@pytest.mark.parametrize("variables", [{PROGRAM: "serve.py"}, {SUBMIT: OTHER}])
@pytest.mark.parametrize("image", [PYTORCH, HUGGING_FACE])
def test_code_that_the_toolkit_does_not_find_is_said(image: str, variables: dict[str, str]) -> None:
    verdict = judged(image, ["model.pth"], variables)
    (warning,) = verdict.warnings
    assert "takes a handler from nowhere else" in warning
    assert (verdict.problem, verdict.variables) == (None, {})


def test_without_defaults_only_what_the_user_says_is_judged() -> None:
    for image in (SCIKIT_LEARN, PYTORCH):
        assert judged(image, ["model.joblib"], sets_defaults=False) == Judgement({})
    both = {PROGRAM: "serve.py", SUBMIT: "/opt/ml/model"}
    assert judged(SCIKIT_LEARN, ["model.joblib"], both, sets_defaults=False).problem


TRANSFORM = "def model_fn(d): ...\ndef transform_fn(m, b, t, a): ...\n"


@pytest.mark.parametrize(
    ("tag", "script", "is_said"),
    [
        ("0.23-1-cpu-py3", TRANSFORM, True),
        ("1.0-1-cpu-py3", TRANSFORM, True),
        ("1.0-1-cpu-py3", f"{TRANSFORM}def input_fn(b, t): ...", False),  # there it is not missed
        ("1.0-1-cpu-py3", HANDLER, False),
        ("1.2-1-cpu-py3", TRANSFORM, False),
        ("1.9-0-cpu-py3", TRANSFORM, False),
    ],
)
@pytest.mark.parametrize("place", ["inference.py", "code/inference.py"])
def test_an_image_that_does_not_know_transform_fn_is_named(tag: str, script: str, place: str, *, is_said: bool) -> None:
    image = f"{REGISTRY}/sagemaker-scikit-learn:{tag}"
    verdict = judge(Model(image, URL, {}), Contents([place], is_whole=True, scripts={place: script.encode()}))
    assert verdict.problem is None
    assert [f"the image {image} never calls" in warning for warning in verdict.warnings] == [True] * is_said


@pytest.mark.parametrize(
    ("image", "pickled_with", "versions", "is_said"),
    [
        (SCIKIT_LEARN, "0.23.2", {}, True),
        (SCIKIT_LEARN, "1.9.1", {}, False),
        (SCIKIT_LEARN, "0.23.2", {"scikit-learn": "1.9.0"}, False),  # that is what was checked
        (XGBOOST, "0.23.2", {}, False),
        ("own:1", "0.23.2", {}, False),
    ],
)
def test_a_pickle_of_another_version_is_said(
    image: str, pickled_with: str, versions: dict[str, str], *, is_said: bool
) -> None:
    contents = Contents(["inference.py", "m.pkl"], is_whole=True, versions=versions, pickled_with=pickled_with)
    warnings = judge(Model(image, URL, {}), contents).warnings
    assert ["may not load: " in warning and "0.23.2" in warning for warning in warnings] == [True] * is_said
