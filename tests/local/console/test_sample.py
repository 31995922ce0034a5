"""For which models the console has the article's sample row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sagebridge.local.console.sample import SAMPLE, fits
from tests.conftest import ROOT

HANDLER = (ROOT / "model" / "inference.py").read_text()
ESTIMATORS: dict[str, Callable[[], Any]] = {
    "linear": LinearRegression,
    "forest": lambda: RandomForestRegressor(n_estimators=3),
    "pipeline": lambda: make_pipeline(StandardScaler(), LinearRegression()),
}


def pack(folder: Path, estimator: object, compress: int = 0, handler: str = "inference.py") -> Path:
    (folder / handler).parent.mkdir(exist_ok=True)
    (folder / handler).write_text(HANDLER)
    joblib.dump(estimator, folder / "model.joblib", compress=compress)
    return folder


@pytest.mark.parametrize("features", [13, 12, 2])
@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_it_fits_a_model_of_as_many_features(tmp_path: Path, kind: str, compress: int, features: int) -> None:
    rows = np.random.default_rng(0).random((20, features))
    estimator = ESTIMATORS[kind]().fit(rows, rows[:, 0])
    assert fits(pack(tmp_path, estimator, compress)) == (features == len(json.loads(SAMPLE)["Input"][0]))


def test_the_handler_must_take_it(tmp_path: Path) -> None:
    rows = np.zeros((20, 13))
    estimator = LinearRegression().fit(rows, rows[:, 0])
    for name in ("root", "code", "other", "none"):
        (tmp_path / name).mkdir()
    assert fits(pack(tmp_path / "root", estimator))
    assert fits(pack(tmp_path / "code", estimator, handler="code/inference.py"))
    (pack(tmp_path / "other", estimator) / "inference.py").write_text("def model_fn(model_dir): return None\n")
    assert not fits(tmp_path / "other")
    assert not fits(tmp_path / "none")
