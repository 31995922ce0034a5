"""Serves a regression in SageMaker's scikit-learn container; the archive carries this file beside the model.

Request: `{"Input": [[number, ...], ...]}` as application/json.
Answer: `{"Output": 28, "Predictions": [28.99...]}`. `Predictions` has every row's prediction at full precision.
`Output` is the article's: the first prediction, cut to an integer.

The container answers with a bare 500 when a handler raises (sagemaker_containers 2.8.6, `_functions.error_wrapper`).
It serves a `Response` from `output_fn` with its own status, so a bad request is passed on there as a `Refusal`.

This file needs no other of this project, and runs on the Python of the oldest image in use (3.7).
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from typing import Any, NamedTuple

import joblib
import numpy as np
from werkzeug.wrappers import Response

JSON = "application/json"
EXPECTED = 'expected {"Input": [[number, ...], ...]}, one list of finite numbers a row'


class Refusal(NamedTuple):
    """A request that its sender has to change."""

    status: int
    """The HTTP status, 4xx."""
    error: str
    """What was wrong, and what is expected."""


def model_fn(model_dir: str) -> Any:  # noqa: ANN401 - whatever estimator was packed
    """Loads the model from the folder that the archive was unpacked to."""
    return joblib.load(os.path.join(model_dir, "model.joblib"))  # noqa: PTH118 - the contract gives a string


def input_fn(body: bytes | str, content_type: str | None) -> list[list[float]] | Refusal:
    """Reads the rows of a request."""
    if (content_type or "").split(";")[0].strip().lower() != JSON:
        return Refusal(415, f"content type {_short(content_type)} is not supported; send {JSON}")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Refusal(400, f"the body is not JSON: {error}; {EXPECTED}")
    problem = _problem(request)
    return Refusal(400, f"{problem}; {EXPECTED}") if problem else request["Input"]


def predict_fn(rows: list[list[float]] | Refusal, model: Any) -> np.ndarray[Any, Any] | Refusal:  # noqa: ANN401 - see model_fn
    """Predicts every row, after checking that each has as many numbers as the model takes."""
    if isinstance(rows, Refusal):
        return rows
    width = getattr(model, "n_features_in_", len(rows[0]))
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            return Refusal(400, f"row {number} has {len(row)} numbers; expected {width} in every row")
    with np.errstate(all="ignore"):  # what overflows is refused below
        predictions = np.asarray(model.predict(np.array(rows, dtype=float)))
    for number, finite in enumerate(np.isfinite(predictions), 1):
        if not finite:
            return Refusal(400, f"row {number} has no finite prediction; expected numbers like the training data's")
    return predictions


def output_fn(predictions: np.ndarray[Any, Any] | Refusal, accept: str | None) -> Response:
    """Answers with the predictions, or with `{"error": ...}` and a 4xx status."""
    if isinstance(predictions, Refusal):
        return _response({"error": predictions.error}, predictions.status)
    if not _accepts_json(accept):
        return _response({"error": f"cannot answer as {_short(accept)}; expected Accept: {JSON}"}, 406)
    values = predictions.tolist()
    return _response({"Output": int(values[0]), "Predictions": values}, 200)


def _problem(request: object) -> str | None:
    """Returns what keeps JSON from being a list of rows of finite numbers; rows and columns count from 1."""
    if not isinstance(request, dict) or "Input" not in request:
        return 'the body has no "Input"'
    rows = request["Input"]
    if not isinstance(rows, list) or not rows:
        return f'"Input" is {_short(rows)}, not a list of rows'
    for row_number, row in enumerate(rows, 1):
        if not isinstance(row, list) or not row:
            return f"row {row_number} is {_short(row)}, not a list of numbers"
        if _are_finite(row):
            continue
        for column, value in enumerate(row, 1):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            # NaN fails any comparison, and Python compares integers of any size with a float exactly.
            if not (number and abs(value) <= sys.float_info.max):
                return f"row {row_number}, column {column} is {_short(value)}, not a finite number"
    return None


def _are_finite(row: list[Any]) -> bool:
    """Returns whether all values are finite numbers, at the speed of C; the exact check names the others."""
    try:
        return {*map(type, row)} <= {int, float} and all(map(math.isfinite, row))
    except OverflowError:  # an integer beyond any float
        return False


def _short(value: object) -> str:
    if isinstance(value, (list, dict)):
        kind = "list" if isinstance(value, list) else "object"
        return f"a JSON {kind}" if value else f"an empty {kind}"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004 - a line stays readable


def _accepts_json(accept: str | None) -> bool:
    for part in (accept or "*/*").lower().split(","):
        media, *parameters = [piece.strip() for piece in part.split(";")]
        refused = any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
        if media in (JSON, "application/*", "*/*") and not refused:
            return True
    return False


def _response(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(body), status=status, mimetype=JSON)
