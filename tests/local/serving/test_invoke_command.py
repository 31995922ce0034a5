"""`sagebridge invoke` against a running server: each kind of endpoint, request and answer."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sagebridge._aws import shapes
from tests.local.account import COMMAND, HANDLER, INSTANCE, Account, echo, pack

pytestmark = pytest.mark.server

Invoke = Callable[..., subprocess.CompletedProcess[bytes]]
ASYNC_BYTES: int = shapes("sagemaker-runtime").get("AsyncBodyBlob", {"max": 0})["max"]  # older models have none

# Answers with the request's bytes and its type; does what a request of one word says.
PUPPET = """
import os, time
from flask import Response

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    if body in ("raise", b"raise"):
        raise ValueError("row 1 is short")
    if body in ("refuse", b"refuse"):
        return Response("Traceback\\n  of a handler\\nrow 2 is short\\n", 400)
    if body in ("parts", b"parts"):
        def parts():
            for number in range(3):
                yield f"part {number}\\n"
                time.sleep(0.5)
        return Response(parts())
    if body in ("broken", b"broken"):
        def broken():
            yield "part 0"
            raise ValueError("no more")
        return Response(broken())
    content = body.encode() if isinstance(body, str) else body
    return Response(content, mimetype=accept, headers={"x-amzn-sagemaker-custom-attributes": content_type})
