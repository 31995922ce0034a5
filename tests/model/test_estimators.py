"""The article's handler serves what any estimator of scikit-learn predicts."""

import csv
import datetime as dt
import io
import json
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse  # type: ignore[import-untyped] # scipy ships no types
from sklearn.base import ClassifierMixin
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from model import inference
from tests.properties import examples

JSON, CSV = "application/json", "text/csv"
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.random((24, 4))
LABELS = np.array(["setosa", "ver,si", 'virgi"nica'] * 8)
TARGETS = ROWS @ np.array([[1.0, 2], [3, 4], [5, 6], [7, 8]])


PREDICTING = {name: estimator for name, estimator in all_estimators() if hasattr(estimator, "predict")}
NEEDED = {  # arguments of the estimators that cannot be made or fitted without
    "BaggingClassifier": {"estimator": LogisticRegression()},
    "ClassifierChain": {"estimator": LogisticRegression()},
    "ColumnTransformer": {"transformers": []},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "FrozenEstimator": {"estimator": LogisticRegression().fit(ROWS, LABELS)},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1.0]}, "cv": 2},
    "HalvingGridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [1.0]}, "cv": 2},
    "HalvingRandomSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [1.0]}, "cv": 2},
    "LocalOutlierFactor": {"novelty": True},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "Pipeline": {"steps": [("scale", StandardScaler()), ("classify", LogisticRegression())]},
    "RANSACRegressor": {"min_samples": 5},
    "RFE": {"estimator": LogisticRegression()},
    "RFECV": {"estimator": LogisticRegression(), "cv": 2},
    "RandomizedSearchCV": {"estimator": Ridge(), "param_distributions": {"alpha": [1.0]}, "n_iter": 1, "cv": 2},
    "RegressorChain": {"estimator": Ridge()},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "StackingClassifier": {"estimators": [("one", LogisticRegression())], "cv": 2},
    "StackingRegressor": {"estimators": [("one", Ridge())], "cv": 2},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression(), "cv": 2},
    "VotingClassifier": {"estimators": [("one", LogisticRegression()), ("two", DecisionTreeClassifier())]},
    "VotingRegressor": {"estimators": [("one", Ridge())]},
}
QUICK = {"n_estimators": 3, "max_iter": 4, "cv": 3, "Cs": 2, "n_init": 1}


def fitted(name: str, estimator: Any) -> Any:
    """Returns a fitted estimator, with text labels where it takes them, and on two targets where it must."""
    arguments = dict(NEEDED.get(name, {}))
    if "base_estimator" in estimator.__init__.__code__.co_varnames and "estimator" in arguments:  # before 1.6
        arguments["base_estimator"] = arguments.pop("estimator")
    model = estimator(**arguments)
    model.set_params(**{key: value for key, value in QUICK.items() if key in model.get_params(deep=False)})
    rows = ROWS[:, :1] if name == "IsotonicRegression" else ROWS
    labels = np.where(LABELS == "setosa", "yes", "no")
    codes = (LABELS == "setosa").astype(int)
    candidates = [LABELS, LABELS.astype(object), labels, TARGETS[:, 0], TARGETS, np.column_stack([codes, 1 - codes])]
    if name.startswith("Multi") or "Chain" in name:
        candidates.reverse()
    if not issubclass(estimator, ClassifierMixin) and name not in ("GridSearchCV", "Pipeline"):
        candidates = [targets for targets in candidates if targets.dtype.kind == "f"] + candidates
    for targets in candidates:
        try:
            return model.fit(rows, targets)
        except (IndexError, TypeError, ValueError) as error:
            problem = error
    raise AssertionError(f"{name}: {problem}")


def ask(model: Any, body: str | bytes, content_type: str = JSON, accept: str = JSON) -> Any:
    return inference.output_fn(inference.predict_fn(inference.input_fn(body, content_type), model), accept)


def predictions(model: Any, rows: object) -> Any:
    response = ask(model, json.dumps({"Input": rows}))
    assert response.status_code == 200, response.get_json()
    answer = response.get_json()
    assert answer.keys() == {"Output", "Predictions"}
    return answer["Predictions"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PREDICTING)
