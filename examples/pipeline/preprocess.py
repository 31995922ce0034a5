"""The first container's handler: turns a house given by names into the row of numbers that the model takes."""

import json
from typing import Any

COLUMNS = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")


def model_fn(_folder: str) -> None:
    """Load nothing: there is no model, but the container wants the function."""


def transform_fn(_model: None, body: str, _content_type: str, _accept: str) -> Any:  # noqa: ANN401 - body and type
    """Answer with what the next container gets."""
    house = json.loads(body)
    return json.dumps({"Input": [[house[column] for column in COLUMNS]]}), "application/json"
