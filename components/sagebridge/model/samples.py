"""Makes requests for a model that tells how many features it takes, in the formats that handlers usually read."""

from __future__ import annotations

import json
from typing import Any

from sagebridge.model.contract import JSON, SAMPLE, Request

CSV = "text/csv"


ARTICLE = Request(SAMPLE.encode(), JSON)


def samples_for(model: object) -> list[Request]:
    """Returns requests of one row, of which a handler of the model should answer at least one.

    A model is an estimator, or a collection with an estimator in it. The row is the article's for a model that takes as
    many features or does not tell, and else all ones.
    """
    estimator = next(filter(_is_fitted, _parts(model)), None)
    if estimator is None:
        return [ARTICLE]
    count = int(estimator.n_features_in_)
    row = json.loads(SAMPLE)["Input"][0]
    if count != len(row):
        row = [1] * count
    names = [str(name) for name in getattr(estimator, "feature_names_in_", [])]
    values = ",".join(map(str, row))
    documents: list[Any] = [{"Input": [row]}, [row], {"instances": [row]}]
    tables = [values]
    if names:
        record = dict(zip(names, row))
        documents += [[record], record]
        tables += [f"{','.join(names)}\n{values}"]
    return [
        *(Request(json.dumps(document).encode(), JSON) for document in documents),
        *(Request(f"{table}\n".encode(), CSV) for table in tables),
    ]


def _parts(model: Any) -> list[Any]:  # noqa: ANN401 - whatever a handler makes of its files
    if isinstance(model, dict):
        return [*model.values()]
    return [*model] if isinstance(model, (list, tuple)) else [model]


def _is_fitted(value: object) -> bool:
    return hasattr(value, "n_features_in_")
