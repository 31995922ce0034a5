"""What AWS's PyTorch containers do for a function that a handler does not have.

Source: `default_pytorch_inference_handler.py` of sagemaker-pytorch-inference 2.0.25, which cannot be installed beside
sagemaker-inference, as it has a copy of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sagemaker_inference import decoder, encoder
from sagemaker_inference.content_types import CSV, UTF8_TYPES
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
from sagemaker_inference.errors import UnsupportedFormatError


class PyTorchDefaults(DefaultInferenceHandler):  # type: ignore[misc] # sagemaker-inference ships no types
    """The default functions; they import torch, which only a model that needs them must have."""

    def default_model_fn(self, model_dir: str) -> Any:  # noqa: ANN401 - torch is not installed here
        """Loads the only TorchScript file of a model."""
        import torch  # type: ignore[import-not-found] # noqa: PLC0415 - see above

        file = Path(model_dir, "model.pt")
        if not file.exists():
            files = [path for path in Path(model_dir).iterdir() if path.suffix in (".pt", ".pth") and path.is_file()]
            if len(files) != 1:
                names = [path.name for path in files]
                raise ValueError(f"Exactly one .pth or .pt file is required for PyTorch models: {names}")
            file = files[0]
        return torch.jit.load(file, map_location="cpu")

    def default_input_fn(self, input_data: str | bytes, content_type: str) -> Any:  # noqa: ANN401 - a tensor
        """Reads JSON, CSV or NPY into a tensor."""
        import torch  # noqa: PLC0415 - see above

        array = decoder.decode(input_data, content_type)
        return torch.FloatTensor(array) if content_type in UTF8_TYPES else torch.from_numpy(array)

    def default_predict_fn(self, data: Any, model: Any) -> Any:  # noqa: ANN401 - tensors
        """Returns what the model makes of the data."""
        import torch  # noqa: PLC0415 - see above

        with torch.no_grad():
            model.eval()
            return model(data)

    def default_output_fn(self, prediction: Any, accept: str) -> bytes | str:  # noqa: ANN401 - a tensor or array
        """Writes JSON, CSV or NPY, as the first of the accepted types that it knows."""
        from sagemaker_inference.utils import parse_accept  # noqa: PLC0415 - scikit-learn's images have an older package

        if type(prediction).__module__ == "torch" and type(prediction).__name__ == "Tensor":
            prediction = prediction.detach().cpu().numpy().tolist()
        for content_type in parse_accept(accept):
            if content_type in encoder.SUPPORTED_CONTENT_TYPES:
                encoded: bytes | str = encoder.encode(prediction, content_type)
                return encoded.encode() if content_type == CSV and isinstance(encoded, str) else encoded
        raise UnsupportedFormatError(accept)
