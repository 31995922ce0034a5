import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sagebridge._aws import shapes
from sagebridge.cli import main
from sagebridge.model.answer import write_answer
from sagebridge.model.failure import last_line
from sagebridge.model.log import last_raised

from .conftest import serving


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["invoke", *arguments], input=stdin)


def endpoint(
    status: int, answer: dict[str, Any] | bytes, error: str = "", describe_error: str = ""
) -> type[BaseHTTPRequestHandler]:
    """Answer like SageMaker and its runtime; what was asked is in the class's `asked` and `headers_asked`."""
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    class Handler(BaseHTTPRequestHandler):
        asked: tuple[str, str | None, bytes]
        headers_asked: Mapping[str, str]

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if "X-Amz-Target" in self.headers:
                is_log = self.headers["X-Amz-Target"].startswith("Logs_")
                code = "ResourceNotFoundException" if is_log else describe_error
                refusal = {"__type": code, "message": "not allowed"} if code else {}
                self._answer(400 if code else 200, "", json.dumps(refusal).encode())
                return
            type(self).asked = (self.path, self.headers["Content-Type"], body)
            type(self).headers_asked = dict(self.headers)
            self._answer(status, error, content)

        def _answer(self, code: int, kind: str, data: bytes) -> None:
            self.send_response(code)
            if kind:
                self.send_header("x-amzn-errortype", kind)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextlib.contextmanager
def asking(aws: pytest.MonkeyPatch, handler: type[BaseHTTPRequestHandler]) -> Iterator[Any]:
    """Let AWS be a handler, which is given back with what it was asked."""
    with serving(handler) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        yield handler


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


BOSTON = ("--endpoint", "boston")
NPY = b"\x93NUMPY\x01\x00"
FLASK_PAGE = (
    "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"
    "<p>The server encountered an internal error and was unable to complete your request. Either the server is "
    "overloaded or there is an error in the application.</p>\n"
)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("rows.csv", "text/csv"),
        ("rows.json", "application/json"),
        ("rows.jsonl", "application/jsonlines"),
        ("rows.npy", "application/x-npy"),
        ("dog.PNG", "image/png"),
        ("rows.csv.gz", "application/octet-stream"),
        ("rows", "application/octet-stream"),
    ],
)
def test_a_file_is_sent_as_it_is_with_the_type_of_its_name(
    aws: pytest.MonkeyPatch, tmp_path: Path, name: str, content_type: str
) -> None:
    content = bytes(range(256)) + b"\r\n"
    (tmp_path / name).write_bytes(content)
    with asking(aws, endpoint(200, {})) as asked:
        assert run(*BOSTON, "--input", f"@{tmp_path / name}").exit_code == 0
    assert asked.asked[1:] == (content_type, content)


@pytest.mark.parametrize("dash", ["-", "@-"])
def test_standard_input_is_sent_as_it_is(aws: pytest.MonkeyPatch, dash: str) -> None:
    with asking(aws, endpoint(200, {})) as asked:
        result = run(*BOSTON, "--input", dash, "--content-type", "application/x-npy", stdin=NPY)
    assert (result.exit_code, asked.asked[1:]) == (0, ("application/x-npy", NPY))


