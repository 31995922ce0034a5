"""Serves what a scikit-learn estimator predicts in SageMaker's scikit-learn container, where it lies beside the model.

A request of application/json is `{"Input": [[number, ...], ...]}`; `Input` may also be one row alone. A model that was
fitted on a DataFrame takes its rows as lists in the order of its columns, or as objects such as `{"age": 31}`, and with
texts, booleans and null where it can predict from them. A model that begins with a vectorizer takes a list of what that
was fitted on: texts or objects. A request of text/csv has a line for each row, and may begin with the names of a
DataFrame's columns, in any order. A column in which every value is a number has numbers, one in which every value is
true or false has booleans, and any other has texts; an empty value is null.

An answer of application/json is `{"Output": 28, "Predictions": [28.99...]}`. `Predictions` has the prediction of every
row at full precision: a number, a label, or a list for several targets. `Output` is the article's: the first
prediction, cut to an integer if it is a number. An answer of text/csv has a line for each row.

The container answers with a bare 500 when a handler raises (sagemaker_containers 2.8.6, `_functions.error_wrapper`).
It serves a `Response` from `output_fn` with its own status, so a bad request is passed on there as a `Refusal`.

This file needs no other of this project, and runs on the Python of the oldest image in use (3.7), also without pandas.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
import traceback
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = "application/json"
CSV = "text/csv"


class Refusal(NamedTuple):
    """A request that its sender has to change."""

    status: int
    """The HTTP status, 4xx."""
    error: str
    """What was wrong, and what is expected."""


class Lines(NamedTuple):
    """The lines of a request in CSV; only the model tells whether the first one has the names of the columns."""

    cells: list[list[str]]


class Features(NamedTuple):
    """What a model tells of the features of a row."""

    width: int | None
    """None if the model does not tell: it takes whole texts or objects, or is not one of scikit-learn's."""
    names: list[str]
    """Empty if the model was not fitted on a DataFrame."""

    @property
    def expected(self) -> str:
        """What a request should look like."""
        if not self.names:
            return 'expected {"Input": [[number, ...], ...]}, one list of finite numbers a row'
        return (
            f'expected {{"Input": [{{{_short(self.names[0])}: value, ...}}, ...]}}, with {len(self.names)} values a row'
        )


class TextError(ValueError):
    """The model wants a number where the request has a text."""

    def __init__(self, text: Text) -> None:
        super().__init__(f"{text!r} is not a number")
        self.text = text


class Text(str):
    """A text of a request. It is not a number, whatever it looks like: NumPy would take "4" for 4."""

    __slots__ = ()

    def __float__(self) -> float:
        """Refuses to be a number."""
        raise TextError(self)


def model_fn(model_dir: str) -> Any:  # noqa: ANN401 - whatever estimator was packed
    """Loads the model from the folder that the archive was unpacked to."""
    model = joblib.load(os.path.join(model_dir, "model.joblib"))  # noqa: PTH118 - the contract gives a string
    if not hasattr(model, "predict"):
        raise TypeError(
            f"model.joblib has a {type(model).__name__}, which has no predict, and this handler only predicts; "
            "write a handler for it, and pack that with `sagebridge package --handler`"
        )
    return model


def input_fn(body: bytes | str, content_type: str | None) -> list[Any] | Lines | Refusal:
    """Reads the rows of a request."""
    media_type = (content_type or "").split(";")[0].strip().lower()
    if media_type == CSV:
        return _read_csv(body)
    if media_type == JSON:
        return _read_json(body)
    return Refusal(415, f"content type {_short(content_type)} is not supported; send {JSON} or {CSV}")


def predict_fn(data: list[Any] | Lines | Refusal, model: Any) -> list[Any] | Refusal:  # noqa: ANN401 - see model_fn
    """Predicts every row, after checking that each has as many values as the model takes."""
    features = Features(getattr(model, "n_features_in_", None), list(getattr(model, "feature_names_in_", [])))
    rows = _read_lines(data, features) if isinstance(data, Lines) else data
    if isinstance(rows, Refusal):
        return rows
    table = _numbers(rows, features)
    if table is None:
        rows = _checked(rows, features)
        if isinstance(rows, Refusal):
            return rows
        table = _table(rows, features)
    # What a model without a number of features does with the wrong kind of row is to miss an attribute.
    wrong_rows = (TypeError, ValueError) if features.width else (TypeError, ValueError, AttributeError)
    try:
        with np.errstate(all="ignore"):  # what overflows is refused below
            predictions = model.predict(table)
    except wrong_rows as error:
        if type(error).__name__ == "NotFittedError":
            raise
        return Refusal(400, f"{_complaint(error, rows)}; {features.expected}")
    values = _values(predictions)
    if all(map(_is_finite, values)):
        return values
    number = next(number for number, value in enumerate(values, 1) if not _is_finite(value))
    return Refusal(400, f"row {number} has no finite prediction; expected numbers like the training data's")


