import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sagebridge.cli import main

from .conftest import serving


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["invoke", *arguments])


def endpoint(status: int, answer: dict[str, Any], error: str = "") -> type[BaseHTTPRequestHandler]:
    """Answer like SageMaker Runtime; what was asked is in the class's `asked`."""

    class Handler(BaseHTTPRequestHandler):
        asked: tuple[str, str | None, bytes]

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            type(self).asked = (self.path, self.headers["Content-Type"], body)
            self.send_response(status)
            if error:
                self.send_header("x-amzn-errortype", error)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None: ...

    return Handler


@pytest.mark.usefixtures("project")
def test_the_stacks_endpoint_is_asked_with_the_sample_row(
    aws: pytest.MonkeyPatch, command: Callable[[str, str], Path]
) -> None:
    log = command("pulumi", "echo boston")
    handler = endpoint(200, {"Output": 28})
    with serving(handler) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        result = run()

    assert (result.exit_code, result.stdout, result.stderr) == (0, '{"Output": 28}\n', "project shop, stack dev\n")
    assert log.read_text() == "stack output endpointName --stack dev --non-interactive --color never\n"
    path, content_type, body = handler.asked  # type: ignore[attr-defined]
    assert (path, content_type) == ("/endpoints/boston/invocations", "application/json")
    assert json.loads(body)["Input"][0][:3] == [0.09178, 0, 4.05]


def test_a_models_error_shows_its_status_and_message(aws: pytest.MonkeyPatch) -> None:
    answer = {
        "Message": "Received client error (400) from primary …",
        "OriginalStatusCode": 400,
        "OriginalMessage": '{"error": "row 1 has 2 numbers; expected 13 in every row"}',
        "LogStreamArn": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/boston",
    }
    handler = endpoint(424, answer, "ModelError")
    with serving(handler) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        result = run("--endpoint", "boston", "--input", '{"Input": [[1, 2]]}')

    assert result.exit_code == 1
    assert "answered 400: " + answer["OriginalMessage"] in result.output  # type: ignore[operator]
    assert result.output.count("\n") == 1
    assert handler.asked[2] == b'{"Input": [[1, 2]]}'  # type: ignore[attr-defined]


def test_an_endpoint_that_is_not_there_gives_one_line(aws: pytest.MonkeyPatch) -> None:
    answer = {"Message": "Endpoint boston of account 123456789012 not found."}
    with serving(endpoint(400, answer, "ValidationError")) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        result = run("--endpoint", "boston")

    assert result.exit_code == 1
    assert answer["Message"] in result.output
    assert result.output.count("\n") == 1


def test_no_aws_gives_one_line_soon(aws: pytest.MonkeyPatch, nobody: str) -> None:
    aws.setenv("AWS_ENDPOINT_URL", nobody)
    start = monotonic()

    result = run("--endpoint", "boston")

    assert result.exit_code == 1
    assert "cannot invoke the endpoint boston: Could not connect" in result.output
    assert "sagebridge local start" in result.output
    assert result.output.count("\n") == 1
    assert monotonic() - start < 15


def test_no_stack_gives_pulumis_own_line(command: Callable[[str, str], Path]) -> None:
    command("pulumi", "echo 'error: no stack named dev' >&2; exit 255")

    result = run()

    assert result.exit_code == 1
    assert "error: no stack named dev" in result.output
