"""Asks an unpacked archive for a prediction, as the container of an endpoint does, and in a process of its own.

That process runs this module: it reads a request's body from standard input and prints an `Answer` as JSON.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from sagebridge.containers.launch import Launch

MODEL, HANDLER = "model.joblib", "inference.py"
CODE = "code"
SAMPLE = '{"Input": [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]}'
"""The article's sample row."""
JSON = "application/json"
SECONDS = 60
MODULE = "sagebridge.model.contract"
"""The name of this module, by which it is run."""
_TORCH = {"torch", "torchvision", "torchaudio"}
_IN_IMAGE = {"PyTorch": _TORCH, "Hugging Face": {*_TORCH, "tensorflow", "transformers"}}
"""What the image of a contract has to import. Source: the Dockerfiles of aws/deep-learning-containers."""
_MISSING = re.compile(r"No module named '(\w+)")
_TRACEBACK = "Traceback (most recent call last)"


class Request(NamedTuple):
    """A request of an endpoint."""

    body: bytes
    content_type: str
    """The MIME type of the body."""
    accept: str | None = None
    """The MIME type that the answer should have; None for any."""


class Answer(NamedTuple):
    """The outcome of a request."""

    body: str | None
    """The response's body, if there is one."""
    problem: str | None = None
    """A line that says why there is no body."""
    request: str | None = None
    """The body of the request that was answered."""
    unjudged: str | None = None
    """A line that says why this machine cannot tell whether there would be a body."""


def ask(
    folder: Path, sample: Request | None, image: str | None, log: Callable[[str], object] = lambda _: None
) -> Answer:
    """Sends a request to the handler of an archive, and waits up to 60 s. Runs the archive's own code.

    Args:
        folder: The unpacked archive.
        sample: The request; without one, some are made for the model, of which one must be answered.
        image: The URI of the image whose contract holds; without one, it is that of AWS's scikit-learn image.
        log: Writes a line about how the handler's environment is made ready.
    """
    from sagebridge import processes  # noqa: PLC0415 - the image's Python, in which this module runs too, may be older
    from sagebridge.containers.code import Definition, prepare  # noqa: PLC0415 - only here is it needed
    from sagebridge.containers.errors import NotServedError  # noqa: PLC0415 - the same
    from sagebridge.containers.launch import MODEL_DIR  # noqa: PLC0415 - the same
    from sagebridge.containers.program import command  # noqa: PLC0415 - the same

    folder = folder.resolve()
    code_dir = f"{MODEL_DIR}/{CODE}" if (folder / CODE / HANDLER).is_file() else MODEL_DIR
    variables = {"SAGEMAKER_PROGRAM": HANDLER, "SAGEMAKER_SUBMIT_DIRECTORY": code_dir}
    definition = Definition(image or "", variables)
    header = None if sample is None else [sample.content_type, sample.accept]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        try:
            launch = prepare(definition, folder, home / "container", lambda _: None, log)
            done = processes.complete(
                command(launch.python or sys.executable, MODULE, json.dumps(launch), json.dumps(header)),
                env=definition.process_environment(folder, home),
                stdin=b"" if sample is None else sample.body,
                seconds=SECONDS,
            )
        except NotServedError as error:
            return Answer(None, str(error))
        except subprocess.TimeoutExpired:
            return Answer(None, f"{HANDLER} did not answer within {SECONDS} s")
    if done.returncode:
        error_output = done.stderr.decode(errors="replace")[-500:].strip()
        return Answer(None, f"{HANDLER} ended its process with code {done.returncode}: {error_output}")
    return Answer(*json.loads(done.stdout))


def answer(launch_json: str, sample: Request | None) -> Answer:
    """Loads the handler and the model into this process, and sends them a request, or those that are made for them."""
    from sagebridge.containers.launch import Launch  # noqa: PLC0415 - only this process needs it
    from sagebridge.containers.mounts import show  # noqa: PLC0415 - the same
    from sagebridge.model.samples import samples_for  # noqa: PLC0415 - the same

    launch = show(Launch(*json.loads(launch_json)))
    os.environ["SM_MODEL_DIR"] = launch.model_dir
    os.chdir(launch.working_dir)
    launch.use_packages()
    try:
        from sagebridge.containers.application import build  # noqa: PLC0415 - after the packages that it may use

        app = build(launch)
    except Exception as error:  # noqa: BLE001 - the archive's code can raise anything
        return _failed(launch, _raised(error))
    app.config["PROPAGATE_EXCEPTIONS"] = True
    requests = samples_for(app.extensions["model"]) if sample is None else [sample]
    answers = []
    for request in requests:
        answers.append(_send(app, launch, request))
        if answers[-1].problem is None:
            return answers[-1]
    if len(requests) == 1:
        return answers[0]
    return Answer(
        None,
        f"{HANDLER} answers none of the {len(requests)} samples that were made for its model; "
        f"to {requests[0].body.decode()} it says: {answers[0].problem}; name a request that it takes with --sample",
    )


def _send(app: Flask, launch: Launch, request: Request) -> Answer:
    headers = {"Accept": request.accept} if request.accept else {}
    try:
        response = app.test_client().post(
            "/invocations", data=request.body, content_type=request.content_type, headers=headers
        )
    except Exception as error:  # noqa: BLE001 - the archive's code can raise anything
        return _failed(launch, _raised(error))
    content = response.get_data()
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        text = f"{len(content)} bytes of {response.mimetype}"
    if response.status_code != http.client.OK:
        reason = text.splitlines()[-1] if _TRACEBACK in text else text
        return _failed(launch, f"the sample row is refused: {reason}")
    return Answer(text, request=request.body.decode(errors="replace"))


def _raised(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{HANDLER} raised {type(cause).__name__}: {cause}"


def _failed(launch: Launch, problem: str) -> Answer:
    """Returns an answer with a problem, or an unjudged one if this machine lacks a package that the image has."""
    missing = _MISSING.search(problem)
    if missing and (missing[1] in _IN_IMAGE.get(launch.contract, ()) or _is_in_image(launch, missing[1])):
        return Answer(None, unjudged=f"it needs {missing[1]}, which is in the image and not installed here")
    return Answer(None, problem)


def _is_in_image(launch: Launch, module: str) -> bool:
    from sagebridge.containers.image import image, package_of  # noqa: PLC0415 - only here is it needed

    facts = image(launch.image)
    return facts is not None and facts.version_of(package_of(module)) is not None


if __name__ == "__main__":
    header = json.loads(sys.argv[2])
    with contextlib.redirect_stdout(sys.stderr):  # a handler may print
        result = answer(sys.argv[1], header and Request(sys.stdin.buffer.read(), *header))
    print(json.dumps(result))  # noqa: T201 - to the process that asked
