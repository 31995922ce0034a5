"""The handler, served by a Flask app the way the scikit-learn container serves it."""

import ast
import json
import math
from pathlib import Path
from typing import Any

import flask
import joblib
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from model import inference
from tests.properties import examples

ROW = [0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]
JSON = "application/json"


def container(model_dir: Path) -> flask.Flask:
    """Stand in for the container's server.

    After sagemaker-containers 2.8.6.post2, `_transformer.Transformer.transform`, `_worker.Request` and
    `_worker.Response`: defaults for both media types, text for plain JSON only, and nothing that catches.
    """
    app = flask.Flask("container")
    model = inference.model_fn(str(model_dir))

    @app.post("/invocations")
    def invocations() -> Any:
        request = flask.request
        content_type = request.headers.get("ContentType") or request.headers.get("Content-Type") or JSON
        accept = request.headers.get("Accept")
        accept = JSON if not accept or accept == "*/*" else accept
        body = request.get_data()
        content = body.decode(errors="replace") if content_type in {JSON, "text/csv"} else body
        data = inference.input_fn(content, content_type)
        result = inference.output_fn(inference.predict_fn(data, model), accept)
        return flask.Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    return app


@pytest.fixture(scope="module")
def client(model_file: Path) -> FlaskClient:
    return container(model_file.parent).test_client()


def post(client: FlaskClient, body: bytes | str, content_type: str = JSON, **headers: str) -> tuple[int, Any]:
    response = client.post("/invocations", data=body, content_type=content_type, headers=headers)
    assert response.mimetype == JSON, response.text
    return response.status_code, response.get_json()


def rows(*rows: object) -> str:
    return json.dumps({"Input": list(rows)})


def test_every_row_is_answered_at_full_precision(client: FlaskClient, model_file: Path) -> None:
    table = [ROW, [0.0] * 13, [1] * 13]

    status, answer = post(client, rows(*table))

    assert status == 200
    assert answer["Output"] == 28
    assert answer["Predictions"] == joblib.load(model_file).predict(table).tolist()
    assert answer["Predictions"][0] == pytest.approx(28.9967236, abs=5e-8)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
@pytest.mark.parametrize("accept", ["", "*/*", "application/*", JSON, "text/html, application/json;q=0.5"])
def test_every_way_to_say_json_is_taken(client: FlaskClient, content_type: str, accept: str) -> None:
    assert post(client, rows(ROW), content_type, Accept=accept)[0] == 200


@pytest.mark.parametrize("accept", ["text/html", "application/x-npy", "application/json;q=0", "image/*;q=1"])
def test_an_answer_in_another_format_is_406(client: FlaskClient, accept: str) -> None:
    status, answer = post(client, rows(ROW), Accept=accept)

    assert status == 406
    assert accept in answer["error"]
    assert JSON in answer["error"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-npy", "application/jsonlines"])
def test_a_request_in_another_format_is_415(client: FlaskClient, content_type: str) -> None:
    status, answer = post(client, rows(ROW), content_type)

    assert status == 415
    assert content_type in answer["error"]
    assert JSON in answer["error"]


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 10_000, "not JSON"),
        ("null", 'no "Input"'),
        ("[[1, 2]]", 'no "Input"'),
        ('{"input": [[1]]}', 'no "Input"'),
        ('{"Input": null}', '"Input" is null'),
        ('{"Input": []}', '"Input" is an empty list'),
        ('{"Input": {}}', '"Input" is an empty object'),
        ('{"Input": {"a": 1}}', "row 1 is a JSON object, and the model was fitted without names"),
        (rows(ROW, 0.5), "row 2 is 0.5, not a list"),
        (rows(*ROW[:12]), "row 1 has 12 numbers; expected 13"),
        (rows(ROW, []), "row 2 is an empty list"),
        (rows(ROW, {}), "row 2 is an empty object"),
        (rows(ROW, ["4", *ROW[1:]]), 'row 2, column 1 is "4", not a finite number'),
        (rows(["x" * 99, *ROW[1:]]), '"' + "x" * 36 + "..., not a finite number"),
        (rows([*ROW[:2], True, *ROW[3:]]), "row 1, column 3 is true"),
        (rows([*ROW[:12], None]), "row 1, column 13 is null"),
        (rows([[1], *ROW[1:]]), "row 1, column 1 is a JSON list"),
        (rows([*ROW[:2], math.nan, *ROW[3:]]), "row 1, column 3 is NaN"),
        (rows([*ROW[:2], -math.inf, *ROW[3:]]), "row 1, column 3 is -Infinity"),
        ('{"Input": [[1e999]]}', "row 1, column 1 is Infinity"),
        (rows([10**400, *ROW[1:]]), "row 1, column 1 is 1000"),
        (rows(ROW, ROW[:12]), "row 2 has 12 numbers; expected 13"),
        (rows([*ROW, 1]), "row 1 has 14 numbers; expected 13"),
        (rows([1e308] * 13), "row 1 has no finite prediction"),
    ],
)
@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8"])  # as text, as bytes
def test_a_bad_request_is_400_and_says_what_is_wrong_and_expected(
    client: FlaskClient, body: bytes | str, said: str, content_type: str
) -> None:
    status, answer = post(client, body, content_type)

    assert status == 400
    assert said in answer["error"]
    assert "expected" in answer["error"]
    assert len(answer["error"]) < 300


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
)
bodies = (
    st.binary()
    | st.text()
    | values.map(json.dumps)
    | values.map(lambda value: json.dumps({"Input": value}))
    | st.lists(st.lists(values, min_size=12, max_size=14)).map(lambda value: json.dumps({"Input": value}))
)


@examples(50)
@given(body=bodies, accept=st.none() | st.text() | st.just(JSON))
def test_no_request_makes_the_handler_raise(model_file: Path, body: bytes | str, accept: str | None) -> None:
    model = inference.model_fn(str(model_file.parent))

    response = inference.output_fn(inference.predict_fn(inference.input_fn(body, JSON), model), accept)

    assert response.status_code in {200, 400, 406}
    assert response.get_json().keys() == ({"Output", "Predictions"} if response.status_code == 200 else {"error"})


@examples(50)
@given(table=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=13, max_size=13), min_size=1, max_size=5))
def test_finite_numbers_are_predicted_as_the_model_does(model_file: Path, table: list[list[float]]) -> None:
    model = joblib.load(model_file)

    data = inference.input_fn(rows(*table), JSON)
    answer = inference.output_fn(inference.predict_fn(data, model), JSON).get_json()

    assert answer["Predictions"] == model.predict(table).tolist()
    assert answer["Output"] == int(answer["Predictions"][0])


def test_a_model_that_does_not_know_its_width_still_predicts() -> None:
    class Sum:
        def predict(self, table: Any) -> Any:
            return table.sum(axis=1)

    answer = inference.output_fn(inference.predict_fn(inference.input_fn(rows([1, 2]), JSON), Sum()), None)

    assert answer.get_json() == {"Output": 3, "Predictions": [3.0]}


def test_the_handler_is_in_the_python_of_the_oldest_image_and_needs_nothing_of_this_project() -> None:
    tree = ast.parse(Path(inference.__file__).read_text(), feature_version=(3, 7))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert imported == {
        "__future__", "csv", "io", "json", "math", "os", "sys", "traceback", "typing", "joblib", "numpy", "pandas",
        "collections.abc", "itertools", "werkzeug.datastructures", "werkzeug.http", "werkzeug.wrappers"
    }  # fmt: skip
