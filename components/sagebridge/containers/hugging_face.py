"""What Hugging Face changes in the inference toolkit.

Source: `handler_service.py` and `decoder_encoder.py` of sagemaker-huggingface-inference-toolkit 2.6.0, which cannot be
installed here without transformers and librosa. Images and audio are left to handlers that decode them themselves.
"""

from __future__ import annotations

import csv
import datetime as dt
import http.client
import io
import json
from inspect import signature
from typing import Any

import numpy as np
from sagemaker_inference import decoder, encoder, utils
from sagemaker_inference.content_types import ANY, CSV, JSON, NPY, UTF8_TYPES
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
from sagemaker_inference.errors import UnsupportedFormatError
from sagemaker_inference.transformer import Transformer

from sagebridge.containers.toolkit import Context, PredictionError

_CSV_COLUMNS = ("question", "context", "inputs")


class HuggingFaceTransformer(Transformer):  # type: ignore[misc] # sagemaker-inference ships no types
    """Answers every failure with the status 400, and with what it was."""

    def __init__(self) -> None:
        super().__init__(HuggingFaceDefaults())

    def _validate_user_module_and_set_functions(self) -> None:
        """Refuses, before the model is loaded, functions with more or fewer parameters than they are called with."""
        super()._validate_user_module_and_set_functions()
        functions = {
            self._model_fn: 1,
            self._input_fn: 2,
            self._predict_fn: 2,
            self._output_fn: 2,
            self._transform_fn: 4,
        }
        for function, count in functions.items():
            taken = len(signature(function).parameters)
            if taken not in (count, count + 1):  # the context is the last
                raise TypeError(f"{function.__name__} takes {taken} arguments, not {count} or {count + 1}.")

    def transform(self, data: list[dict[str, bytes]], context: Context) -> list[object]:
        """Answers one request with the accepted type, which is JSON unless the request names one."""
        try:
            headers = context.get_all_request_header(0)
            content_type = utils.retrieve_content_type_header(headers)
            accept = headers.get("Accept")
            if not accept or accept == ANY:
                accept = JSON
            content: bytes | str = data[0]["body"]
            if content_type in UTF8_TYPES and isinstance(content, bytes):
                content = content.decode()
            result = self._run_handler_function(self._transform_fn, self._model, content, content_type, accept)
            context.set_response_content_type(0, accept)
        except Exception as error:
            raise PredictionError(str(error), http.client.BAD_REQUEST) from error
        return [result]


class HuggingFaceDefaults(DefaultInferenceHandler):  # type: ignore[misc] # sagemaker-inference ships no types
    """The default functions, but for the one that loads a pipeline of transformers."""

    def default_model_fn(self, model_dir: str) -> None:
        """Says that this default is not served here."""
        raise NotImplementedError(
            f"{model_dir} has no handler with a model_fn. On AWS the container would make a pipeline of transformers "
            "for HF_TASK, which is not done here."
        )

    def default_input_fn(self, input_data: Any, content_type: str) -> Any:  # noqa: ANN401 - text or bytes; any JSON
        """Reads JSON, CSV with a header, or NPY."""
        if content_type == JSON:
            return json.loads(input_data)
        if content_type == NPY:
            return decoder.decode(input_data, NPY)
        if content_type == CSV:
            return _read_csv(input_data)
        raise UnsupportedFormatError(content_type)

    def default_predict_fn(self, data: Any, model: Any) -> Any:  # noqa: ANN401 - any JSON
        """Calls the model with `inputs`, or with all of the data, and with `parameters`."""
        inputs = data.pop("inputs", data)
        return model(inputs, **(data.pop("parameters", None) or {}))

    def default_output_fn(self, prediction: Any, accept: str) -> bytes | str:  # noqa: ANN401 - any JSON
        """Writes JSON, CSV with a header, or NPY."""
        if accept == JSON:
            return json.dumps(
                prediction, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_json_value
            )
        if accept == NPY:
            encoded: bytes = encoder.encode(prediction, NPY)
            return encoded
        if accept == CSV:
            rows = list(prediction)
            lines = io.StringIO()
            writer = csv.DictWriter(lines, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
            return lines.getvalue()
        raise UnsupportedFormatError(accept)


def _read_csv(content: str) -> dict[str, list[Any]]:
    if not any(column in content.splitlines()[0].lower() for column in _CSV_COLUMNS):
        raise PredictionError(
            "You need to provide the correct CSV with Header columns to use it with the inference toolkit default "
            "handler.",
            http.client.BAD_REQUEST,
        )
    rows = list(csv.DictReader(io.StringIO(content)))
    return {"inputs": [row["inputs"] for row in rows] if "inputs" in rows[0] else rows}


def _json_value(value: Any) -> Any:  # noqa: ANN401 - whatever a handler predicts
    if isinstance(value, dt.datetime):
        return str(value)
    if isinstance(value, np.generic) or hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
