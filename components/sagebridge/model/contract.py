"""Asks an unpacked archive for a prediction, as the container of an endpoint does, and in a process of its own.

That process runs this module: it reads a request from standard input and prints an `Answer` as JSON.
"""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

MODEL, HANDLER = "model.joblib", "inference.py"
SAMPLE = '{"Input": [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]}'
"""The article's sample row."""
JSON = "application/json"
SECONDS = 60


class Answer(NamedTuple):
    """The outcome of a request."""

    body: str | None
    """The response's body, if there is one."""
    problem: str | None = None
    """A line that says why there is no body."""


def ask(folder: Path, request: str, image: str | None) -> Answer:
    """Sends a request to the handler in a folder, and waits up to 60 s. Runs the archive's own code.

    Args:
        folder: The unpacked archive, with the handler at its root.
        request: The request's body, JSON.
        image: The URI of the image whose contract holds; without one, it is that of AWS's scikit-learn image.
    """
    from sagebridge.containers.code import Definition, prepare  # noqa: PLC0415 - only here is it needed
    from sagebridge.containers.errors import NotServedError  # noqa: PLC0415 - the same
    from sagebridge.containers.launch import MODEL_DIR  # noqa: PLC0415 - the same

    folder = folder.resolve()
    variables = {"SAGEMAKER_PROGRAM": HANDLER, "SAGEMAKER_SUBMIT_DIRECTORY": MODEL_DIR}
    definition = Definition(image or "", variables)
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        try:
            launch = prepare(definition, folder, home / "container", lambda _: None, notes.append)
            done = subprocess.run(
                [sys.executable, "-P", "-m", "sagebridge.model.contract", json.dumps(launch)],
                env=definition.process_environment(folder, home),
                input=request,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except NotServedError as error:
            return Answer(None, str(error))
        except subprocess.TimeoutExpired:
            return Answer(None, f"{HANDLER} did not answer within {SECONDS} s")
    if done.returncode:
        return Answer(None, f"{HANDLER} ended its process with code {done.returncode}: {done.stderr[-500:].strip()}")
    return Answer(*json.loads(done.stdout))


def answer(launch_json: str, request: str) -> Answer:
    """Loads the handler and the model into this process, and sends them a request."""
    from sagebridge.containers.launch import Launch  # noqa: PLC0415 - only this process needs it
    from sagebridge.containers.mounts import show  # noqa: PLC0415 - the same

    launch = show(Launch(*json.loads(launch_json)))
    os.environ["SM_MODEL_DIR"] = launch.model_dir
    os.chdir(launch.working_dir)
    launch.use_packages()
    try:
        from sagebridge.containers.application import build  # noqa: PLC0415 - after the packages that it may use

        app = build(launch)
        app.config["PROPAGATE_EXCEPTIONS"] = True
        response = app.test_client().post("/invocations", data=request, content_type=JSON)
    except Exception as error:  # noqa: BLE001 - the archive's code can raise anything
        cause = error.__cause__ or error
        return Answer(None, f"{HANDLER} raised {type(cause).__name__}: {cause}")
    text = response.get_data(as_text=True)
    if response.status_code == http.client.OK:
        return Answer(text.strip())
    return Answer(None, f"the sample row is refused: {text}")


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # a handler may print
        result = answer(sys.argv[1], sys.stdin.read())
    print(json.dumps(result))  # noqa: T201 - to the process that asked