def test_what_an_estimator_predicts_is_served(name: str, tmp_path: Path) -> None:
    joblib.dump(fitted(name, PREDICTING[name]), tmp_path / "model.joblib")
    model = inference.model_fn(str(tmp_path))
    rows = ROWS[:5, : getattr(model, "n_features_in_", 1 if name == "IsotonicRegression" else 4)]
    expected = np.asarray(model.predict(rows)).tolist()

    answer = ask(model, json.dumps({"Input": rows.tolist()})).get_json()

    assert answer["Predictions"] == expected
    first = expected[0]
    assert answer["Output"] == (int(first) if isinstance(first, (int, float)) else answer["Output"])
    assert predictions(model, rows[0].tolist()) == np.asarray(model.predict(rows[:1])).tolist()
    lines = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    written = ask(model, lines, CSV, CSV)
    assert written.mimetype == CSV
    texts = [[str(value) for value in (row if isinstance(row, list) else [row])] for row in expected]
    assert list(csv.reader(io.StringIO(written.get_data(as_text=True)))) == texts


FRAME = pd.DataFrame(
    {
        "age": [20.0, 30.0, 40.0, 50.0, np.nan, 70.0],
        "city": ["Rome", "Oslo", "Rome", "Lima", "Oslo", "Lima"],
        "member": [True, False, True, False, True, False],
    }
)
OUTCOMES = ["stays", "leaves", "stays", "leaves", "stays", "leaves"]


def shop() -> Pipeline:
    """Returns a pipeline that was fitted on a DataFrame with texts, booleans and a missing number."""
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
            ("texts", OneHotEncoder(), ["city"]),
            ("rest", "passthrough", ["member"]),
        ]
    )
    return make_pipeline(columns, RandomForestClassifier(5, random_state=0)).fit(FRAME, OUTCOMES)


SHOP = shop()


AS_SENT = [[None if value != value else value for value in row] for row in FRAME.to_numpy(dtype=object).tolist()]  # noqa: PLR0124 - NaN


@pytest.mark.parametrize(
    "rows",
    [
        AS_SENT,
        [dict(zip(FRAME, row, strict=True)) for row in AS_SENT],
        [{"note": "left out", **dict(reversed(list(zip(FRAME, row, strict=True))))} for row in AS_SENT],
    ],
    ids=["lists", "objects", "objects with other fields in another order"],
)
def test_a_model_that_was_fitted_on_a_dataframe_takes_lists_and_objects(rows: list[Any]) -> None:
    model = SHOP

    assert predictions(model, rows) == model.predict(FRAME).tolist()
    assert predictions(model, rows[0]) == model.predict(FRAME[:1]).tolist()


@pytest.mark.parametrize(
    "table",
    [
        FRAME.to_csv(index=False),
        FRAME.to_csv(index=False, header=False),
        FRAME[["member", "city", "age"]].to_csv(),  # with a column of the rows' numbers
        "\ufeff" + FRAME.to_csv(index=False, lineterminator="\r\n"),
    ],
)
def test_a_model_that_was_fitted_on_a_dataframe_takes_csv(table: str) -> None:
    model = SHOP
    answer = ask(model, table.encode(), "text/csv; charset=utf-8")

    assert answer.get_json()["Predictions"] == model.predict(FRAME).tolist()


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_numbers_of_a_dataframe_are_served_in_an_image_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(ROWS, columns=["a", "b", "c", "d"])
    model = RandomForestRegressor(3, random_state=0).fit(frame, TARGETS)
    expected, records = model.predict(frame).tolist(), frame.to_dict("records")
    monkeypatch.setitem(sys.modules, "pandas", None)  # an import of it fails

    assert predictions(model, ROWS.tolist()) == expected
    assert predictions(model, records) == expected


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"age": 1, "city": "Rome"}, 'row 1 has no "member"'),
        ({"age": "old", "city": "Rome", "member": True}, 'row 1, column 1 is "old", not a finite number'),
        ({"age": "4", "city": "Rome", "member": True}, 'row 1, column 1 is "4", not a finite number'),
        (
            {"age": 4, "city": "Paris", "member": True},
            'the model does not take these rows: "Found unknown categories [',
        ),
        ({"age": 4, "city": ["Rome"], "member": True}, "row 1, column 2 is a JSON list, not a finite number"),
        ([1, "Rome"], "row 1 has 2 values; expected 3 in every row"),
    ],
)
def test_a_row_that_does_not_fit_the_dataframe_is_400(row: object, said: str) -> None:
    response = ask(SHOP, json.dumps({"Input": [row]}))

    assert response.status_code == 400
    assert said in response.get_json()["error"]
    assert "expected" in response.get_json()["error"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "the body has no rows"),
        ("\n\n", "the body has no rows"),
        ("age,city,member\n", "no rows below the names of the columns"),
        ("age,city,member\n4,Rome\n", "row 1 has 2 values; expected 3, as the first line has"),
        ("age,town,member\n4,Rome,1\n", 'row 1 has no "city"'),
        ('4,"Rome', "the body is not CSV in UTF-8: "),
        (b"4,\xff,1", "the body is not CSV in UTF-8: "),
        ("4,Rome,1\n5,Rome\n", "row 2 has 2 values; expected 3"),
        ("inf,Rome,1\n", "row 1, column 1 is Infinity, not a finite number"),
        ("old,Rome,1\n", 'row 1, column 1 is "old", not a finite number'),
        ("Rome\n", "row 1 has 1 values; expected 3 in every row"),
    ],
)
def test_a_csv_that_does_not_fit_is_400(table: str | bytes, said: str) -> None:
    response = ask(SHOP, table, CSV if isinstance(table, str) else f"{CSV}; charset=utf-8")

    assert response.status_code == 400
    assert said in response.get_json()["error"]