def test_the_options_reach_the_endpoint(aws: pytest.MonkeyPatch) -> None:
    options = ["--accept=text/csv", "--target-model=a/b.tar.gz", "--target-variant=blue", "--target-container=second"]
    with asking(aws, endpoint(200, {})) as asked:
        assert run(*BOSTON, *options).exit_code == 0
    sent = {name.lower().removeprefix("x-amzn-sagemaker-"): value for name, value in asked.headers_asked.items()}
    assert sent["accept"] == "text/csv"
    assert sent["target-model"] == "a/b.tar.gz"
    assert sent["target-variant"] == "blue"
    assert sent["target-container-hostname"] == "second"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "@none.json"), "the input none.json cannot be read: No such file or directory"),
        (("--input", "@."), "the input . cannot be read: Is a directory"),
        (("--input", "@a\0b"), "cannot be read: embedded null byte"),
        (("--accept", "text/csv\nX: y"), "--accept must have 1 to 1024 printable characters of ASCII, not"),
        (("--content-type", "tëxt"), "--content-type must have 1 to 1024 printable characters of ASCII, not 'tëxt'"),
        (("--content-type", ""), "--content-type must have 1 to 1024 printable"),
        (("--target-variant", "v" * 64), "--target-variant must have 1 to 63 printable"),
        (
            ("--stream", "--target-model", "a"),
            "--target-model does not go with this request: InvokeEndpointWithResponse",
        ),
        (("--out", "none/answer"), "none/answer cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_asked_gives_one_line(
    aws: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    aws.chdir(tmp_path)
    with asking(aws, endpoint(200, {})) as asked:
        result = run(*BOSTON, *arguments)
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert message in result.output
    assert not hasattr(asked, "asked")


@pytest.mark.parametrize("arguments", [(), ("--stream",)])
def test_an_input_that_is_too_large_is_not_sent(
    aws: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    most = shapes("sagemaker-runtime")["BodyBlob"]["max"]
    with (tmp_path / "rows.csv").open("wb") as file:
        file.truncate(most + 1)
    with asking(aws, endpoint(200, {})) as asked:
        result = run(*BOSTON, "--input", f"@{tmp_path / 'rows.csv'}", *arguments)
    assert result.exit_code == 1
    assert f"the input has more than {most} bytes" in result.output
    assert not hasattr(asked, "asked")


@pytest.mark.parametrize("answer", [NPY, b"", b"a,b", b"a,b\n", "ü".encode("latin-1")])
def test_a_file_gets_the_bytes_of_the_answer(aws: pytest.MonkeyPatch, tmp_path: Path, answer: bytes) -> None:
    with asking(aws, endpoint(200, answer)):
        result = run(*BOSTON, "--out", str(tmp_path / "answer"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "answer").read_bytes() == answer


def test_a_device_is_written_and_not_replaced(aws: pytest.MonkeyPatch) -> None:
    with asking(aws, endpoint(200, NPY)):
        assert run(*BOSTON, "--out", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_a_failure_leaves_the_file_as_it_was(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "answer"
    out.write_text("before")
    with asking(aws, endpoint(424, {"OriginalStatusCode": 500, "OriginalMessage": "no"}, "ModelError")):
        assert run(*BOSTON, "--out", str(out)).exit_code == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith("answer")] == ["answer"]
    assert out.read_text() == "before"


@pytest.mark.parametrize(("answer", "printed"), [(NPY, NPY), (b"1,2", b"1,2\n"), (b"1,2\n", b"1,2\n"), (b"", b"")])
def test_a_pipe_gets_binary_answers_as_they_are_and_whole_lines_of_text(
    aws: pytest.MonkeyPatch, answer: bytes, printed: bytes
) -> None:
    with asking(aws, endpoint(200, answer)):
        assert run(*BOSTON).stdout_bytes == printed


@pytest.mark.process
@pytest.mark.parametrize(
    ("answer", "status", "printed"),
    [
        ("grün".encode(), 0, "grün\r\n"),
        (NPY, 1, ""),
        (b"\x1b[2J", 1, ""),
        (b"PK\x03\x04", 1, ""),
    ],
)
def test_a_terminal_gets_text_alone(aws: pytest.MonkeyPatch, answer: bytes, status: int, printed: str) -> None:
    controller, terminal = pty.openpty()
    with asking(aws, endpoint(200, answer)):
        command = [sys.executable, "-c", "from sagebridge.cli import main; main()", "invoke", *BOSTON]
        done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.write(terminal, b"end")
    shown = ""
    while not shown.endswith("end"):
        shown += os.read(controller, 1000).decode()
    os.close(terminal)
    os.close(controller)
    assert (done.returncode, shown) == (status, printed + "end"), done.stderr
    assert ("name a file with --out FILE, or pipe the answer" in done.stderr) == bool(status)


def test_who_may_not_describe_the_endpoint_may_invoke_it(aws: pytest.MonkeyPatch) -> None:
    with asking(aws, endpoint(200, {}, describe_error="AccessDeniedException")):
        assert run(*BOSTON).stdout == "{}\n"


def test_a_page_is_not_shown_but_where_the_log_is(aws: pytest.MonkeyPatch) -> None:
    answer = {"OriginalStatusCode": 500, "OriginalMessage": FLASK_PAGE}
    with asking(aws, endpoint(424, answer, "ModelError")):
        result = run(*BOSTON)
    assert result.exit_code == 1
    assert "the model behind boston answered 500: it did not say why" in result.output
    assert "the CloudWatch log group /aws/sagemaker/Endpoints/boston" in result.output
    assert "<" not in result.output
    assert result.output.count("\n") == 1


def test_a_model_that_gave_no_answer_has_no_status(aws: pytest.MonkeyPatch) -> None:
    answer = {"OriginalStatusCode": 0, "OriginalMessage": "Your invocation timed out."}
    with asking(aws, endpoint(424, answer, "ModelError")):
        assert "the model behind boston gave no answer: Your invocation timed out. (its log is" in run(*BOSTON).output


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (FLASK_PAGE, None),
        ("", None),
        ("\n \n", None),
        (
            "<!doctype html>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>row 1 is <b>short</b></p>\n",
            "row 1 is short",
        ),
        (
            "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
            "502 Bad Gateway",
        ),
        ("Traceback (most recent call last):\n  File ...\nValueError: no such row\n", "ValueError: no such row"),
        ('{"code": 500, "message": "Traceback\\n  File\\nValueError: no such row\\n"}', "ValueError: no such row"),
        ('{\n  "code": 400,\n  "message": "bad row : 400"\n}\n', "bad row : 400"),
        ('{"error":\n "row 1"}', '{"error": "row 1"}'),
        ('{"message": ""}', '{"message": ""}'),
        ("a < b", "a < b"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_the_last_line_of_a_failure_is_what_its_user_needs(body: str, line: str | None) -> None:
    assert last_line(body) == line


@pytest.mark.parametrize("sent", [b"", b"5\r\nabc", b"5\r\nabcde\r\n", b"not a length\r\n"])
def test_a_stream_that_is_cut_gives_one_line(aws: pytest.MonkeyPatch, sent: bytes) -> None:
    class Cut(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            if "X-Amz-Target" in self.headers:
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(sent)
            self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    with asking(aws, Cut):
        result = run(*BOSTON, "--stream")
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert "the answer of boston broke off: " in result.output


@pytest.mark.parametrize(
    ("refusals", "arguments", "status", "message"),
    [
        (["NoSuchKey", "AccessDenied"], (), 0, "[28]"),
        (["AccessDenied"] * 99, ("--timeout", "0"), 1, "you need the right to read it (s3:GetObject)"),
        (["NoSuchBucket"], (), 1, "NoSuchBucket"),
    ],
)
def test_an_answer_that_may_not_be_looked_for_is_waited_for(
    aws: pytest.MonkeyPatch, refusals: list[str], arguments: tuple[str, ...], status: int, message: str
) -> None:
    """To a caller who may not list the bucket, S3 says that an absent object is denied."""

    class Asynchronous(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("X-Amzn-SageMaker-OutputLocation", "s3://answers/boston/1.out")
            self.end_headers()
            self.wfile.write(b'{"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://answers/boston"}}}')

        def do_GET(self) -> None:
            assert self.path == "/answers/boston/1.out"
            code = refusals.pop(0) if refusals else ""
            self.send_response(403 if code else 200)
            self.end_headers()
            self.wfile.write(f"<Error><Code>{code}</Code></Error>".encode() if code else b"[28]")

        def log_message(self, *_: object) -> None: ...

    aws.setattr("sagebridge.model.asynchronous._PAUSE", 0.01)
    with asking(aws, Asynchronous):  # an older botocore would upload an input that is not in S3 already
        result = run(*BOSTON, "--input", "s3://answers/input.json", *arguments)
    assert (result.exit_code, result.output.count("\n")) == (status, 1), result.output
    assert message in result.output


def test_a_letter_may_come_in_two_parts(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    letter = "ü".encode()
    write_answer(iter([letter[:1], letter[1:]]), None)
    assert capfdbinary.readouterr().out == letter + b"\n"


PREFIX = "2026-11-26T12:00:00,123 [INFO ] W-9000-model_1-stdout WorkerLifeCycle - "
CHAIN = [
    "ValueError: row 1 is short",
    "",
    "The above exception was the direct cause of the following exception:",
    "",
    "Traceback (most recent call last):",
    '  File "/miniconda3/lib/_transformer.py", line 200, in transform',
    "ClientError: row 1 is short",
    '169.254.178.2 - - [26/Nov/2026] "POST /invocations HTTP/1.1" 500 290 "-" "AHC/2.0"',
]
RAISED = ["[ERROR in app] Exception on /invocations [POST]", "Traceback (most recent call last):", "  File x", *CHAIN]


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        ([], None),
        (["[INFO] Booting worker", "Error handling is on"], None),
        (RAISED, "ClientError: row 1 is short"),
        (["\n".join(RAISED)], "ClientError: row 1 is short"),
        ([PREFIX + line for line in RAISED[1:4]], "ValueError: row 1 is short"),
        ([*RAISED, "Traceback (most recent call last):", "  File x", "KeyError: 'Input'"], "KeyError: 'Input'"),
    ],
)
def test_the_log_says_what_was_raised_last(messages: list[str], line: str | None) -> None:
    assert last_raised(messages) == line
