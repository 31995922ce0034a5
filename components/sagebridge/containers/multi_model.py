"""What AWS's scikit-learn container does for a function that a handler does not have, when it serves many models.

Source: `handler_service.py` of aws/sagemaker-scikit-learn-container@eae7b6b. A single row becomes a table of one row.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from sagemaker_inference import decoder, encoder
from sagemaker_inference.content_types import NPY, UTF8_TYPES
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler


class MultiModelDefaults(DefaultInferenceHandler):  # type: ignore[misc] # sagemaker-inference ships no types
    """The default functions; there is none that loads a model."""

    def default_input_fn(self, input_data: Any, content_type: str) -> Any:  # noqa: ANN401 - text or bytes; an array
        """Reads JSON and CSV into an array of 32-bit numbers, and NPY, unless it has objects, as it is."""
        if content_type == NPY:
            array = np.load(io.BytesIO(input_data), allow_pickle=False)
        else:
            array = decoder.decode(input_data, content_type)
        if array.ndim == 1:
            array = array.reshape(1, -1)
        return array.astype(np.float32) if content_type in UTF8_TYPES else array

    def default_predict_fn(self, data: object, model: Any) -> Any:  # noqa: ANN401 - the model's own types
        """Returns what the model predicts."""
        return model.predict(data)

    def default_output_fn(self, prediction: object, accept: str) -> tuple[bytes | str, str]:
        """Answers with JSON, CSV or NPY."""
        return encoder.encode(prediction, accept), accept
