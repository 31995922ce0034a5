"""Containers run with their image's own Python and packages: AWS's recorded answers hold in each of them.

The recording was made with the versions of 1.9-0. What another version answers differently, `DEVIATIONS` has.
Where there is no registry, or not the image's Python, the tests of that image are skipped.
"""

import base64
import http.client
import json
import platform
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from sagebridge.containers.code import Definition, prepare
from sagebridge.containers.image import image, table
from sagebridge.containers.interpreter import interpreter_for
from sagebridge.local import control
from sagebridge.local.serving.forks import Child, Forks
from tests.containers.test_contract import CONTRACT, ROWS, parsed
from tests.containers.wheels import wheel
from tests.local.account import Account, pack

pytestmark = pytest.mark.server
VERSIONS = [pytest.param(name, marks=pytest.mark.xdist_group(f"image-{name}")) for name in table()["images"]]
"""The versions of the image. One worker has all tests of a version, whose Python starts and trains once."""
DEVIATIONS = {
    ("flask", "1."): "outlist .*",  # Flask makes JSON of a list since 2.2
    ("numpy", "1."): "defaults npyobj",  # the array of objects was pickled by numpy 2
}
"""A package of older images, with the handlers and requests to which it answers with the status 500."""
TRAIN = """
import sys, joblib
from sklearn.linear_model import LinearRegression
joblib.dump(LinearRegression().fit([[0, 1], [1, 1], [2, 0]], [0, 1, 2.5]), sys.argv[1])
"""
WHO = """
import json, platform, sys
import flask, numpy, pandas, sagemaker_inference, sklearn
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    versions = [module.__version__ for module in (numpy, pandas, sklearn)]
    return json.dumps([platform.python_version(), *versions]), "application/json"
"""
SOCKETS = """
import json, os, stat
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir()]
    sockets = [(name, facts.st_mtime) for name, facts in entries if stat.S_ISSOCK(facts.st_mode)]
    return json.dumps(sockets), "application/json"
"""


@cache
def python_of(version: str) -> str:
    """Returns the interpreter of an image's environment; makes it where that is possible, and else skips the test."""
    facts = image(version)
    assert facts is not None
    notes: list[str] = []
    python = interpreter_for(facts, notes.append)
    if not python:
        pytest.skip(notes[-1])
    return python


Serve = Callable[..., http.client.HTTPConnection]


