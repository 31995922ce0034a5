"""Where a container's code comes from: archives as people have them, served or refused as AWS does."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.containers.wheels import wheel
from tests.local.account import HANDLER, IMAGE, Account, pack

pytestmark = pytest.mark.server

PROGRAM, SUBMIT = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
PYTORCH = f"{REGISTRY}/pytorch-inference:2.6.0-cpu-py312"
HUGGING_FACE = f"{REGISTRY}/huggingface-pytorch-inference:2.6.0-transformers4.49.0-cpu-py312-ubuntu22.04"
NO_PING = "did not pass the ping health check"


def handler(word: str) -> str:
    """Returns a handler that answers with a word, its working directory, and what the model's folder has."""
    return f"""
import json, os
def model_fn(model_dir): return open(os.path.join(model_dir, "model.txt")).read()
def input_fn(body, content_type): return body
def predict_fn(data, model): return {{"word": {word!r}, "model": model, "cwd": os.getcwd()}}
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""


LISTS = """
import json, os
import helpers.one
def model_fn(model_dir):
    return sorted(os.path.join(place, name) for place, _, names in os.walk(model_dir) for name in names)
def transform_fn(model, body, content_type, accept):
    return json.dumps([os.path.basename(name) for name in model]), "application/json"
"""
MODEL = {"model.txt": "weights"}


@pytest.fixture
def deploy(account: Account) -> Callable[..., dict[str, Any]]:
    """Deploys an archive in a container; returns the endpoint's description."""

    def deploy(
        files: Mapping[str, str | bytes] | None, environment: Mapping[str, str], image: str = IMAGE, **members: object
    ) -> dict[str, Any]:
        container: dict[str, Any] = {"Image": image, "Environment": dict(environment)}
        if files is not None:
            url = account.upload(pack(files))
            container["Environment"] = {name: value.replace("<url>", url) for name, value in environment.items()}
            container["ModelDataUrl"] = url
        name = account.name("handler")
        account.sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=account.base(), PrimaryContainer=container, **members
        )
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return account.deploy(name)

    return deploy


@pytest.fixture
def log(account: Account) -> Callable[[dict[str, Any]], str]:
    """Reads the log of an endpoint."""
    return lambda description: account.log(description["EndpointName"])


def served(account: Account, description: dict[str, Any]) -> dict[str, Any]:
    """Asserts that an endpoint serves; returns its answer."""
    assert description["EndpointStatus"] == "InService", description["FailureReason"]
    return account.invoke(description["EndpointName"])


# The scikit-learn container


def test_the_code_is_that_of_the_other_archive_whatever_the_model_has(account: Account, deploy: Any) -> None:
    code = account.upload(pack({"inference.py": handler("code")}))
    description = deploy({**MODEL, "inference.py": handler("model")}, {PROGRAM: "inference.py", SUBMIT: code})
    assert served(account, description) == {"word": "code", "model": "weights", "cwd": "/"}


def test_a_model_without_code_is_served_by_the_code_of_another_archive(account: Account, deploy: Any) -> None:
    code = account.upload(pack({"inference.py": handler("code"), "unused/deep.py": ""}))
    assert served(account, deploy(MODEL, {PROGRAM: "inference.py", SUBMIT: code}))["word"] == "code"


def test_of_root_and_folder_the_named_one_serves(account: Account, deploy: Any) -> None:
    files = {**MODEL, "inference.py": handler("root"), "code/inference.py": handler("folder")}
    for submitted, word in (
        ("/opt/ml/model/code", "folder"),
        ("/opt/ml/model/code/", "folder"),
        ("opt/ml/model/./code", "folder"),
        ("/opt/ml/model", "root"),
        ("<url>", "root"),
    ):
        assert served(account, deploy(files, {PROGRAM: "inference.py", SUBMIT: submitted}))["word"] == word, submitted


