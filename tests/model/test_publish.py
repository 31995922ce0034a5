import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from sagebridge.cli import main
from sagebridge.errors import UserError
from sagebridge.model import publish as publishing
from sagebridge.model.archive import package, read_versions
from sagebridge.model.publish import key_of, publish

from .conftest import CHECKOUT, HANDLER, config_json, memory_of, serving
from .test_check import FITTING, IMAGE


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """Make one session for all tests: each new one reads botocore's models again, a fifth of a second."""
    return boto3.Session("testing", "testing", region_name="us-east-1")


@pytest.fixture
def s3(aws: pytest.MonkeyPatch, session: boto3.Session) -> Iterator[S3Client]:
    with mock_aws():
        aws.setattr(boto3, "DEFAULT_SESSION", session)
        client = boto3.client("s3")
        client.create_bucket(Bucket="models-bucket")
        client.put_bucket_versioning(Bucket="models-bucket", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture(params=["one request", "several parts"])
def any_size(request: pytest.FixtureRequest, archive: Path, tmp_path: Path) -> Path:
    """An archive below and one above the size from which boto3 uploads in parts (8 MiB)."""
    if request.param == "one request":
        return archive
    return larger(archive, tmp_path / "large.tar.gz", 9_000_000)


def larger(archive: Path, out: Path, size: int) -> Path:
    out.write_bytes(archive.read_bytes())
    os.truncate(out, size)
    return out


def key(archive: Path, name: str = "boston") -> str:
    return f"models/{name}/{hashlib.sha256(archive.read_bytes()).hexdigest()}/model.tar.gz"


def versions_in(s3: S3Client) -> list[tuple[str, str]]:
    found = s3.list_object_versions(Bucket="models-bucket").get("Versions", [])
    return [(version["Key"], version["VersionId"]) for version in found]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["publish", *map(str, arguments)])


def test_the_archive_lies_under_its_hash_with_its_versions(s3: S3Client, any_size: Path) -> None:
    published = publish(any_size, "models-bucket", "models", "boston")

    assert published == (f"s3://models-bucket/{key(any_size)}", True)
    found = s3.get_object(Bucket="models-bucket", Key=key(any_size))
    versions = read_versions(any_size)
    assert found["Metadata"] == {"scikit-learn": versions["scikit-learn"], "python": versions["python"]}
    assert found["Body"].read() == any_size.read_bytes()


