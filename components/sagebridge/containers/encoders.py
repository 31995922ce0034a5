"""Reads and writes arrays as sagemaker-containers does, whose CSV is not that of sagemaker-inference."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from sagemaker_inference import decoder, encoder
from sagemaker_inference.content_types import CSV, JSON, NPY
from sagemaker_inference.errors import UnsupportedFormatError


def decode(obj: Any, content_type: str) -> Any:  # noqa: ANN401 - text or bytes in, an array out
    """Returns the array that a body of type JSON, CSV or NPY has.

    Raises:
        UnsupportedFormatError: the body has another type.
    """
    if content_type == CSV:
        return np.array(list(csv.reader(io.StringIO(obj), strict=True))).squeeze().astype(float)
    if content_type in (JSON, NPY):
        return decoder.decode(obj, content_type)
    raise UnsupportedFormatError(content_type)


def encode(array_like: object, content_type: str) -> bytes | str:
    """Returns an array as JSON, CSV or NPY; one-dimensional CSV has a line for each value.

    Raises:
        UnsupportedFormatError: another type is asked for.
    """
    if content_type != CSV:
        encoded: bytes | str = encoder.encode(array_like, content_type)
        return encoded
    array = np.array(array_like)
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n", strict=True).writerows(array.reshape(-1, 1) if array.ndim == 1 else array)
    return lines.getvalue()