def test_missing_values_are_predicted_where_the_model_can() -> None:
    rows = np.where(RANDOM.random(ROWS.shape) < 0.3, np.nan, ROWS)
    model = HistGradientBoostingClassifier(max_iter=3).fit(rows, LABELS)
    sent = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]

    assert predictions(model, sent) == model.predict(rows).tolist()
    assert predictions(model, rows.tolist()) == model.predict(rows).tolist()  # NaN, as Python writes it


def test_texts_in_columns_without_names_are_served() -> None:
    rows = [["Rome", 1], ["Oslo", 2], ["Rome", 3], ["4", 4]]
    columns = ColumnTransformer([("texts", OneHotEncoder(), [0])], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression()).fit(np.array(rows, dtype=object), ["a", "b", "a", "c"])

    assert predictions(model, rows) == ["a", "b", "a", "c"]


TEXTS = ["a good film", "a bad film", "good", "bad"]


def test_a_model_that_was_fitted_on_texts_takes_a_list_of_them() -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["+", "-", "+", "-"])

    assert predictions(model, TEXTS) == ["+", "-", "+", "-"]
    assert ask(model, "a good film\nbad\n", CSV).get_json() == {"Output": "+", "Predictions": ["+", "-"]}
    for wrong in ([1, 2], [["a good film", "bad"]], [{"text": "good"}], [None]):
        assert ask(model, json.dumps({"Input": wrong})).status_code == 400, wrong


def test_a_model_that_was_fitted_on_objects_takes_a_list_of_them() -> None:
    rows = [{"city": "Rome", "age": 3}, {"city": "Oslo"}]
    model = make_pipeline(DictVectorizer(), DecisionTreeClassifier(random_state=0)).fit(rows, [True, False])

    assert predictions(model, rows) == [True, False]
    assert ask(model, json.dumps({"Input": rows[1]})).get_json() == {"Output": 0, "Predictions": [False]}


class Saying:
    """A model that predicts what it was made with."""

    def __init__(self, predictions: Any) -> None:
        self.predictions = predictions

    def predict(self, _: object) -> Any:
        return self.predictions


@pytest.mark.parametrize(
    ("predicted", "output", "shown", "lines"),
    [
        (np.array([3, 4]), 3, [3, 4], "3\n4\n"),
        (np.array([2.5, -0.5], dtype=np.float32), 2, [2.5, -0.5], "2.5\n-0.5\n"),
        (np.array([True, False]), 1, [True, False], "True\nFalse\n"),
        (np.array(["a,b", 'c"']), "a,b", ["a,b", 'c"'], '"a,b"\n"c"""\n'),
        (np.array([b"a", b"\xe9"]), "a", ["a", "\ufffd"], "a\n\ufffd\n"),
        (np.array(["a", 1, None, 2.5], dtype=object), "a", ["a", 1, None, 2.5], 'a\n1\n""\n2.5\n'),
        (["a", 1, np.int64(2)], "a", ["a", 1, 2], "a\n1\n2\n"),
        (np.array([[1.5, 2.5], [3, 4]]), [1, 2], [[1.5, 2.5], [3, 4]], "1.5,2.5\n3.0,4.0\n"),
        (np.array([["a", 1]], dtype=object), ["a", 1], [["a", 1]], "a,1\n"),
        ([np.array([1, 2]), np.array([3, 4])], [1, 2], [[1, 2], [3, 4]], "1,2\n3,4\n"),
        (sparse.csr_matrix([[0, 1], [1, 0]]), [0, 1], [[0, 1], [1, 0]], "0,1\n1,0\n"),
        (np.array(["2026-01-02", "2026-01-03"], dtype="M8[D]"), "2026-01-02", ["2026-01-02", "2026-01-03"], None),
        (np.array([dt.date(2026, 1, 2)], dtype=object), "2026-01-02", ["2026-01-02"], None),
        (np.array([1, 2], dtype="m8[D]"), "1 days", ["1 days", "2 days"], None),
        (pd.Series(["a", "b"]), "a", ["a", "b"], "a\nb\n"),
        (pd.DataFrame({"x": [1], "y": ["b"]}), [1, "b"], [[1, "b"]], "1,b\n"),
        (7, 7, [7], "7\n"),
    ],
)
def test_every_kind_of_prediction_is_answered(predicted: Any, output: Any, shown: list[Any], lines: str | None) -> None:
    model = Saying(predicted)

    assert ask(model, '{"Input": [[1]]}').get_json() == {"Output": output, "Predictions": shown}
    assert lines is None or ask(model, '{"Input": [[1]]}', accept=CSV).get_data(as_text=True) == lines


