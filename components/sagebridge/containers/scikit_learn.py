"""Serves one model as AWS's scikit-learn container does.

The contract is that of aws/sagemaker-scikit-learn-container@eae7b6b and of the sagemaker-containers 2.8.6 with which it
serves. That package cannot be installed here, as it wants Flask 1.1.1, so this module does what it does. The tests hold
it to recorded answers of the package.

- The handler must have `model_fn`; it may have `input_fn`, `predict_fn` and `output_fn`, or else `transform_fn` in
  place of these three.
- A body of type application/json or text/csv reaches the handler as text, any other as bytes.
- What the handler's last function returns is a Flask view's result, or a tuple (body, mimetype).
- Every exception, also of the default functions, becomes a ClientError, which nothing handles: 500.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from flask import Flask, Response, request
from sagemaker_inference.content_types import ANY, JSON, UTF8_TYPES

from sagebridge.containers import encoders
from sagebridge.containers.errors import NotServedError
from sagebridge.containers.image import explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from flask.typing import ResponseReturnValue


class ClientError(Exception):
    """An exception of the model's functions."""


def build_app(handler: ModuleType, model_dir: str, image: str = "") -> Flask:
    """Loads the model with the handler's `model_fn`, and returns the application that serves it.

    Args:
        handler: the handler's module.
        model_dir: the folder of the model.
        image: the version of the image, if it is known what the image has.

    Raises:
        NotServedError: the handler's functions do not go together.
        ClientError: `model_fn` failed.
    """
    model = _wrapped(getattr(handler, "model_fn", _no_model_fn))(model_dir)
    transform = _transform(handler, model)
    default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
    app = Flask("worker")
    app.extensions["model"] = model

    @app.route("/ping")
    def ping() -> ResponseReturnValue:
        return Response(status=200, mimetype=JSON)

    @app.route("/invocations", methods=["POST"])
    def invocations() -> ResponseReturnValue:
        content_type = request.headers.get("ContentType") or request.headers.get("Content-Type") or JSON
        content = request.get_data(as_text=True) if content_type in UTF8_TYPES else request.get_data()
        accept = request.headers.get("Accept", ANY)
        try:
            result: Any = transform(content, content_type, default_accept if accept in ("", ANY) else accept)
        except ClientError as error:
            explain(error, image)
            raise
        return Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    return app


def _transform(handler: ModuleType, model: object) -> Callable[[str | bytes, str, str], Any]:
    """Composes the handler's functions, with the container's defaults for those that it does not have."""
    transform_fn = getattr(handler, "transform_fn", None)
    steps = [getattr(handler, name, None) for name in ("input_fn", "predict_fn", "output_fn")]
    if transform_fn and any(steps):
        raise NotServedError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
    if transform_fn:
        transform = _wrapped(transform_fn)
        return lambda content, content_type, accept: transform(model, content, content_type, accept)
    defaults = (default_input_fn, default_predict_fn, default_output_fn)
    read, predict, write = (_wrapped(step or default) for step, default in zip(steps, defaults))
    return lambda content, content_type, accept: write(predict(read(content, content_type), model), accept)


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: object) -> Any:  # noqa: ANN401 - whatever the model's function returns
        try:
            return function(*arguments)
        except Exception as error:
            raise ClientError(error) from error

    return call


def _no_model_fn(_: str) -> None:
    raise NotImplementedError("The handler has no model_fn, and there is no default for it.")


def default_input_fn(content: Any, content_type: str) -> Any:  # noqa: ANN401 - text or bytes in, an array out
    """Reads JSON and CSV into an array of 32-bit numbers, and NPY into the array that it has."""
    array = encoders.decode(content, content_type)
    return array.astype(np.float32) if content_type in UTF8_TYPES else array


def default_predict_fn(data: object, model: Any) -> Any:  # noqa: ANN401 - the model's own types
    """Returns what the model predicts."""
    return model.predict(data)


def default_output_fn(prediction: object, accept: str) -> Response:
    """Answers with JSON, CSV or NPY."""
    return Response(encoders.encode(prediction, accept), mimetype=accept)