@pytest.mark.parametrize("program", ["inference.py", "inference", "handlers.inference", "my-handler.py"])
def test_a_program_is_a_module_at_the_top_of_the_code(account: Account, deploy: Any, program: str) -> None:
    files = {
        **MODEL,
        "code/inference.py": "from helper import *",
        "code/my-handler.py": "from helper import *",
        "code/handlers/inference.py": "from helper import *",
        "code/helper.py": handler("helper"),
    }
    assert served(account, deploy(files, {PROGRAM: program, SUBMIT: "/opt/ml/model/code"}))["word"] == "helper"


def test_the_models_folder_has_nothing_but_the_archives_files(account: Account, deploy: Any) -> None:
    files = {**MODEL, "inference.py": LISTS, "helpers/one.py": "", "helpers/__init__.py": ""}
    for environment, image in ((HANDLER, IMAGE), ({}, PYTORCH)):
        answer: Any = served(account, deploy(files, environment, image))
        assert answer == ["__init__.py", "one.py", "inference.py", "model.txt"]


FIXED_PATHS = """
import json, os
def model_fn(model_dir):
    with open("/opt/ml/model/model.txt") as file: return [model_dir, os.environ["SM_MODEL_DIR"], file.read()]
def transform_fn(model, body, content_type, accept):
    return json.dumps(model + [__file__, sorted(os.listdir("/opt"))]), "application/json"
"""


@pytest.mark.parametrize(("submitted", "image"), [("<url>", IMAGE), ("/opt/ml/model", IMAGE), ("", PYTORCH)])
def test_the_model_is_where_awss_containers_have_it(
    account: Account, deploy: Any, log: Any, submitted: str, image: str
) -> None:
    environment = {PROGRAM: "inference.py", SUBMIT: submitted}
    description = deploy({**MODEL, "inference.py": FIXED_PATHS}, environment, image)
    if "this system allows no mount" in log(description):
        pytest.skip("this system allows no mount")
    answer: Any = served(account, description)
    file = "/opt/ml/code/inference.py" if image == IMAGE else "/opt/ml/model/inference.py"
    machine = {path.name for path in Path("/opt").iterdir()} if Path("/opt").exists() else set()
    assert answer == ["/opt/ml/model", "/opt/ml/model", "weights", file, sorted(machine | {"ml"})]
    assert Path("/opt/ml/model/model.txt").exists() is False


def test_an_archive_of_code_within_the_model_is_unpacked(account: Account, deploy: Any) -> None:
    inner = pack({"inference.py": handler("inner")})
    files = {**MODEL, "sourcedir.tar.gz": inner, "inference.py": handler("root")}
    environment = {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model/sourcedir.tar.gz"}
    assert served(account, deploy(files, environment))["word"] == "inner"
    alone = {**environment, SUBMIT: "/opt/ml/model/inference.py"}
    assert served(account, deploy(files, alone))["word"] == "root"


@pytest.mark.parametrize(
    ("files", "environment", "words"),
    [
        ({"code/inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "<url>"}, "No module named 'inference'"),
        ({"inference.py": ""}, {PROGRAM: "inference.py"}, "No module named 'inference'"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "/opt/ml/code"}, "No module named 'inference'"),
        (
            {"code/inference.py": ""},
            {PROGRAM: "code/inference.py", SUBMIT: "<url>"},
            "No module named 'code/inference'",
        ),
        ({"inference.py": ""}, {SUBMIT: "<url>"}, "SAGEMAKER_PROGRAM is not set"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: ""}, "no such file or folder"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model/code"}, "no such file or folder"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model/../../.."}, "no such file or folder"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "https://s3.amazonaws.com/a/b"}, "no such file"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "s3://models/none.tar.gz"}, "no such object"),
        ({"inference.py": "import helper"}, {PROGRAM: "inference.py", SUBMIT: "<url>"}, "No module named 'helper'"),
        ({"inference.py": "def"}, {PROGRAM: "inference.py", SUBMIT: "<url>"}, "SyntaxError"),
        ({"inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "<url>"}, "has no model_fn"),
    ],
)
def test_an_endpoint_without_its_code_fails_and_its_log_says_why(
    deploy: Any, log: Any, files: dict[str, str], environment: dict[str, str], words: str
) -> None:
    description = deploy(files, environment)
    assert description["EndpointStatus"] == "Failed"
    assert NO_PING in description["FailureReason"]
    assert words in log(description)


