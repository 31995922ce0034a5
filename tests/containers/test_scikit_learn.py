import io
from types import ModuleType

import flask
import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sagebridge.containers.errors import NotServedError
from sagebridge.containers.scikit_learn import ClientError, build_app


class Doubler:
    def predict(self, rows: object) -> np.ndarray:
        return np.asarray(rows) * 2


def client(**functions: object) -> FlaskClient:
    handler = ModuleType("handler")
    vars(handler).update({"model_fn": lambda _: Doubler(), **functions})
    return build_app(handler, "/nowhere").test_client()


def post(served: FlaskClient, body: bytes = b"[[1, 2]]", **headers: str) -> TestResponse:
    sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return served.post("/invocations", data=body, headers=sent)


def test_ping_answers_200_without_content() -> None:
    answer = client().get("/ping")
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_model_that_does_not_load_does_not_serve() -> None:
    with pytest.raises(ClientError, match="no file"):
        client(model_fn=lambda _: (_ for _ in ()).throw(FileNotFoundError("no file")))


def test_the_defaults_read_and_write_json_csv_and_npy() -> None:
    served = client()
    assert post(served).get_json() == [[2.0, 4.0]]
    assert post(served, b"1,2\n3,4\n", Content_Type="text/csv", Accept="text/csv").data == b"2.0,4.0\n6.0,8.0\n"
    array = io.BytesIO()
    np.save(array, np.array([1.5]))
    answer = post(served, array.getvalue(), Content_Type="application/x-npy", Accept="application/x-npy")
    assert np.load(io.BytesIO(answer.data)) == [3.0]


@pytest.mark.parametrize("headers", [{"Content_Type": "image/png"}, {"Accept": "image/png"}])
def test_even_the_defaults_refuse_with_500(headers: dict[str, str]) -> None:
    assert post(client(), b"[1]", **headers).status_code == 500


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [("application/json", str), ("text/csv", str), ("application/json; charset=utf-8", bytes), ("image/png", bytes)],
)
def test_text_reaches_the_handler_as_text(content_type: str, kind: type) -> None:
    seen: list[object] = []
    served = client(input_fn=lambda body, content_type: seen.extend([body, content_type]), predict_fn=lambda *_: [1])
    assert post(served, b"1", Content_Type=content_type).status_code == 200
    assert isinstance(seen[0], kind)
    assert seen[1] == content_type


@pytest.mark.parametrize(("accept", "seen"), [("*/*", "application/json"), ("text/plain", "text/plain")])
def test_any_accept_is_the_default_one(accept: str, seen: str) -> None:
    assert post(client(output_fn=lambda _, accept: (accept, "text/plain")), Accept=accept).data == seen.encode()


def test_the_default_accept_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    assert post(client()).data == b"2.0,4.0\n"


@pytest.mark.parametrize("step", ["input_fn", "predict_fn", "output_fn"])
@pytest.mark.parametrize("raised", [ValueError("no"), flask.Flask("x").aborter.mapping[400]("no")])
def test_whatever_a_handler_raises_is_a_500(step: str, raised: Exception) -> None:
    def fail(*_: object) -> None:
        raise raised

    answer = post(client(**{step: fail}))
    assert answer.status_code == 500
    assert b"Internal Server Error" in answer.data


@pytest.mark.parametrize(
    ("result", "status", "mimetype", "body"),
    [
        ({"a": 1}, 200, "application/json", b'{"a":1}\n'),
        (("x", "text/csv"), 200, "text/csv", b"x"),
        (
            flask.Response('{"error": "x"}', 415, mimetype="application/json"),
            415,
            "application/json",
            b'{"error": "x"}',
        ),
    ],
)
def test_what_output_fn_returns_is_the_answer(result: object, status: int, mimetype: str, body: bytes) -> None:
    answer = post(client(output_fn=lambda *_: result))
    assert (answer.status_code, answer.mimetype, answer.data) == (status, mimetype, body)


def test_transform_fn_takes_the_place_of_the_three() -> None:
    served = client(transform_fn=lambda model, body, *_: (str(model.predict([len(body)])), "text/plain"))
    assert post(served).data == b"[16]"
    with pytest.raises(NotServedError, match="Cannot use transform_fn implementation with"):
        client(transform_fn=print, predict_fn=print)
