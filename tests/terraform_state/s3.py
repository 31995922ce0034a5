"""A stand-in for S3 and STS on the loopback address: one bucket in one region, for the keys that may read it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

ERROR = "<Error><Code>{code}</Code><Message>{code}</Message></Error>"
ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role</SecretAccessKey><SessionToken>session</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


@dataclass
class S3:
    """What the server has, and what it was asked."""

    objects: dict[str, bytes] = field(default_factory=dict)
    """Content by ``bucket/key``."""
    region: str = "us-east-1"
    keys: set[str] = field(default_factory=lambda: {"AKIABASE"})
    """The access keys that may read."""
    url: str = ""
    signed: list[tuple[str, str]] = field(default_factory=list)
    """The access key and the region of each request."""

    def answer(self, path: str, authorization: str) -> tuple[int, str | bytes]:
        """Returns the status and the body for a request."""
        signature = re.search(r"Credential=([^/]+)/\d+/([^/]+)/(\w+)/", authorization)
        key, region, service = signature.groups() if signature else ("", "", "")
        self.signed.append((key, region))
        if service == "sts":
            return 200, ROLE
        bucket = path.lstrip("/").partition("/")[0]
        if not any(name.startswith(f"{bucket}/") for name in self.objects):
            return 404, ERROR.format(code="NoSuchBucket")
        if region != self.region:
            return 301, ERROR.format(code="PermanentRedirect")
        if key not in self.keys:
            return 403, ERROR.format(code="AccessDenied")
        if path.lstrip("/") not in self.objects:
            return 404, ERROR.format(code="NoSuchKey")
        return 200, self.objects[path.lstrip("/")]


@contextmanager
def serving(s3: S3) -> Iterator[S3]:
    """Serves S3 until the body ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = s3.answer(unquote(self.path.partition("?")[0]), self.headers.get("Authorization", ""))
            content = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            self.send_header("x-amz-bucket-region", s3.region)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    s3.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield s3
    server.shutdown()
    server.server_close()
