"""Serves one model as the containers that use the inference toolkit do, with AWS's own code: sagemaker-inference.

In AWS's containers a model server in Java is in front of it. What that hands to the toolkit is `Context`, and what it
makes of the toolkit's result is `build_app`. Source: `mms/context.py`, `mms/service.py` and
`mms/protocol/otf_message_handler.py` of multi-model-server 1.1.11, to which TorchServe is alike.
"""

from __future__ import annotations

import http.client
import json
import sys
import traceback
from inspect import signature
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from sagemaker_inference.transformer import Transformer


class PredictionError(Exception):
    """A failure that the model server answers with a status and a message."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.message} : {self.status}"


class Headers:
    """The headers of one request and of its answer."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._request = headers
        self.answer: dict[str, str] = {}
        self.status = int(http.client.OK)

    def get_request_properties(self) -> dict[str, str]:
        """Returns the request's headers."""
        return self._request

    def get_request_property(self, name: str) -> str | None:
        """Returns a header of the request."""
        return self._request.get(name)


class Metrics:
    """Takes the metrics that a handler reports, which nobody reads here."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Returns a method, such as `add_time`, that does nothing."""
        return lambda *_, **__: None


class Context:
    """What the model server tells the toolkit, and a handler whose functions take a context, of a request.

    Args:
        model_dir: the folder of the model.
    """

    def __init__(self, model_dir: str) -> None:
        self.model_name = "model"
        self.manifest: dict[str, Any] = {}
        self.metrics = Metrics()
        self.system_properties = {"model_dir": model_dir, "gpu_id": None, "batch_size": 1, "server_name": "MMS"}
        self.request_processor = [Headers({})]

    def get_request_id(self, idx: int = 0) -> str | None:
        """Returns the ID that the caller gave the request."""
        return self.request_processor[idx].get_request_property("X-Amzn-Sagemaker-Inference-Id")

    def get_request_header(self, idx: int, key: str) -> str | None:
        """Returns a header of the request."""
        return self.request_processor[idx].get_request_property(key)

    def get_all_request_header(self, idx: int) -> dict[str, str]:
        """Returns the headers of the request."""
        return self.request_processor[idx].get_request_properties()

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Sets the content type of the answer."""
        self.set_response_header(idx, "content-type", value)

    def get_response_content_type(self, idx: int) -> str | None:
        """Returns the content type of the answer."""
        return self.request_processor[idx].answer.get("content-type")

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Sets a header of the answer."""
        self.request_processor[idx].answer[key] = value

    def get_response_headers(self, idx: int) -> dict[str, str]:
        """Returns the headers of the answer."""
        return self.request_processor[idx].answer

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002 - HTTP/1.1's phrase reaches nobody
        """Sets the status of the answer."""
        self.request_processor[idx].status = code

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Sets the status of the answer."""
        self.set_response_status(code, phrase)


def build_front() -> Flask:
    """Returns the application of a model server that has no model."""
    app = Flask("worker")

    @app.route("/ping")
    def ping() -> ResponseReturnValue:
        return {"status": "Healthy"}

    return app


def build_app(transformer: Transformer, model_dir: str) -> Flask:
    """Loads the model, and returns the application that serves it."""
    context = Context(model_dir)
    takes_context = "context" in signature(transformer.validate_and_initialize).parameters  # since 1.6
    transformer.validate_and_initialize(model_dir=model_dir, **({"context": context} if takes_context else {}))
    app = build_front()
    app.extensions["model"] = transformer._model  # noqa: SLF001 - it has no other name

    @app.route("/invocations", methods=["POST"])
    def invocations() -> ResponseReturnValue:
        headers = Headers(dict(request.headers))
        context.request_processor = [headers]
        try:
            (result,) = transformer.transform([{"body": request.get_data()}], context)
            body = _body(result)
        except PredictionError as error:
            traceback.print_exc()
            return _refusal(error.status, error.message)
        if headers.status != http.client.OK:
            sys.stderr.write(f"{result}\n")
        return Response(body, headers.status, headers.answer)

    return app


def _body(result: object) -> bytes | str:
    if isinstance(result, (bytes, bytearray, str)):
        return bytes(result) if isinstance(result, bytearray) else result
    try:
        return json.dumps(result, indent=2)
    except TypeError as error:
        raise PredictionError("Unsupported model output data type.", http.client.SERVICE_UNAVAILABLE) from error


def _refusal(status: int, message: str) -> Response:
    refusal = {"code": status, "type": "InternalServerException", "message": message}
    return Response(json.dumps(refusal, indent=2) + "\n", status, mimetype="application/json")