def test_a_folder_beside_the_code_is_named(deploy: Any, log: Any) -> None:
    text = log(deploy({"code/inference.py": ""}, {PROGRAM: "inference.py", SUBMIT: "<url>"}))
    assert "At the top there is: code." in text
    assert "set SAGEMAKER_SUBMIT_DIRECTORY to its folder, such as /opt/ml/model/code" in text


@pytest.mark.parametrize("body", [b"no archive", pack({"../escaped.py": ""})])
def test_code_that_cannot_be_unpacked_fails_the_endpoint(account: Account, deploy: Any, log: Any, body: bytes) -> None:
    description = deploy(MODEL, {PROGRAM: "inference.py", SUBMIT: account.upload(body)})
    assert description["EndpointStatus"] == "Failed"
    assert "cannot be unpacked" in log(description)


def test_a_container_without_network_fetches_no_code(account: Account, deploy: Any, log: Any) -> None:
    files = {**MODEL, "code/inference.py": handler("folder"), "inference.py": handler("root")}
    description = deploy(files, {PROGRAM: "inference.py", SUBMIT: "<url>"}, EnableNetworkIsolation=True)
    assert description["EndpointStatus"] == "Failed"
    assert "EnableNetworkIsolation cannot fetch it" in log(description)
    environment = {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model/code"}
    assert served(account, deploy(files, environment, EnableNetworkIsolation=True))["word"] == "folder"


# requirements.txt


REQUIRES = """
import six, spoken
from importlib.metadata import version
def model_fn(model_dir): return None
def transform_fn(model, body, content_type, accept):
    import json
    return json.dumps([spoken.WORD, version("six"), six.__version__]), "application/json"
"""


def test_what_the_code_requires_comes_before_this_environment(account: Account, deploy: Any) -> None:
    """The wheels are in the archive, so that the test needs no registry."""
    code = {
        "code/inference.py": REQUIRES,
        "code/requirements.txt": "./wheels/spoken-1.0-py3-none-any.whl\n./wheels/six-9.9-py3-none-any.whl\nflask\n",
        "code/wheels/spoken-1.0-py3-none-any.whl": wheel("spoken", "1.0", "WORD = 'hello'"),
        "code/wheels/six-9.9-py3-none-any.whl": wheel(
            "six",
            "9.9",
            "__version__ = '9.9'\nfrom io import BytesIO, StringIO\nPY2, PY3 = False, True\n"
            "class moves: import http.client as http_client\nimport sys, http.client\n"
            "sys.modules['six.moves'] = moves\nsys.modules['six.moves.http_client'] = http.client\n",
        ),
    }
    answer: Any = served(account, deploy(code, {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model/code"}))
    assert answer == ["hello", "9.9", "9.9"]
    answer = served(account, deploy(code, {}, PYTORCH))
    assert answer == ["hello", "9.9", "9.9"]


def test_a_requirement_that_is_there_already_needs_no_registry(account: Account, deploy: Any) -> None:
    files = {**MODEL, "inference.py": handler("root"), "requirements.txt": "numpy\nflask>=2 # served with\n"}
    assert served(account, deploy(files, HANDLER, EnableNetworkIsolation=True))["word"] == "root"


@pytest.mark.parametrize(
    ("requirement", "members"),
    [("no such thing\n", {}), ("./missing.whl\n", {}), ("spoken-nowhere\n", {"EnableNetworkIsolation": True})],
)
def test_a_requirement_that_cannot_be_installed_fails_the_endpoint(
    deploy: Any, log: Any, requirement: str, members: dict[str, Any]
) -> None:
    files = {**MODEL, "inference.py": handler("root"), "requirements.txt": requirement}
    description = deploy(files, HANDLER, **members)
    assert description["EndpointStatus"] == "Failed"
    assert "requirements.txt cannot be installed" in log(description)


# The inference toolkit


@pytest.mark.parametrize("image", [PYTORCH, HUGGING_FACE])
def test_the_toolkit_finds_code_inference_py_without_any_variable(account: Account, deploy: Any, image: str) -> None:
    files = {**MODEL, "inference.py": handler("root"), "code/inference.py": handler("folder")}
    description = deploy(files, {}, image)
    if image == PYTORCH:
        answer = served(account, description)
        assert answer["word"] == "folder"
        assert Path(answer["cwd"], "model.txt").name == "model.txt"
        assert answer["cwd"] != "/"
    else:  # it does not take a tuple for body and type
        body, content_type = served(account, description)
        assert (json.loads(body)["word"], content_type) == ("folder", "application/json")


def test_the_toolkit_takes_another_program_and_the_models_root(account: Account, deploy: Any) -> None:
    files = {**MODEL, "inference.py": handler("root"), "code/serve.py": handler("serve")}
    assert served(account, deploy(files, {PROGRAM: "serve.py"}, PYTORCH))["word"] == "serve"
    assert served(account, deploy(files, {SUBMIT: "s3://models/ignored.tar.gz"}, PYTORCH))["word"] == "root"


@pytest.mark.parametrize("image", [PYTORCH, HUGGING_FACE])
def test_without_a_handler_the_log_says_what_the_toolkits_default_needs(deploy: Any, log: Any, image: str) -> None:
    description = deploy(MODEL, {}, image)
    assert description["EndpointStatus"] == "Failed"
    assert ("torch" if image == PYTORCH else "a pipeline of transformers") in log(description)


# Many models


def put(account: Account, prefix: str, name: str, files: Mapping[str, str | bytes]) -> None:
    account.s3.put_object(Bucket="models", Key=f"{prefix}/{name}.tar.gz", Body=pack(files))


def many(account: Account, environment: Mapping[str, str], image: str = IMAGE) -> tuple[str, dict[str, Any]]:
    """Deploys a multi-model container; returns the prefix of its models and the endpoint's description."""
    prefix, name = account.name("many"), account.name("handler")
    container = {
        "Image": image,
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://models/{prefix}/",
        "Environment": dict(environment),
    }
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=account.base(), PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return prefix, account.deploy(name)


SUMS = """
class Sums:
    def predict(self, rows): return rows.sum(axis=1)
def model_fn(model_dir): return Sums()
"""


def test_many_models_share_the_code_and_a_single_row_is_a_table(account: Account) -> None:
    code = account.upload(pack({"inference.py": SUMS}))
    prefix, description = many(account, {PROGRAM: "inference.py", SUBMIT: code})
    put(account, prefix, "one", MODEL)
    put(account, prefix, "own", {**MODEL, "inference.py": handler("own")})
    assert description["EndpointStatus"] == "InService", description["FailureReason"]
    endpoint = description["EndpointName"]
    answer: Any = account.invoke(endpoint, b"[1, 2]", TargetModel="one.tar.gz")
    assert answer == [3.0]
    answer = account.invoke(endpoint, b"1,2\n3,4\n", ContentType="text/csv", TargetModel="one.tar.gz")
    assert answer == [3.0, 7.0]
    assert account.invoke(endpoint, TargetModel="own.tar.gz")["word"] == "own"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({PROGRAM: "inference.py"}, "No module named 'inference'"),
        ({PROGRAM: "inference.py", SUBMIT: "/opt/ml/model"}, "no such file or folder"),
        ({}, "SAGEMAKER_PROGRAM is not set"),
    ],
)
def test_many_models_without_code_fail_before_there_is_any(
    account: Account, log: Any, environment: dict[str, str], words: str
) -> None:
    _, description = many(account, environment)
    assert description["EndpointStatus"] == "Failed"
    assert words in log(description)


def test_the_toolkit_takes_each_models_own_code(account: Account) -> None:
    prefix, description = many(account, {}, PYTORCH)
    for word in ("red", "blue"):
        put(account, prefix, word, {**MODEL, "code/inference.py": handler(word)})
    for word in ("red", "blue"):
        assert account.invoke(description["EndpointName"], TargetModel=f"{word}.tar.gz")["word"] == word