@pytest.mark.parametrize(
    "predicted",
    [
        np.array([1, np.nan]),
        np.array([[1, 2], [3, np.inf]]),
        np.array(["a", np.nan], dtype=object),
        [1.0, float("-inf")],
        np.array([1, np.float32("nan")], dtype=object),
    ],
)
def test_a_prediction_that_json_does_not_have_is_400(predicted: Any) -> None:
    response = ask(Saying(predicted), '{"Input": [[1], [2]]}')

    assert (response.status_code, response.get_json()["error"][:32]) == (400, "row 2 has no finite prediction; ")


def test_several_targets_of_any_kind_are_served() -> None:
    labels = np.column_stack([LABELS, np.where(LABELS == "setosa", "yes", "no")])
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, labels)
    sparse_labels = sparse.csr_matrix((TARGETS.mean(axis=0) < TARGETS).astype(int))
    multilabel = OneVsRestClassifier(LogisticRegression()).fit(ROWS, sparse_labels)

    assert predictions(forest, ROWS.tolist()) == forest.predict(ROWS).tolist()
    assert predictions(multilabel, ROWS.tolist()) == multilabel.predict(ROWS).toarray().tolist()


@pytest.mark.parametrize(
    "model", [DBSCAN(), StandardScaler(), make_pipeline(StandardScaler()), LocalOutlierFactor(5), {"model": 1}]
)
def test_a_model_that_does_not_predict_is_not_loaded(model: Any, tmp_path: Path) -> None:
    joblib.dump(model.fit(ROWS) if hasattr(model, "fit") else model, tmp_path / "model.joblib")

    with pytest.raises(TypeError, match=f"has a {type(model).__name__}, which has no predict, and this handler only"):
        inference.model_fn(str(tmp_path))


def test_a_fault_of_the_model_is_not_blamed_on_the_request() -> None:
    class Broken(LinearRegression):  # type: ignore[misc] # scikit-learn ships no types
        def predict(self, _: object) -> Any:
            return self.gone

    with pytest.raises(AttributeError):
        ask(Broken().fit(ROWS, TARGETS), json.dumps({"Input": ROWS.tolist()}))
    with pytest.raises(ValueError, match="not fitted yet"):
        ask(LinearRegression(), '{"Input": [[1]]}')


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv;q=1, application/json;q=0.5", CSV),
        ("text/csv;q=0.4, application/json;q=0.5", JSON),
        ("text/html, text/*", CSV),
        ("TEXT/CSV", CSV),
        ("*/*", JSON),
    ],
)
def test_the_answer_has_the_type_that_is_preferred(accept: str, media_type: str) -> None:
    assert ask(Saying(np.array([1])), '{"Input": [[1]]}', accept=accept).mimetype == media_type


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["Rome", "Oslo", "4", "", "age"])
a_row = st.lists(cells, max_size=4) | st.dictionaries(st.sampled_from([*FRAME, "note"]), cells)


@examples(100)
@given(rows=a_row | st.lists(a_row, max_size=4), content_type=st.sampled_from([JSON, CSV]))
def test_no_request_to_a_model_of_a_dataframe_is_left_without_an_answer(rows: Any, content_type: str) -> None:
    response = ask(SHOP, json.dumps({"Input": rows}), content_type)

    assert response.status_code in {200, 400}
    answer = json.loads(response.get_data(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert answer.keys() == ({"Output", "Predictions"} if response.status_code == 200 else {"error"})
    assert set(answer.get("Predictions", [])) <= {*OUTCOMES}


@examples(50)
@given(table=st.lists(st.lists(cells.map(str), min_size=1, max_size=4), max_size=4))
def test_no_csv_is_left_without_an_answer(table: list[list[str]]) -> None:
    lines = io.StringIO()
    csv.writer(lines).writerows(table)

    assert ask(SHOP, lines.getvalue(), CSV).status_code in {200, 400}
