"""Handlers that import `sagemaker_containers`, as AWS's examples for scikit-learn do."""

import importlib.util
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sagebridge.containers.application import build
from sagebridge.containers.launch import Contract, Launch

EXAMPLE = """
import json
from sagemaker_containers.beta.framework import content_types, encoders, env, modules, transformer, worker

def model_fn(model_dir): return 2
def input_fn(body, content_type): return encoders.decode(body, content_type)
def predict_fn(data, model): return data * model
def output_fn(prediction, accept):
    if accept == content_types.JSON:
        return worker.Response(json.dumps({"instances": prediction.tolist()}), mimetype=accept)
    if accept == "text/csv":
        return worker.Response(encoders.encode(prediction, accept), accept, mimetype=accept)
    if accept == "status":
        return worker.Response(response="{}", status=418)
    return modules.download_and_import()
"""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    if importlib.util.find_spec("sagemaker_containers"):
        pytest.skip("the package itself is installed")
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "legacy_handler")
    (tmp_path / "legacy_handler.py").write_text(EXAMPLE)
    return build(Launch(Contract.SCIKIT_LEARN, False, str(tmp_path), str(tmp_path), "")).test_client()  # noqa: FBT003


@pytest.mark.parametrize(
    ("accept", "status", "content_type", "body"),
    [
        ("application/json", 200, "application/json", b'{"instances": [[2.0, 4.0], [6.0, 8.0]]}'),
        ("text/csv", 200, "text/csv; charset=utf-8", b"2.0,4.0\n6.0,8.0\n"),
        ("status", 418, "application/json", b"{}"),
    ],
)
def test_the_examples_handler_is_served(
    client: FlaskClient, accept: str, status: int, content_type: str, body: bytes
) -> None:
    headers = {"Accept": accept}
    answer = client.post("/invocations", data=b"1,2\n3,4\n", content_type="text/csv", headers=headers)
    assert (answer.status_code, answer.content_type, answer.data) == (status, content_type, body)


def test_what_is_not_served_is_named(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.post("/invocations", data=b"1,2\n", content_type="text/csv", headers={"Accept": "other"})
    assert answer.status_code == 500
    assert "sagemaker_containers.beta.framework.modules.download_and_import is in AWS's image" in caplog.text


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("part", ["", ".beta", ".beta.framework", ".beta.framework.worker"])
def test_a_handler_may_ask_whether_the_package_is_there(part: str) -> None:
    assert importlib.util.find_spec(f"sagemaker_containers{part}")
