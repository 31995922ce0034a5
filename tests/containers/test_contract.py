"""The scikit-learn container's answers, as AWS's own code gave them: `contract.json`.

The file is a recording of sagemaker-scikit-learn-container with sagemaker-containers 2.8.6.post2: `handlers` are texts
of `inference.py`, `requests` what each was sent, and `answers` what came back. An answer's body is null where its
status is not 200, as an error's page is no part of the contract.
"""

import base64
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pytest
from flask.testing import FlaskClient
from sklearn.linear_model import LinearRegression

from sagebridge.containers.scikit_learn import build_app

CONTRACT: dict[str, Any] = json.loads((Path(__file__).with_name("contract.json")).read_bytes())
ROWS = [
    (handler, request) for handler, answers in CONTRACT["answers"].items() for request in answers if request != "ping"
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], FlaskClient]:
    """Serves a handler of the recording with the model of the recording."""
    folder = tmp_path_factory.mktemp("model")
    joblib.dump(LinearRegression().fit([[0, 1], [1, 1], [2, 0]], [0, 1, 2.5]), folder / "model.joblib")

    @cache
    def serve(handler: str) -> FlaskClient:
        module = ModuleType(handler)
        exec(CONTRACT["handlers"][handler], vars(module))  # noqa: S102 - it is in this folder
        return build_app(module, str(folder)).test_client()

    return serve


@pytest.mark.parametrize("handler", CONTRACT["handlers"])
def test_a_handler_of_the_recording_passes_the_ping(client: Callable[[str], FlaskClient], handler: str) -> None:
    assert client(handler).get("/ping").status_code == CONTRACT["answers"][handler]["ping"]


@pytest.mark.parametrize(("handler", "request_name"), ROWS)
def test_an_answer_is_the_recorded_one(client: Callable[[str], FlaskClient], handler: str, request_name: str) -> None:
    request, expected = CONTRACT["requests"][request_name], CONTRACT["answers"][handler][request_name]
    headers = {"Accept": request["accept"]} if request["accept"] else {}
    body = base64.b64decode(request["body_base64"])
    answer = client(handler).post("/invocations", data=body, content_type=request["content_type"], headers=headers)
    assert (answer.status_code, answer.content_type) == (expected["status"], expected["content_type"])
    if expected["body_base64"] is not None:
        assert parsed(answer.data) == parsed(base64.b64decode(expected["body_base64"]))


def parsed(body: bytes) -> object:
    """Returns a body's content, with its numbers as numbers: their last digits depend on the machine."""
    if body.startswith(b"\x93NUMPY"):
        array = np.load(io.BytesIO(body), allow_pickle=True)
        return array.shape, _approximate(array.tolist())
    try:
        return _approximate(json.loads(body))
    except ValueError:
        return [[_number(cell) for cell in line.split(b",")] for line in body.splitlines()]


def _number(cell: bytes) -> object:
    try:
        return _approximate(float(cell))
    except ValueError:
        return cell


def _approximate(value: Any) -> object:
    if isinstance(value, float):
        return repr(value) if value != value else float(f"{value:.6g}")  # noqa: PLR0124 - only NaN differs from itself
    if isinstance(value, dict):
        return {key: _approximate(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_approximate(item) for item in value]
    return _approximate(value.tolist()) if isinstance(value, np.ndarray) else value