def output_fn(predictions: list[Any] | Refusal, accept: str | None) -> Response:
    """Answers with the predictions, or with `{"error": ...}` and a 4xx status."""
    if isinstance(predictions, Refusal):
        return _response({"error": predictions.error}, predictions.status)
    media_type = parse_accept_header(accept or "*/*", MIMEAccept).best_match([JSON, CSV])
    if media_type == JSON:
        return _response({"Output": _cut(predictions[0]), "Predictions": predictions}, 200)
    if media_type == CSV:
        lines = io.StringIO()
        rows = (value if isinstance(value, list) else [value] for value in predictions)
        csv.writer(lines, lineterminator="\n").writerows(rows)
        return Response(lines.getvalue(), mimetype=CSV)
    return _response({"error": f"cannot answer as {_short(accept)}; expected Accept: {JSON} or {CSV}"}, 406)


def _read_json(body: bytes | str) -> list[Any] | Refusal:
    expected = Features(None, []).expected
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Refusal(400, f"the body is not JSON: {error}; {expected}")
    if not isinstance(request, dict) or "Input" not in request:
        return Refusal(400, f'the body has no "Input"; {expected}')
    rows = request["Input"]
    if not isinstance(rows, (list, dict)) or not rows:
        return Refusal(400, f'"Input" is {_short(rows)}, not a list of rows; {expected}')
    return [rows] if isinstance(rows, dict) else rows


def _read_csv(body: bytes | str) -> Lines | Refusal:
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        cells = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        return Refusal(400, f"the body is not CSV in UTF-8: {error}; expected a line of values for every row")
    return Lines(cells) if cells else Refusal(400, "the body has no rows; expected a line of values for every row")


def _read_lines(lines: Lines, features: Features) -> list[Any] | Refusal:
    """Returns rows of the lines of a CSV: by the columns' names, if the first line has most of them."""
    first, *others = lines.cells
    header = [cell.strip() for cell in first]
    has_header = 2 * len({*header}.intersection(features.names)) > len(features.names) > 0
    cells = others if has_header else lines.cells
    if not cells:
        return Refusal(400, "the body has no rows below the names of the columns; expected a line for every row")
    for number, line in enumerate(cells, 1):
        if len(line) != len(first):
            return Refusal(400, f"row {number} has {len(line)} values; expected {len(first)}, as the first line has")
    columns = map(_column, zip(*cells))  # noqa: B905 - Python 3.7 has no `strict`; all lines are of one length
    rows: list[Any] = [list(row) for row in zip(*columns)]  # noqa: B905 - the same
    if has_header:
        return [dict(zip(header, row)) for row in rows]  # noqa: B905 - the same
    texts = features.width is None and len(first) == 1 and isinstance(rows[0][0], str)
    return [row[0] for row in rows] if texts else rows


def _column(cells: tuple[str, ...]) -> list[Any]:
    """Returns the values of a column: numbers or booleans, if all are, or else texts; None for an empty cell."""
    for convert in (float, _boolean):
        try:
            return [convert(cell) if cell.strip() else None for cell in cells]
        except ValueError:
            continue
    return [cell or None for cell in cells]


def _boolean(cell: str) -> bool:
    if cell.strip().lower() not in ("true", "false"):
        raise ValueError
    return cell.strip().lower() == "true"


def _numbers(rows: list[Any], features: Features) -> Any:  # noqa: ANN401 - an array
    """Returns the table of rows that have a finite number for each unnamed feature, at the speed of C; else None."""
    if features.names or {*map(type, rows)} != {list} or not {*map(type, chain.from_iterable(rows))} <= {int, float}:
        return None
    try:
        table = np.array(rows, dtype=float)
    except (ValueError, OverflowError):  # rows of different lengths, or an integer beyond any float
        return None
    is_whole = table.size and table.shape[1] == (features.width or table.shape[1]) and np.isfinite(table).all()
    return table if is_whole else None


def _checked(rows: list[Any], features: Features) -> list[Any] | Refusal:
    """Returns rows as lists that have a value for each feature, or what is wrong with them; both count from 1.

    Rows of a model that does not tell its features may be texts or objects.
    """
    if not any(isinstance(row, (list, dict)) for row in rows):
        if features.width is None and all(isinstance(row, str) for row in rows):
            return rows
        rows = [rows]
    if features.width is None and all(isinstance(row, dict) for row in rows):
        return rows
    lists = []
    for number, row in enumerate(rows, 1):
        problem = _problem(number, row, features)
        if problem:
            return Refusal(400, f"{problem}; {features.expected}")
        lists.append([row[name] for name in features.names] if isinstance(row, dict) else row)
    count = features.width or len(lists[0])
    for number, row in enumerate(lists, 1):
        if len(row) != count:
            noun = "values" if features.names else "numbers"
            return Refusal(400, f"row {number} has {len(row)} {noun}; expected {count} in every row")
    return lists


