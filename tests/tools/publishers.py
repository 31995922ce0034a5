"""A stand-in for the publishers of the engine's parts: a proxy on the loopback address that answers in their place.

Tools reach it as a company's proxy that inspects TLS, by `HTTPS_PROXY` and a certificate of its own, so that what they
ask for are the publishers' real addresses.
"""

import functools
import hashlib
import io
import ssl
import subprocess
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools import download

Reply = Callable[["_Handler"], None]

ARCHITECTURE = download.architecture()
PULUMI = f"pulumi-v3.246.0-linux-{ARCHITECTURE.replace('amd64', 'x64')}.tar.gz"
AWS = f"pulumi-resource-aws-v7.51.1-linux-{ARCHITECTURE}.tar.gz"
STATES = f"pulumi-resource-terraform-v6.1.0-linux-{ARCHITECTURE}.tar.gz"
TERRAFORM = f"terraform_1.13.3_linux_{ARCHITECTURE}.zip"
PROVIDER = f"terraform-provider-aws_6.72.0_linux_{ARCHITECTURE}.zip"
PROVIDER_COMMAND = "terraform-provider-aws_v6.72.0_x5"


@dataclass
class Publishers:
    """What the publishers have, and what they were asked."""

    proxy: str
    certificate: Path
    files: dict[str, Reply] = field(default_factory=dict)
    """How each URL is answered; any other one with 404."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """What was published, whatever the answer is by now."""
    asked: list[str] = field(default_factory=list)
    hosts: Callable[["_Handler"], None] = lambda _handler: None
    """What becomes of a connection to a publisher before any request."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a tool reaches this proxy, and trusts its certificate and no other."""
        certificate = str(self.certificate)
        return {
            **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), self.proxy),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), certificate),
            "SSL_CERT_DIR": "",
        }

    def publish(self) -> None:
        """Puts every part where its publisher has it, listed with its checksum in the publisher's form.

        Sources: get.pulumi.com's install script; `publish.yml` of pulumi/pulumi-aws, whose `shasum ./*.tar.gz` lists
        SHA-1; GoReleaser's defaults, which pulumi/pulumi-terraform uses; HashiCorp's releases.
        """
        tools = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-language-yaml")
        self.put("https://get.pulumi.com/releases/sdk", PULUMI, tarred(*(f"pulumi/{tool}" for tool in tools)))
        self.list("https://get.pulumi.com/releases/sdk", "pulumi-3.246.0-checksums.txt", PULUMI)
        aws, states = tarred("pulumi-resource-aws", "LICENSE"), tarred("pulumi-resource-terraform")
        for folder in (
            "https://github.com/pulumi/pulumi-aws/releases/download/v7.51.1",
            "https://get.pulumi.com/releases/plugins",
        ):
            self.put(folder, AWS, aws)
            self.list(folder, "pulumi-aws_7.51.1_checksums.txt", AWS, algorithm="sha1", prefix="./")
        folder = "https://github.com/pulumi/pulumi-terraform/releases/download/v6.1.0"
        self.put(folder, STATES, states)
        self.list(folder, "pulumi-terraform_6.1.0_checksums.txt", STATES)
        folder = "https://releases.hashicorp.com/terraform/1.13.3"
        self.put(folder, TERRAFORM, zipped("terraform", "LICENSE.txt"))
        self.list(folder, "terraform_1.13.3_SHA256SUMS", TERRAFORM)
        folder = "https://releases.hashicorp.com/terraform-provider-aws/6.72.0"
        self.put(folder, PROVIDER, zipped(PROVIDER_COMMAND, "LICENSE.txt"))
        self.list(folder, "terraform-provider-aws_6.72.0_SHA256SUMS", PROVIDER)

    def put(self, folder: str, name: str, content: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Publishes a file."""
        self.files[f"{folder}/{name}"] = sent(content, content_type=content_type)
        self.contents[f"{folder}/{name}"] = content

    def list(self, folder: str, checksums: str, name: str, *, algorithm: str = "sha256", prefix: str = "") -> None:
        """Publishes the checksum of a file, beside that of another one."""
        digest = hashlib.new(algorithm, self.contents[f"{folder}/{name}"]).hexdigest()
        listed = f"{'0' * len(digest)}  {prefix}another.tar.gz\n{digest}  {prefix}{name}\n"
        self.put(folder, checksums, listed.encode(), content_type="text/plain")


@functools.cache
def tarred(*names: str) -> bytes:
    """Returns a .tar.gz of tools."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in names:
            content = tool(name)
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@functools.cache
def zipped(*names: str) -> bytes:
    """Returns a .zip of tools."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, tool(name))
    return packed.getvalue()


def tool(name: str) -> bytes:
    """Returns a program that says what it is; it takes 1 MiB of a disk."""
    return f"#!/bin/sh\necho {name}\nexit\n".encode().ljust(1 << 20, b"\0")


def sent(content: bytes, *, status: int = 200, content_type: str = "application/octet-stream") -> Reply:
    """Answers with a file."""

    def reply(handler: "_Handler") -> None:
        handler.head(status, {"Content-Type": content_type, "Content-Length": str(len(content))})
        handler.wfile.write(content)

    return reply


def login_page(status: int = 200) -> Reply:
    """Answers as a proxy that wants a person to log in."""
    return sent(b"<html><body>Please log in.</body></html>", status=status, content_type="text/html; charset=utf-8")


def labelled_as_packed(content: bytes) -> Reply:
    """Answers with a file, and says of it that it was packed for the transport, as it ends in .gz."""

    def reply(handler: "_Handler") -> None:
        handler.head(200, {"Content-Encoding": "gzip", "Content-Length": str(len(content))})
        handler.wfile.write(content)

    return reply


def redirected(url: str) -> Reply:
    """Redirects to another URL."""

    def reply(handler: "_Handler") -> None:
        handler.head(302, {"Location": url, "Content-Length": "0"})

    return reply


def broken_half_way(content: bytes) -> Reply:
    """Announces the whole file, and breaks the connection in its middle."""

    def reply(handler: "_Handler") -> None:
        handler.head(200, {"Content-Length": str(len(content))})
        handler.wfile.write(content[: len(content) // 2])
        handler.close_connection = True

    return reply


def broken_chunks(content: bytes) -> Reply:
    """The same for a file whose length is not announced."""

    def reply(handler: "_Handler") -> None:
        handler.head(200, {"Transfer-Encoding": "chunked"})
        handler.wfile.write(f"{len(content):x}\r\n".encode() + content[: len(content) // 2])
        handler.close_connection = True

    return reply


def longer_than_announced(content: bytes) -> Reply:
    """Announces half of the file."""

    def reply(handler: "_Handler") -> None:
        handler.head(200, {"Content-Length": str(len(content) // 2)})
        handler.wfile.write(content)
        handler.close_connection = True

    return reply


def in_pieces(content: bytes, seconds: float, pieces: int = 4) -> Reply:
    """Sends a file slowly: so many pieces, with a pause before each."""

    def reply(handler: "_Handler") -> None:
        handler.head(200, {"Content-Length": str(len(content))})
        size = len(content) // pieces + 1
        for start in range(0, len(content), size):
            time.sleep(seconds)
            handler.wfile.write(content[start : start + size])
            handler.wfile.flush()

    return reply


def hung(handler: "_Handler") -> None:
    """Sends nothing, until the other side gives up or the test ends."""
    handler.wfile.flush()
    handler.server.ended.wait()
    handler.close_connection = True


def refused(handler: "_Handler") -> None:
    """Answers as a proxy that wants credentials."""
    handler.send_error(407)
    handler.wfile.flush()
    raise ConnectionAbortedError


def hung_half_way(content: bytes) -> Reply:
    """Sends half of a file, and then nothing."""

    def reply(handler: "_Handler") -> None:
        handler.head(200, {"Content-Length": str(len(content))})
        handler.wfile.write(content[: len(content) // 2])
        hung(handler)

    return reply


def no_http(handler: "_Handler") -> None:
    """Answers in no language of the web."""
    handler.wfile.write(b"\x15\x03\x01\r\n\r\n")
    handler.close_connection = True


def in_turn(*replies: Reply) -> Reply:
    """Answers each request in another way; the last way stays."""
    waiting = list(replies)

    def reply(handler: "_Handler") -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    publishers: Publishers
    context: ssl.SSLContext
    ended: threading.Event

    def handle_error(self, *_: object) -> None:
        """Says nothing: a client that gives up is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    publisher = ""

    def do_CONNECT(self) -> None:
        self.server.publishers.hosts(self)
        self.publisher = f"https://{self.path.removesuffix(':443')}"
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        url = f"{self.publisher}{self.path}"
        self.server.publishers.asked.append(url)
        self.server.publishers.files.get(url, sent(b"not found", status=404))(self)

    def do_HEAD(self) -> None:
        self.head(200, {"Content-Length": "0"})

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """Makes a certificate for the publishers; returns it and its key."""
    made, key = folder / "publishers.pem", folder / "publishers-key.pem"
    names = ",".join(f"DNS:{publisher.removeprefix('https://')}" for publisher in (*download.PUBLISHERS, ELSEWHERE))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "1", "-subj", "/CN=publishers", "-addext", f"subjectAltName={names}"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        capture_output=True,
        check=True,
    )
    return made, key


ELSEWHERE = "https://release-assets.githubusercontent.com"
"""Where GitHub keeps what releases have; it redirects there."""


@contextmanager
def serving(certificate_and_key: tuple[Path, Path]) -> Iterator[Publishers]:
    """Runs the stand-in."""
    made, key = certificate_and_key
    server = _Server(("127.0.0.1", 0), _Handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(made, key)
    server.ended = threading.Event()
    server.publishers = Publishers(f"http://127.0.0.1:{server.server_address[1]}", made)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.publishers
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()
