"""`sagebridge invoke --chat`: what it sends, and what it says of each kind of answer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from botocore.credentials import Credentials
from click.testing import CliRunner, Result

from sagebridge.bearer_token import is_signed_with, read
from sagebridge.cli import main

from .conftest import serving


class Asked:
    """What was asked last."""

    path = ""
    headers: Mapping[str, str]
    content: dict[str, Any]


def answering(status: int, body: bytes, asked: Asked) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "X-Amz-Target" not in self.headers:  # else it is the log that is asked
                asked.path, asked.headers, asked.content = self.path, dict(self.headers), content
            self.send_response(404 if "X-Amz-Target" in self.headers else status)
            self.end_headers()
            self.wfile.write(b"{}" if "X-Amz-Target" in self.headers else body)

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextmanager
def answer(aws: pytest.MonkeyPatch, status: int, body: bytes) -> Iterator[Asked]:
    """Lets the OpenAI route answer in one way."""
    asked = Asked()
    with serving(answering(status, body, asked)) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        yield asked


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["invoke", "--endpoint", "chat", *arguments])


def completion(kind: str, *texts: str | None) -> list[bytes]:
    return [json.dumps({"choices": [{"index": 0, kind: {"content": text}}]}).encode() for text in texts]


def test_a_question_goes_to_the_openai_route_with_a_token(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_SESSION_TOKEN", "session")
    with answer(aws, 200, completion("message", "a way over wäter")[0]) as asked:
        result = run("--chat", "what is a bridge?")
    assert (result.exit_code, result.stdout) == (0, "a way over wäter\n")
    assert asked.path == "/endpoints/chat/openai/v1/chat/completions"
    assert asked.content == {
        "model": "",
        "messages": [{"role": "user", "content": "what is a bridge?"}],
        "stream": False,
    }
    token = read(asked.headers["Authorization"].removeprefix("Bearer "), datetime.now(UTC))
    assert token.region == "us-east-1"
    assert is_signed_with(token, Credentials("testing", "testing", "session"))
    assert (token.expires - datetime.now(UTC)).total_seconds() <= 300


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b"data: " + piece + b"\n\n" for piece in completion("delta", None, "a way", " over", None))
        + b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\ndata: [DONE]\n\n',
        b"data:" + b"\r\n\r\ndata:".join(completion("delta", "a way", " over")) + b"\r\n\r\n: a comment\r\n",
        b"\n".join(completion("delta", "a way", " over")),  # LMI's lines of JSON
    ],
)
def test_a_stream_is_printed_as_text(aws: pytest.MonkeyPatch, body: bytes) -> None:
    with answer(aws, 200, body) as asked:
        result = run("--chat", "what is a bridge?", "--stream")
    assert (result.exit_code, result.stdout) == (0, "a way over\n")
    assert asked.content["stream"] is True


def test_an_answer_without_text_is_shown_as_it_is(aws: pytest.MonkeyPatch) -> None:
    message = {"content": None, "tool_calls": [{"function": {"name": "weather"}}]}
    with answer(aws, 200, json.dumps({"choices": [{"message": message}]}).encode()):
        assert json.loads(run("--chat", "hello").stdout) == message


@pytest.mark.parametrize("body", [b"", b"[]", b"a prediction", b'{"choices": [{}]}', b'{"Predictions": [28]}'])
def test_an_answer_of_another_api_is_said_in_one_line(aws: pytest.MonkeyPatch, body: bytes) -> None:
    with answer(aws, 200, body):
        result = run("--chat", "hello")
    assert result.exit_code == 1
    assert "does not answer as OpenAI's API does, but with: " + body.decode() in result.output
    assert result.output.count("\n") == 1


def test_an_error_within_a_stream_is_an_error(aws: pytest.MonkeyPatch) -> None:
    with answer(aws, 200, b'data: {"error": {"message": "out of memory"}}\n\n'):
        result = run("--chat", "hello", "--stream")
    assert result.exit_code == 1
    assert "out of memory" in result.output


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_says_which_rights_it_needs(aws: pytest.MonkeyPatch, status: int) -> None:
    with answer(aws, status, b'{"message": "Not authorized."}'):
        result = run("--chat", "hello")
    assert result.exit_code == 1
    assert "Not authorized." in result.output
    assert "sagemaker:CallWithBearerToken" in result.output


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (424, b'{"OriginalStatusCode": 404, "OriginalMessage": "no such model"}', "answered 404: no such model"),
        (424, b'{"OriginalStatusCode": 0, "OriginalMessage": ""}', "gave no answer: it did not say why; the reason"),
        (400, b'{"message": "Endpoint chat of account 1 not found."}', "answered 400: Endpoint chat of account 1 not "),
        (404, b'{"object": "error", "message": "The model does not exist"}', "answered 404: The model does not exist"),
        (502, b"<html><p>Bad gateway</p></html>", "answered 502: Bad gateway"),
    ],
)
def test_a_refusal_says_what_is_wrong(aws: pytest.MonkeyPatch, status: int, body: bytes, words: str) -> None:
    with answer(aws, status, body):
        result = run("--chat", "hello")
    assert result.exit_code == 1
    assert words in result.output
    assert result.output.count("\n") == 1


def test_no_credentials_give_one_line(aws: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws.delenv(name)
    result = run("--chat", "hello")
    assert result.exit_code == 1
    assert "cannot chat with the endpoint chat: Unable to locate credentials" in result.output


def test_no_aws_gives_one_line(aws: pytest.MonkeyPatch, nobody: str) -> None:
    aws.setenv("AWS_ENDPOINT_URL", nobody)
    result = run("--chat", "hello")
    assert result.exit_code == 1
    assert "cannot chat with the endpoint chat: " in result.output


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--input", "1"),
        ("--content-type", "text/csv"),
        ("--accept", "application/json"),
        ("--target-model", "a.tar.gz"),
        ("--target-variant", "Candidate"),
        ("--target-container", "first"),
        ("--timeout", "5"),
    ],
)
def test_options_of_an_invocation_do_not_go_with_a_chat(option: str, value: str) -> None:
    result = run("--chat", "hello", option, value)
    assert result.exit_code == 2
    assert f"--chat does not go with {option}" in result.output