def _problem(number: int, row: object, features: Features) -> str | None:
    """Returns what keeps JSON from being a row that some model could take."""
    if isinstance(row, dict) and row:
        if not features.names:
            return f"row {number} is a JSON object, and the model was fitted without names of features"
        for name in features.names:
            if name not in row:
                return f"row {number} has no {_short(name)}"
        row = [row[name] for name in features.names]
    if not isinstance(row, list) or not row:
        return f"row {number} is {_short(row)}, not a list of numbers"
    if _are_finite(row):
        return None
    for column, value in enumerate(row, 1):
        is_number = isinstance(value, (int, float)) and not (isinstance(value, bool) and not features.names)
        # NaN fails any comparison, and Python compares integers of any size with a float exactly.
        if not (_is_missing(value) or isinstance(value, str) or (is_number and abs(value) <= sys.float_info.max)):
            return f"row {number}, column {column} is {_short(value)}, not a finite number"
    return None


def _are_finite(row: list[Any]) -> bool:
    """Returns whether all values are finite numbers, at the speed of C; the exact check names the others."""
    try:
        return {*map(type, row)} <= {int, float} and all(map(math.isfinite, row))
    except OverflowError:  # an integer beyond any float
        return False


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _table(rows: list[Any], features: Features) -> Any:  # noqa: ANN401 - a DataFrame or an array
    """Returns rows in the form that the model was fitted on: a DataFrame if its features have names."""
    if not isinstance(rows[0], list):
        return rows
    numbers = _numbers(rows, features)
    if numbers is not None:
        return numbers
    cells = [[_cell(value) for value in row] for row in rows]
    pandas = _pandas() if features.names else None
    if pandas:
        return pandas.DataFrame(cells, columns=features.names)
    has_text = any(isinstance(value, str) for row in rows for value in row)
    return np.array(cells, dtype=object if has_text else float)


def _cell(value: object) -> object:
    """Returns a value of a request as a model takes it."""
    if isinstance(value, str):
        return Text(value)
    return math.nan if value is None else value


def _pandas() -> Any:  # noqa: ANN401 - a module, or None in an image that does not have it
    try:
        import pandas as pd  # noqa: PLC0415 - see above
    except ImportError:
        return None
    return pd


def _complaint(error: BaseException, rows: list[Any]) -> str:
    """Returns what a model has against the rows: the cell that it does not take, or what it said."""
    for cause in _causes(error):
        for row_number, row in enumerate(rows, 1):
            for column, value in enumerate(row if isinstance(row, list) else [], 1):
                if value == cause.text if isinstance(cause, TextError) else _is_missing(value) and "NaN" in str(cause):
                    return f"row {row_number}, column {column} is {_short(value)}, not a finite number"
    traceback.print_exc()  # should the rows be right, the log says more than the answer
    return f"the model does not take these rows: {_short(str(error).strip().split(chr(10))[0], 150)}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _values(predictions: Any) -> list[Any]:  # noqa: ANN401 - whatever a model returns
    """Returns a prediction for each row, or a list of several, as JSON has it."""
    if hasattr(predictions, "toarray"):  # sparse
        predictions = predictions.toarray()
    elif isinstance(predictions, (list, tuple)):  # whose numbers are to stay numbers, also beside texts
        predictions = np.array(predictions, dtype=object)
    values: list[Any] = _plain(np.atleast_1d(predictions))
    return values


def _plain(value: Any) -> Any:  # noqa: ANN401 - see above
    """Returns a value, or all of an array, as JSON has it; what JSON does not have becomes a text."""
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind in "biuU":
            return value.tolist()
        if value.dtype.kind == "f":
            return value.astype(float).tolist()
    if isinstance(value, (np.ndarray, list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _is_finite(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _cut(prediction: Any) -> Any:  # noqa: ANN401 - see above
    """Returns a prediction with its numbers cut to integers, as the article does."""
    if isinstance(prediction, list):
        return [_cut(target) for target in prediction]
    return int(prediction) if isinstance(prediction, (int, float)) else prediction


def _short(value: object, length: int = 40) -> str:
    if isinstance(value, (list, dict)):
        kind = "list" if isinstance(value, list) else "object"
        return f"a JSON {kind}" if value else f"an empty {kind}"
    text = json.dumps(value)
    return text if len(text) <= length else text[: length - 3] + "..."


def _response(body: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(body), status=status, mimetype=JSON)
