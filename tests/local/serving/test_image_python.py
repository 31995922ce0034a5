"""Containers run with their image's own Python and packages: AWS's recorded answers hold in each of them.

Where there is no registry, or not the image's Python, the tests of that image are skipped.
"""

import base64
import http.client
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sagebridge.containers.code import Definition, prepare
from sagebridge.containers.image import image, table
from sagebridge.containers.interpreter import interpreter_for
from sagebridge.local.serving.forks import Child, Forks
from tests.containers.test_contract import CONTRACT, ROWS, parsed
from tests.containers.wheels import wheel
from tests.local.account import HANDLER, IMAGE, Account, pack

pytestmark = pytest.mark.server
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


@pytest.fixture
def serve(forks: Forks, tmp_path: Path) -> Iterator[Serve]:
    """Starts the process of a container, and returns a connection to it."""
    children: list[Child] = []

    def serve(
        version: str, files: dict[str, str | bytes], *, is_multi_model: bool = False, folder: Path = tmp_path / "model"
    ) -> http.client.HTTPConnection:
        python_of(version)
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        (tmp_path / "home").mkdir(exist_ok=True)
        uri = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{version}-cpu-py3"
        location = "s3://bucket/model.tar.gz"
        variables = {"SAGEMAKER_PROGRAM": "inference", "SAGEMAKER_SUBMIT_DIRECTORY": location}
        definition = Definition(uri, variables, location, is_multi_model=is_multi_model)
        launch = prepare(definition, folder, tmp_path / "container", lambda _: None, str)
        child = forks.spawn(
            launch, definition.process_environment(folder, tmp_path / "home"), tmp_path / "home", tmp_path / "log"
        )
        children.append(child)
        connection = http.client.HTTPConnection("container")
        connection.sock = child.connection
        child.connection.settimeout(120)
        return connection

    yield serve
    for child in children:
        child.end()


def ask(connection: http.client.HTTPConnection, body: bytes, content_type: str, accept: str | None) -> Any:
    headers = {"Content-Type": content_type, **({"Accept": accept} if accept else {})}
    connection.request("POST", "/invocations", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read()


@pytest.mark.parametrize("version", table()["images"])
def test_a_handler_has_the_images_python_and_packages(serve: Serve, version: str) -> None:
    facts = image(version)
    assert facts is not None
    *_, body = ask(serve(version, {"inference.py": WHO}), b"", "text/csv", None)
    python, *versions = json.loads(body)
    assert python.startswith(f"{facts.python}.")
    assert versions == [facts.published[name] for name in ("numpy", "pandas", "scikit-learn")]


@pytest.mark.parametrize("handler", CONTRACT["handlers"])
@pytest.mark.parametrize("version", table()["images"])
def test_the_recorded_answers_hold(serve: Serve, tmp_path: Path, version: str, handler: str) -> None:
    model = tmp_path / "model.joblib"
    subprocess.run([python_of(version), "-c", TRAIN, str(model)], check=True)
    files = {"inference.py": CONTRACT["handlers"][handler], "model.joblib": model.read_bytes()}
    connection = serve(version, files)
    connection.request("GET", "/ping")
    ping = connection.getresponse()
    ping.read()
    assert ping.status == CONTRACT["answers"][handler]["ping"]
    for name in [name for row_handler, name in ROWS if row_handler == handler]:
        request, expected = CONTRACT["requests"][name], CONTRACT["answers"][handler][name]
        body = base64.b64decode(request["body_base64"])
        status, content_type, answer = ask(connection, body, request["content_type"], request["accept"])
        assert (name, status, content_type) == (name, expected["status"], expected["content_type"])
        if expected["body_base64"] is not None:
            assert parsed(answer) == parsed(base64.b64decode(expected["body_base64"]))
