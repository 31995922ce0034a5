"""Serves one model as AWS's scikit-learn container does: GET /ping and POST /invocations.

This is a stand-in: whatever image the model names, it runs with the Python and the libraries of the server. The
container's contract is that of aws/sagemaker-scikit-learn-container@eae7b6b and of the sagemaker-containers 2.8.6 with
which it serves:

- `SAGEMAKER_PROGRAM` names the handler in the archive, at its root or in `code/`. It must have `model_fn`; it
  may have `input_fn`, `predict_fn` and `output_fn`, or else `transform_fn` in place of these three.
- A body of type application/json or text/csv reaches the handler as text, any other as bytes.
- What the handler's last function returns is a Flask view's result, or a tuple (body, mimetype).
- Every exception, also of the default functions, becomes a ClientError, which nothing handles: 500.

`forkserver.py` runs it. It ends when its control socket is closed, and so with the server.
"""

import csv
import importlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from socket import socket
from threading import Thread
from types import ModuleType
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from sagebridge.local.serving.http11 import KeepAlive

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
TEXT_TYPES = (JSON, CSV)


class ClientError(Exception):
    """An exception of the model's functions."""


class _Quiet(KeepAlive):
    """Leaves the log to what the model prints, and waits without end for the next request."""

    timeout = None  # type: ignore[assignment] # the connection's own, which is none

    def log_request(self, *_: object) -> None:
        pass


def main(model_dir: Path, home: Path, connection: socket, control: socket) -> None:
    """Loads the model, then answers requests one at a time, as one process of the container does.

    Args:
        model_dir: the unpacked archive.
        home: the process's folder for itself, removed if the server ends before the process.
        connection: the connection on which requests come, one after the other.
        control: the socket whose end ends the process.
    """
    watcher = Thread(target=_end_with_server, args=[control, home], daemon=True)
    watcher.start()
    app = build_app(_import_handler(model_dir), model_dir)
    server = make_server("unix://worker", 0, app, request_handler=_Quiet, fd=connection.fileno())
    server.server_address = ("localhost", 0)
    server.finish_request(connection, ("localhost", 0))
    watcher.join()  # the connection is closed, so the server is gone, or about to end this process


def build_app(handler: ModuleType, model_dir: Path) -> Flask:
    """Loads the model with the handler's `model_fn`, and returns the application that serves it."""
    transform = _transform(handler, _wrapped(getattr(handler, "model_fn", _no_model_fn))(str(model_dir)))
    default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
    app = Flask("worker")

    @app.get("/ping")
    def ping() -> ResponseReturnValue:
        return Response(status=200, mimetype=JSON)

    @app.post("/invocations")
    def invocations() -> ResponseReturnValue:
        content_type = request.headers.get("Content-Type") or JSON
        content = request.get_data(as_text=True) if content_type in TEXT_TYPES else request.get_data()
        accept = request.headers.get("Accept", "*/*")
        result: Any = transform(content, content_type, default_accept if accept in ("", "*/*") else accept)
        return Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    return app


def _import_handler(model_dir: Path) -> ModuleType:
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    for folder in (model_dir, model_dir / "code"):
        if program and (folder / program).with_suffix(".py").is_file():
            sys.path.insert(0, str(folder))
            return importlib.import_module(program.removesuffix(".py"))
    raise SystemExit(
        f"No handler: SAGEMAKER_PROGRAM={program!r} names no file at the archive's root or in code/. "
        f"The archive has: {', '.join(sorted(path.name for path in model_dir.iterdir()))}"
    )


def _transform(handler: ModuleType, model: object) -> Callable[[str | bytes, str, str], Any]:
    """Composes the handler's functions, with the container's defaults for those that it does not have."""
    transform_fn = getattr(handler, "transform_fn", None)
    steps = [getattr(handler, name, None) for name in ("input_fn", "predict_fn", "output_fn")]
    if transform_fn and any(steps):
        raise SystemExit("Cannot use transform_fn together with input_fn, predict_fn or output_fn")
    if transform_fn:
        transform = _wrapped(transform_fn)
        return lambda content, content_type, accept: transform(model, content, content_type, accept)
    defaults = (_decode, _predict, _encode)
    read, predict, write = (_wrapped(step or default) for step, default in zip(steps, defaults, strict=True))
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


def _decode(content: Any, content_type: str) -> Any:  # noqa: ANN401 - text or bytes in, an array out
    import numpy as np  # noqa: PLC0415 - slow to import, and most handlers have an input_fn

    if content_type == NPY:
        return np.load(io.BytesIO(content), allow_pickle=False)
    if content_type == JSON:
        return np.array(json.loads(content)).astype(np.float32)
    if content_type == CSV:
        return np.array(list(csv.reader(io.StringIO(content), strict=True))).squeeze().astype(np.float32)
    raise ValueError(f"Content type {content_type} is not supported; give the handler an input_fn.")


def _predict(data: object, model: Any) -> Any:  # noqa: ANN401 - the model's own types
    return model.predict(data)


def _encode(prediction: object, accept: str) -> Response:
    import numpy as np  # noqa: PLC0415 - slow to import, and most handlers have an output_fn

    array = np.asarray(prediction)
    if accept == NPY:
        file = io.BytesIO()
        np.save(file, array)
        return Response(file.getvalue(), mimetype=NPY)
    if accept == JSON:
        return Response(json.dumps(array.tolist()), mimetype=JSON)
    if accept == CSV:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(array.reshape(len(array), -1))
        return Response(text.getvalue(), mimetype=CSV)
    raise ValueError(f"Accept {accept} is not supported; give the handler an output_fn.")


def _end_with_server(control: socket, home: Path) -> None:
    control.recv(1)
    shutil.rmtree(home, ignore_errors=True)
    os._exit(0)
