"""Containers with the inference toolkit, and what they do for functions that a handler does not have.

Most answers of the Hugging Face and multi-model containers were compared with those of AWS's own code when this was
written: sagemaker-huggingface-inference-toolkit 2.6.0 and sagemaker-scikit-learn-container@eae7b6b, both with
multi-model-server 1.1.11.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sagebridge.containers.application import build
from sagebridge.containers.launch import Contract, Launch

Serve = Callable[..., FlaskClient]
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Serves a handler."""
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "toolkit_handler.py")

    def serve(contract: Contract, handler: str, *, is_multi_model: bool = False) -> FlaskClient:
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "toolkit_handler.py").write_text(handler)
        return build(Launch(contract, is_multi_model, str(tmp_path), str(tmp_path / "code"), "")).test_client()

    return serve


def post(client: FlaskClient, body: bytes = b"[[1, 2]]", content_type: str = JSON, accept: str = "") -> TestResponse:
    return client.post(
        "/invocations", data=body, content_type=content_type, headers={"Accept": accept} if accept else {}
    )


def npy(values: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(values))
    return file.getvalue()


TRANSFORM = "def model_fn(model_dir): return 1\ndef transform_fn(model, body, content_type, accept{}): {}"


@pytest.mark.parametrize("contract", [Contract.PYTORCH, Contract.HUGGING_FACE])
@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        ("return body + content_type + accept", 200, b"[[1, 2]]application/jsonapplication/json"),
        ("return bytes([0, 255])", 200, b"\x00\xff"),
        ("return {'a': [1]}", 200, b'{\n  "a": [\n    1\n  ]\n}'),
        ("return {1}", 503, b"Unsupported model output data type."),
    ],
)
def test_a_result_is_answered_as_the_model_server_does(
    serve: Serve, contract: Contract, code: str, status: int, body: bytes
) -> None:
    answer = post(serve(contract, TRANSFORM.format("", code)))
    assert answer.status_code == status
    assert answer.data == body or body in answer.data


def test_a_function_may_take_the_context(serve: Serve) -> None:
    code = (
        "context.set_response_status(201); context.metrics.add_counter('n', 1); "
        "return context.get_request_header(0, 'Accept') + context.model_name"
    )
    answer = post(serve(Contract.PYTORCH, TRANSFORM.format(", context", code)), accept="x/y")
    assert (answer.status_code, answer.content_type, answer.data) == (201, "x/y", b"x/ymodel")


@pytest.mark.parametrize(
    ("contract", "status", "body"),
    [(Contract.PYTORCH, 500, b"no such row\nTraceback"), (Contract.HUGGING_FACE, 400, b'"message": "no such row"')],
)
def test_an_error_is_told_to_the_caller(
    serve: Serve, capsys: pytest.CaptureFixture[str], contract: Contract, status: int, body: bytes
) -> None:
    answer = post(serve(contract, TRANSFORM.format("", "raise ValueError('no such row')")))
    assert (answer.status_code, body in answer.data) == (status, True), answer.data
    assert "ValueError: no such row" in capsys.readouterr().err


@pytest.mark.parametrize(
    "handler",
    [
        "def model_fn(model_dir): raise OSError('no weights')",
        "def model_fn(model_dir): ...\ndef transform_fn(m, b, c, a): ...\ndef input_fn(b, c): ...",
        "def model_fn(): ...",
        "import no_such_module",
        "",
    ],
)
@pytest.mark.parametrize("contract", [Contract.PYTORCH, Contract.HUGGING_FACE])
def test_a_model_that_does_not_load_does_not_serve(serve: Serve, contract: Contract, handler: str) -> None:
    with pytest.raises((OSError, ValueError, TypeError, ImportError, NotImplementedError)):
        serve(contract, handler)


def test_hugging_face_counts_the_parameters_before_it_serves(serve: Serve) -> None:
    with pytest.raises(TypeError, match="predict_fn takes 1 arguments"):
        serve(Contract.HUGGING_FACE, "def model_fn(model_dir): ...\ndef predict_fn(data): ...")


PIPELINE = """
import numpy as np
def model_fn(model_dir): return lambda inputs, **parameters: [{"in": str(inputs), "n": np.int64(len(parameters))}]
"""


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "expected"),
    [
        (b'{"inputs": "a", "parameters": {"k": 1}}', JSON, "", (200, b'[{"in":"a","n":1}]')),
        (b'{"other": "\xc3\xa9"}', JSON, "*/*", (200, '[{"in":"{\'other\': \'é\'}","n":0}]'.encode())),
        (b"inputs\na\nb\n", CSV, JSON, (200, b"""[{"in":"['a', 'b']","n":0}]""")),
        (b"question,context\nq,c\n", CSV, CSV, (200, b"in,n\r\n\"[{'question': 'q', 'context': 'c'}]\",0\r\n")),
        (b"1,2\n", CSV, "", (400, b"You need to provide the correct CSV with Header columns")),
        (b"{", JSON, "", (400, b'"code": 400')),
        (b"{}", "image/png", "", (400, b"Content type image/png is not supported")),
        (b"{}", JSON, "text/plain", (400, b"Content type text/plain is not supported")),
        (b"[1]", JSON, "", (400, b"InternalServerException")),
    ],
)
def test_hugging_faces_defaults(
    serve: Serve, body: bytes, content_type: str, accept: str, expected: tuple[int, bytes]
) -> None:
    answer = post(serve(Contract.HUGGING_FACE, PIPELINE), body, content_type, accept)
    status, text = expected
    assert answer.status_code == status
    assert answer.data == text if status == 200 else text in answer.data


SUMS = """
class Sums:
    def predict(self, rows):
        assert rows.dtype == "float32" or rows.dtype == "float64", rows.dtype
        return rows.sum(axis=1)
def model_fn(model_dir): return Sums()
"""


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"[[1, 2], [3, 4]]", JSON, [3.0, 7.0]),
        (b"[1, 2]", JSON, [3.0]),
        (b"1,2\n3,4\n", CSV, [3.0, 7.0]),
        (b"1,2\n", CSV, [3.0]),
        (npy([1.0, 2.0]), NPY, [3.0]),
    ],
)
def test_many_models_take_a_single_row(serve: Serve, body: bytes, content_type: str, expected: list[float]) -> None:
    client = serve(Contract.SCIKIT_LEARN, SUMS, is_multi_model=True)
    assert json.loads(post(client, body, content_type).data) == expected
    assert post(client, body, content_type, CSV).get_data(as_text=True).splitlines() == [str(x) for x in expected]
    assert np.load(io.BytesIO(post(client, body, content_type, NPY).data)).tolist() == expected
    assert post(client, body, content_type, "text/plain").status_code == 500


def test_many_models_take_no_pickles(serve: Serve) -> None:
    client = serve(Contract.SCIKIT_LEARN, SUMS, is_multi_model=True)
    assert post(client, npy([{"a": 1}]), NPY).status_code == 500


def test_pytorchs_output_is_the_first_type_that_is_known(serve: Serve) -> None:
    handler = "def model_fn(d): ...\ndef input_fn(body, ct): return [[1, 2]]\ndef predict_fn(data, model): return data"
    client = serve(Contract.PYTORCH, handler)
    assert post(client, accept="text/plain, text/csv").data == b"1,2\n"
    assert post(client).data == b"[[1, 2]]"
    assert post(client, accept="text/plain").status_code == 500