@pytest.fixture(scope="module")
def forks() -> Forks:
    return Forks()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Returns the recording's model, trained by an image's scikit-learn."""

    @cache
    def train(version: str) -> bytes:
        file = tmp_path_factory.mktemp("train") / "model.joblib"
        subprocess.run([python_of(version), "-c", TRAIN, str(file)], check=True)
        return file.read_bytes()

    return train


@pytest.fixture
def serve(forks: Forks, tmp_path: Path) -> Iterator[Serve]:
    """Starts the process of a container, and returns a connection to it."""
    children: list[Child] = []

    def serve(
        version: str, files: dict[str, str | bytes], *, is_multi_model: bool = False, **variables: str
    ) -> http.client.HTTPConnection:
        python_of(version)
        folder = tmp_path / "model"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        (tmp_path / "home").mkdir()
        uri = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{version}-cpu-py3"
        location = "s3://bucket/model.tar.gz"
        variables |= {"SAGEMAKER_PROGRAM": "inference", "SAGEMAKER_SUBMIT_DIRECTORY": location}
        definition = Definition(uri, variables, location, is_multi_model=is_multi_model)
        launch = prepare(definition, folder, tmp_path / "container", lambda _: None, str)
        environment = definition.process_environment(folder, tmp_path / "home")
        with (tmp_path / "log").open("ab") as log:
            child = forks.spawn(launch, environment, tmp_path / "home", log.fileno())
        children.append(child)
        connection = http.client.HTTPConnection("container")
        connection.sock = child.connection
        child.connection.settimeout(120)
        return connection

    yield serve
    for child in children:
        child.end()
        print("container", child.pid, "ended with", child.poll())  # noqa: T201 - for a test that fails
    if (tmp_path / "log").exists():
        print((tmp_path / "log").read_text(errors="replace"))  # noqa: T201 - for a test that fails


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


def ask(connection: http.client.HTTPConnection, body: bytes, content_type: str, accept: str | None) -> Answer:
    headers = {"Content-Type": content_type, **({"Accept": accept} if accept else {})}
    connection.request("POST", "/invocations", body, headers)
    answer = connection.getresponse()
    return Answer(answer.status, answer.headers["Content-Type"], answer.read())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_handler_has_the_images_python_and_packages(serve: Serve, version: str) -> None:
    facts = image(version)
    assert facts is not None
    python, *versions = json.loads(ask(serve(version, {"inference.py": WHO}), b"", "text/csv", None).body)
    assert python.startswith(f"{facts.python}.")
    assert versions == [facts.published[name] for name in ("numpy", "pandas", "scikit-learn")]


@pytest.mark.parametrize("handler", CONTRACT["handlers"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_recorded_answers_hold(serve: Serve, model: Callable[[str], bytes], version: str, handler: str) -> None:
    connection = serve(version, {"inference.py": CONTRACT["handlers"][handler], "model.joblib": model(version)})
    connection.request("GET", "/ping")
    ping = connection.getresponse()
    ping.read()
    assert ping.status == CONTRACT["answers"][handler]["ping"]
    for name in [name for row_handler, name in ROWS if row_handler == handler]:
        request, expected = CONTRACT["requests"][name], CONTRACT["answers"][handler][name]
        status = 500 if _deviates(version, handler, name) else expected["status"]
        body = base64.b64decode(request["body_base64"])
        answer = ask(connection, body, request["content_type"], request["accept"])
        assert (name, answer.status) == (name, status)
        if status == expected["status"]:
            assert answer.content_type.partition(";")[0] == expected["content_type"].partition(";")[0]
        if status == expected["status"] and expected["body_base64"] is not None:
            assert parsed(answer.body) == parsed(base64.b64decode(expected["body_base64"]))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_container_makes_no_socket_where_another_one_would_meet_it(serve: Serve, version: str) -> None:
    """Two containers of one image ended with "Address already in use" if they started at the same moment."""
    started = time.time()
    connection = serve(version, {"inference.py": SOCKETS})
    sockets = json.loads(ask(connection, b"", "text/csv", None).body)
    assert [name for name, changed in sockets if changed >= started - 1] == []


def _deviates(version: str, handler: str, request: str) -> bool:
    facts = image(version)
    assert facts is not None
    return any(
        facts.published[package].startswith(older) and re.fullmatch(pattern, f"{handler} {request}")
        for (package, older), pattern in DEVIATIONS.items()
    )


def test_a_requirement_comes_before_the_images_packages(serve: Serve) -> None:
    requirements = "./spoken-1.0-py3-none-any.whl\n./retrying-9.9-py3-none-any.whl\nnumpy\n"
    files = {
        "requirements.txt": requirements,
        "spoken-1.0-py3-none-any.whl": wheel("spoken", "1.0", "WORD = 'hello'"),
        "retrying-9.9-py3-none-any.whl": wheel("retrying", "9.9", "__version__ = '9.9'"),
        "inference.py": "import numpy, retrying, spoken\n"
        "def model_fn(folder): return [spoken.WORD, retrying.__version__, numpy.__version__]\n"
        "def transform_fn(model, body, content_type, accept): return ' '.join(model), accept\n",
    }
    assert ask(serve("0.23-1", files), b"", "text/csv", "text/plain").body == b"hello 9.9 1.19.2"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_model_of_a_multi_model_container_has_the_images_python(serve: Serve, version: str) -> None:
    handler = (
        "import platform\n"
        "class Sums:\n    def predict(self, rows): return rows.sum(axis=1)\n"
        "def model_fn(folder): return Sums()\n"
        "def output_fn(prediction, accept):\n"
        "    return str([platform.python_version(), *prediction.tolist()]), 'text/plain'\n"
    )
    answer = ask(serve(version, {"inference.py": handler}, is_multi_model=True), b"[1, 2]", "application/json", None)
    assert (answer.status, answer.content_type) == (200, "text/plain")
    python = table()["images"][version]["python"]
    assert answer.body.decode().startswith(f"['{python}.")
    assert answer.body.decode().endswith(", 3.0]")


@pytest.mark.parametrize("version", ["1.9-0", "0.23-1"])
def test_a_variable_that_python_reads_at_its_start_holds(serve: Serve, version: str) -> None:
    """Such a container runs in a new program of the same Python."""
    python = python_of(version)
    handler = (
        "import sys\ndef model_fn(folder): return sys.flags.dont_write_bytecode, sys.executable\n"
        "def transform_fn(model, body, content_type, accept): return repr(model), accept\n"
    )
    connection = serve(version, {"inference.py": handler}, PYTHONDONTWRITEBYTECODE="1")
    assert ask(connection, b"", "text/csv", "text/plain").body.decode() == f"(1, {python!r})"


def test_an_endpoint_says_in_its_log_which_python_serves(account: Account) -> None:
    python_of("1.9-0")
    endpoint = account.serve(account.model(account.upload(pack({"inference.py": WHO}))))
    python, *versions = account.invoke(endpoint)
    facts = image("1.9-0")
    assert facts is not None
    assert python.startswith("3.12.")
    assert versions == [facts.published[name] for name in ("numpy", "pandas", "scikit-learn")]
    log = account.log(endpoint)
    assert f"The container runs with Python 3.12 and the packages of {facts.name}, as listed in {facts.source}." in log


def test_without_a_registry_an_endpoint_serves_with_the_environment_of_the_server(
    directory: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    (cache / "sagebridge").write_text("in the way of the environments")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    account = Account(control.start(directory)[0].url)
    account.base()
    endpoint = account.serve(account.model(account.upload(pack({"inference.py": WHO}))))
    python, numpy, *_ = account.invoke(endpoint)
    assert (python, numpy) == (platform.python_version(), version("numpy"))
    log = account.log(endpoint)
    assert "There is no environment with the packages of AWS's image sagemaker-scikit-learn:1.9-0: " in log
    assert f"numpy {numpy}, not 2.5.1" in log