"""


@pytest.fixture
def environment(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """An environment that knows nothing of this checkout, and another current folder."""
    monkeypatch.chdir(tmp_path)
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
    }


@pytest.fixture
def invoke(environment: dict[str, str]) -> Invoke:
    """Runs the command."""

    def run(endpoint: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [COMMAND, "invoke", "--endpoint", endpoint, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=60, check=False)

    return run


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    return account.serve(account.model(account.upload(pack({"inference.py": PUPPET}))))


@pytest.fixture(scope="module")
def asynchronous(account: Account) -> str:
    output = {"S3OutputPath": "s3://models/out/", "S3FailurePath": "s3://models/failed"}
    model = account.model(account.upload(pack({"inference.py": PUPPET})))
    return account.serve(model, INSTANCE, AsyncInferenceConfig={"OutputConfig": output})


def test_bytes_go_through_unchanged(invoke: Invoke, endpoint: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    (tmp_path / "rows.npy").write_bytes(content)
    options = ["--accept", "application/x-npy"]
    assert invoke(endpoint, "--input", "@rows.npy", *options).stdout == content
    piped = invoke(endpoint, "--input", "-", "--content-type", "x/y", "--out", "answer", *options, stdin=content)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, b"", b"")
    assert (tmp_path / "answer").read_bytes() == content


def test_a_stream_is_printed_part_by_part(endpoint: str, environment: dict[str, str]) -> None:
    command = [COMMAND, "invoke", "--endpoint", endpoint, "--input", "parts", "--stream"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        lines = [(line, time.monotonic()) for line in process.stdout]
    assert [line for line, _ in lines] == [b"part 0\n", b"part 1\n", b"part 2\n"]
    assert lines[2][1] - lines[0][1] > 0.5  # else they were held back until the last one


def test_a_stream_that_breaks_off_gives_one_line(invoke: Invoke, endpoint: str) -> None:
    broken = invoke(endpoint, "--input", "broken", "--stream")
    assert broken.returncode == 1
    assert b"ModelStreamError" in broken.stderr
    assert broken.stderr.count(b"\n") == 1


@pytest.mark.parametrize("options", [(), ("--stream",)])
def test_an_error_is_the_handlers_own_last_line(invoke: Invoke, endpoint: str, options: tuple[str, ...]) -> None:
    refused = invoke(endpoint, "--input", "refuse", *options)
    assert refused.returncode == 1
    assert f"the model behind {endpoint} answered 400: row 2 is short (".encode() in refused.stderr
    assert refused.stderr.count(b"\n") == 1


@pytest.mark.parametrize("kind", ["endpoint", "asynchronous"])
def test_what_the_answer_does_not_say_is_read_from_the_log(
    invoke: Invoke, account: Account, kind: str, request: pytest.FixtureRequest
) -> None:
    name: str = request.getfixturevalue(kind)
    logged = invoke(name, "--input", "raise")
    assert b"ClientError: row 1 is short (its log is the CloudWatch log group" in logged.stderr
    assert (logged.returncode, logged.stderr.count(b"\n"), b"<" in logged.stderr) == (1, 1, False)
    assert "ValueError: row 1 is short" in account.log(name)


def test_a_model_of_several_is_chosen(invoke: Invoke, account: Account) -> None:
    for word in ("red", "blue"):
        account.s3.put_object(Bucket="models", Key=f"some/{word}.tar.gz", Body=echo(word))
    environment = {**HANDLER, "SAGEMAKER_SUBMIT_DIRECTORY": account.upload(echo("that of all"))}
    container = {"Mode": "MultiModel", "Environment": environment}
    endpoint = account.serve(account.model("s3://models/some/", container=container))
    assert json.loads(invoke(endpoint, "--target-model", "blue.tar.gz").stdout)["word"] == "blue"
    assert b"is missing a target model header." in invoke(endpoint).stderr


@pytest.mark.parametrize("size", [10, ASYNC_BYTES, ASYNC_BYTES + 1, 7_000_000])
def test_an_asynchronous_endpoint_is_waited_for(
    invoke: Invoke, asynchronous: str, account: Account, tmp_path: Path, size: int
) -> None:
    content = b"\xff" * size
    (tmp_path / "rows.npy").write_bytes(content)
    file = invoke(asynchronous, "--input", "@rows.npy")
    assert (file.returncode, file.stdout == content) == (0, True), file.stderr
    assert (b"uploaded the input to s3://models/out/inputs/" in file.stderr) == (size > ASYNC_BYTES)
    piped = invoke(asynchronous, "--input", "-", "--content-type", "application/x-npy", stdin=content)
    assert piped.stdout == content, piped.stderr
    account.s3.upload_file(str(tmp_path / "rows.npy"), "models", "in/rows.npy")
    assert invoke(asynchronous, "--input", "s3://models/in/rows.npy").stdout == content


def test_a_failure_of_an_asynchronous_endpoint_is_its_last_line(invoke: Invoke, asynchronous: str) -> None:
    failed = invoke(asynchronous, "--input", "refuse")
    assert failed.returncode == 1
    assert f"the model behind {asynchronous} failed: row 2 is short (".encode() in failed.stderr
    assert failed.stderr.count(b"\n") == 1
    absent = invoke(asynchronous, "--input", "s3://models/none")
    assert b"failed: Failed to download the input from s3://models/none." in absent.stderr


def test_an_asynchronous_endpoint_is_not_waited_for_without_end(invoke: Invoke, account: Account) -> None:
    model = account.model(account.upload(pack({"inference.py": PUPPET})))
    config = {"OutputConfig": {"S3OutputPath": "s3://models/out/"}}  # no path for a failure
    silent = account.serve(model, INSTANCE, AsyncInferenceConfig=config)
    late = invoke(silent, "--input", "raise", "--timeout", "0.1")
    assert late.returncode == 1
    assert b"did not answer within 0.1 s" in late.stderr
    assert late.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--stream",), "is asynchronous and answers no stream: leave out --stream"),
        (
            ("--target-model", "one"),
            "--target-model does not go with this request: InvokeEndpointAsync has no TargetModel",
        ),
    ],
)
def test_what_an_asynchronous_endpoint_does_not_take_is_refused(
    invoke: Invoke, asynchronous: str, options: tuple[str, ...], message: str
) -> None:
    refused = invoke(asynchronous, *options)
    assert (refused.returncode, refused.stderr.count(b"\n")) == (1, 1)
    assert message.encode() in refused.stderr
