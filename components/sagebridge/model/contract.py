"""Asks an unpacked archive for a prediction, with the archive's own handler and in a process of its own.

That process runs this module: it reads a request from standard input and prints an `Answer` as JSON.
"""

import contextlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

MODEL, HANDLER = "model.joblib", "inference.py"
SAMPLE = '{"Input": [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]}'
"""The article's sample row."""
FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn")
JSON = "application/json"
SECONDS = 60


class Answer(NamedTuple):
    """The outcome of a request."""

    body: str | None
    """The response's body, if there is one."""
    problem: str | None = None
    """A line that says why there is no body; None when the archive has no model to ask."""


def ask(folder: Path, request: str) -> Answer:
    """Sends a request to the handler in a folder, and waits up to 60 s. Runs the archive's own code."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sagebridge.model.contract", str(folder.resolve())],
            input=request,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, f"{HANDLER} did not answer within {SECONDS} s")
    if done.returncode:
        return Answer(None, f"{HANDLER} ended its process with code {done.returncode}: {done.stderr[-500:].strip()}")
    return Answer(*json.loads(done.stdout))


def answer(folder: Path, request: str) -> Answer:
    """Loads the handler in a folder into this process, lets it load the model, and sends it a request."""
    try:
        spec = importlib.util.spec_from_file_location("inference", folder / HANDLER)
        handler = importlib.util.module_from_spec(spec)  # type: ignore[arg-type] # a .py file always has one
        spec.loader.exec_module(handler)  # type: ignore[union-attr] # the same
        missing = [name for name in FUNCTIONS if not callable(getattr(handler, name, None))]
        if missing:
            return Answer(None, f"{HANDLER} has no {', '.join(missing)}")
        if not (folder / MODEL).is_file():
            return Answer(None)
        data = handler.input_fn(request, JSON)
        response = handler.output_fn(handler.predict_fn(data, handler.model_fn(str(folder))), JSON)
    except Exception as error:  # noqa: BLE001 - the archive's code can raise anything
        return Answer(None, f"{HANDLER} raised {type(error).__name__}: {error}")
    # The container serves what a Flask view may return: text, also with a media type, a dict, a Response.
    body = response[0] if isinstance(response, tuple) else response
    if hasattr(body, "get_data"):
        text = body.get_data(as_text=True)
        return Answer(text) if body.status_code == 200 else Answer(None, f"the sample row is refused: {text}")  # noqa: PLR2004
    return Answer(json.dumps(body) if isinstance(body, dict) else str(body))


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # a handler may print
        result = answer(Path(sys.argv[1]), sys.stdin.read())
    print(json.dumps(result))  # noqa: T201 - to the process that asked