def test_an_archive_of_a_model_of_another_kind_is_published_without_versions(s3: S3Client, tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    package(None, HANDLER, archive)

    assert publish(archive, "models-bucket", "models", "boston").uploaded

    assert s3.head_object(Bucket="models-bucket", Key=key(archive))["Metadata"] == {}


def test_the_upload_carries_a_sha256_for_s3_to_check(s3: S3Client, archive: Path) -> None:
    publish(archive, "models-bucket", "models", "boston")

    head = s3.head_object(Bucket="models-bucket", Key=key(archive), ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"]


def test_what_is_there_is_not_uploaded_again(s3: S3Client, any_size: Path) -> None:
    first = publish(any_size, "models-bucket", "models", "boston")
    before = versions_in(s3)

    second = publish(any_size, "models-bucket", "models", "boston")

    assert second == (first.uri, False)
    assert versions_in(s3) == before


@pytest.mark.parametrize("same_size", [True, False])
def test_an_object_that_appears_meanwhile_is_not_overwritten(
    s3: S3Client, any_size: Path, monkeypatch: pytest.MonkeyPatch, *, same_size: bool
) -> None:
    other = bytes(any_size.stat().st_size - (not same_size))
    make_client = publishing._client  # noqa: SLF001 - the race is between two of its requests

    def racing_client() -> S3Client:
        client = make_client()

        def put_first(**_: object) -> None:
            if not versions_in(s3):
                s3.put_object(Bucket="models-bucket", Key=key(any_size), Body=other)

        client.meta.events.register("after-call.s3.HeadObject", put_first)
        return client

    monkeypatch.setattr(publishing, "_client", racing_client)

    if same_size:
        assert not publish(any_size, "models-bucket", "models", "boston").uploaded
    else:
        with pytest.raises(UserError, match="not written by `publish`"):
            publish(any_size, "models-bucket", "models", "boston")

    assert len(versions_in(s3)) == 1
    assert s3.get_object(Bucket="models-bucket", Key=key(any_size))["Body"].read() == other
    assert not s3.list_multipart_uploads(Bucket="models-bucket").get("Uploads")


def test_an_archive_replaced_meanwhile_does_not_get_the_other_ones_name(
    s3: S3Client, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = larger(archive, tmp_path / "model.tar.gz", 9_000_000)
    content, wanted = path.read_bytes(), key(path)
    hash_it = publishing._sha256  # noqa: SLF001 - the moment between its end and the upload

    def replaced_after(*arguments: Any) -> str:
        result = hash_it(*arguments)
        larger(archive, tmp_path / "new", 9_500_000).replace(path)
        return result

    monkeypatch.setattr(publishing, "_sha256", replaced_after)
    publish(path, "models-bucket", "models", "boston")

    assert s3.get_object(Bucket="models-bucket", Key=wanted)["Body"].read() == content


@pytest.mark.parametrize("prefix", ["models", "models/", "/models"])
def test_a_prefix_may_have_slashes(prefix: str) -> None:
    assert key_of(prefix, "boston", "0" * 64) == f"models/boston/{'0' * 64}/model.tar.gz"


@pytest.mark.usefixtures("s3")
def test_the_uri_stands_alone_on_standard_output(archive: Path) -> None:
    arguments = ("--archive", archive, "--name", "boston", "--bucket", "models-bucket", "--prefix", "team")

    first = run(*arguments)
    again = run(*arguments)

    assert first.exit_code == 0, first.output
    assert first.stdout == f"s3://models-bucket/{key(archive).replace('models/', 'team/', 1)}\n"
    assert first.stderr == f"uploaded {archive}\n"
    assert (again.stdout, again.stderr) == (first.stdout, f"{archive} is there already\n")


@pytest.mark.usefixtures("s3", "project")
def test_the_model_has_the_projects_name_unless_it_gets_another(archive: Path) -> None:
    result = run("--archive", archive, "--bucket", "models-bucket")

    assert result.stdout == f"s3://models-bucket/{key(archive).replace('boston', 'shop')}\n"


def test_without_a_project_the_model_must_be_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("--archive", archive, "--bucket", "models-bucket")

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.stderr.endswith("; or name the model with --name\n")


@pytest.mark.parametrize("arguments", [(), ("--stack", "dev", "--prefix", "team")])
def test_a_bucket_must_come_from_somewhere(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "--bucket" in result.stderr


@pytest.mark.usefixtures("s3")
def test_a_machine_reads_json(archive: Path) -> None:
    result = run("--archive", archive, "--bucket", "models-bucket", "--name", "boston", "--json")

    assert json.loads(result.stdout) == {"uri": f"s3://models-bucket/{key(archive)}", "uploaded": True}


@pytest.mark.usefixtures("s3", "project")
@pytest.mark.parametrize("config", [{"containerImage": FITTING}, {}], ids=["image", "no image"])
def test_a_stack_gets_the_uri_when_its_image_fits(
    archive: Path, command: Callable[[str, str], Path], config: dict[str, str]
) -> None:
    log = command("pulumi", f"echo '{config_json(**config)}'")

    result = run("--archive", archive, "--bucket", "models-bucket", "--stack", "dev")

    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("project shop, stack dev\n")
    assert result.stderr.endswith("set modelData of the stack dev\n")
    assert [line.partition(" --non-interactive")[0] for line in log.read_text().splitlines()] == [
        "config --json --stack dev",
        f"config set modelData {result.stdout.strip()} --plaintext --stack dev",
    ]


@pytest.mark.usefixtures("s3", "project")
def test_a_stack_that_names_the_archive_already_is_left_alone(
    archive: Path, command: Callable[[str, str], Path]
) -> None:
    uri = f"s3://models-bucket/{key(archive, 'shop')}"
    log = command("pulumi", f"echo '{config_json(modelData=uri)}'")

    result = run("--archive", archive, "--bucket", "models-bucket", "--stack", "dev")

    assert result.exit_code == 0, result.output
    assert result.stderr.endswith("the modelData of the stack dev names it already\n")
    assert log.read_text() == "config --json --stack dev --non-interactive --color never\n"


@pytest.mark.usefixtures("project")
def test_a_stack_whose_image_does_not_fit_is_left_alone(
    s3: S3Client, archive: Path, command: Callable[[str, str], Path]
) -> None:
    log = command("pulumi", f"echo '{config_json(containerImage=IMAGE + '0.23-1-cpu-py3')}'")

    result = run("--archive", archive, "--bucket", "models-bucket", "--stack", "dev")

    assert result.exit_code == 1
    assert "0.23" in result.output
    assert read_versions(archive)["scikit-learn"] in result.output
    assert log.read_text() == "config --json --stack dev --non-interactive --color never\n"
    assert versions_in(s3) == []


@pytest.mark.usefixtures("project")
def test_pulumi_missing_or_failing_stops_before_the_upload(
    s3: S3Client, archive: Path, command: Callable[[str, str], Path]
) -> None:
    missing = run("--archive", archive, "--bucket", "models-bucket", "--stack", "dev")
    command("pulumi", "echo 'error: no stack named dev' >&2; exit 255")
    failing = run("--archive", archive, "--bucket", "models-bucket", "--stack", "dev")

    assert "pulumi is not on the PATH" in missing.output
    assert "no stack named dev; `pulumi stack ls` lists" in failing.output
    assert missing.exit_code == failing.exit_code == 1
    assert versions_in(s3) == []


def test_a_folder_without_a_project_stops_before_the_upload(
    s3: S3Client, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run("--archive", archive, "--bucket", "models-bucket", "--stack", "dev")

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert f"there is no Pulumi.yaml in {tmp_path}" in result.output
    assert versions_in(s3) == []


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_missing_gives_one_line(any_size: Path) -> None:
    result = run("--archive", any_size, "--bucket", "no-such-bucket")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no-such-bucket: " in result.stderr
    assert "NoSuchBucket" in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_credentials_gives_one_line(aws: pytest.MonkeyPatch, archive: Path) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")

    result = run("--archive", archive, "--bucket", "models-bucket")

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "credentials" in result.output


def test_an_aws_that_is_down_gives_one_line_soon(aws: pytest.MonkeyPatch, archive: Path, nobody: str) -> None:
    aws.setenv("AWS_ENDPOINT_URL", nobody)
    start = monotonic()

    result = run("--archive", archive, "--bucket", "models-bucket")

    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "Could not connect" in result.output
    assert "sagebridge local start" in result.output
    assert monotonic() - start < 15


@pytest.mark.usefixtures("s3")
def test_a_terminal_sees_a_progress_bar(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = larger(archive, tmp_path / "model.tar.gz", 9_000_000)
    screen, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        publish(path, "models-bucket", "models", "boston")
        stderr.flush()
        shown = os.read(screen, 100_000).decode()
    os.close(screen)

    assert "uploading model.tar.gz" in shown
    assert "9.0/9.0 MB" in shown


class Swallowing(BaseHTTPRequestHandler):
    """S3 as far as an upload in parts goes, keeping nothing."""

    protocol_version = "HTTP/1.1"
    received: ClassVar[list[int]] = []
    """The bytes of each part. Parts come in several threads, which must not add to one number."""
    buffer = bytearray(2**20)

    def do_HEAD(self) -> None:
        self.answer(404)

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= self.rfile.readinto(memoryview(self.buffer)[:left])
        self.received.append(int(self.headers["Content-Length"]))
        self.answer(200, ETag='"1"')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        part = "Initiate" if self.path.endswith("uploads") else "Complete"
        result = f"{part}MultipartUploadResult"
        self.answer(200, f"<{result}><UploadId>1</UploadId><ETag>1</ETag></{result}>".encode())

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


MEASURE = """
from pathlib import Path
from sagebridge.model.publish import publish
"""


@pytest.mark.process
def test_publishing_a_large_archive_takes_little_memory(aws: pytest.MonkeyPatch, archive: Path, tmp_path: Path) -> None:
    larger(archive, tmp_path / "model.tar.gz", 240_000_000)
    with serving(Swallowing) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        aws.setenv("PYTHONPATH", str(CHECKOUT))
        done = subprocess.run(
            [sys.executable, "-c", memory_of(MEASURE, 'publish(Path("model.tar.gz"), "b", "models", "m")')],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    assert sum(Swallowing.received) == 240_000_000
    assert int(done.stdout) < 200  # MiB: ten parts of 8 MiB, and what sending them takes
