"""The article's handler serves what any estimator of scikit-learn predicts."""

import csv
import datetime as dt
import io
import json
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from model import inference

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
QUICK = {"n_estimators": 3, "max_iter": 20, "cv": 2, "Cs": 2, "n_init": 1}


def fitted(name: str, estimator: Any) -> Any:
    """Returns a fitted estimator, with text labels where it takes them, and on two targets where it must."""
    arguments = dict(NEEDED.get(name, {}))
    if "base_estimator" in estimator.__init__.__code__.co_varnames and "estimator" in arguments:  # before 1.6
        arguments["base_estimator"] = arguments.pop("estimator")
    model = estimator(**arguments)
    model.set_params(**{key: value for key, value in QUICK.items() if key in model.get_params(deep=False)})
    rows = ROWS[:, :1] if name == "IsotonicRegression" else ROWS
    labels = np.where(LABELS == "setosa", "yes", "no")
    candidates: list[Any] = [LABELS, labels, TARGETS[:, 0], TARGETS, np.column_stack([labels, LABELS])]
    if name.startswith("Multi") or "Chain" in name:
        candidates.reverse()
    if not issubclass(estimator, ClassifierMixin) and name not in ("GridSearchCV", "Pipeline"):
        candidates = [targets for targets in candidates if targets.dtype.kind == "f"] + candidates
    for targets in candidates:
        try:
            return model.fit(rows, targets)
        except (TypeError, ValueError) as error:
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
