"""HTTP/1.1 with connections that stay open, for werkzeug's server, which closes a connection after a request."""

from __future__ import annotations

import traceback
from typing import IO, TYPE_CHECKING, cast

from werkzeug.serving import WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

_DRAINED = 64 * 1024
"""Bytes of a body that nobody read, up to which a connection is worth keeping."""
_SWALLOWED = 1024**3
"""Bytes that are read off a connection before it is closed, so that the client sees its answer."""


class KeepAlive(WSGIRequestHandler):
    """Answers the requests of a connection, one after the other."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer's head and body leave together
    timeout = 300.0  # seconds that a silent client keeps its thread; longer than Go's and urllib3's own limits

    def handle_expect_100(self) -> bool:
        """Leaves "100 Continue" to `run_wsgi`, as werkzeug does."""
        return True

    def run_wsgi(self) -> None:
        """Answers one request."""
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        body: LimitedStream | None = None
        if environ.get("wsgi.input_terminated"):  # sent in chunks: where it ends is known to its reader only
            self.close_connection = True
        else:
            body = LimitedStream(cast("IO[bytes]", self.rfile), int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = body
        self._has_begun = False
        try:
            self._answer(environ, body)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:  # noqa: BLE001 - a broken answer must not end the connection's thread silently
            self.close_connection = True
            self.log_error("%s", traceback.format_exc())
            if not self._has_begun:
                self._send_head("500 Internal Server Error", [("Content-Length", "0")])

    def _answer(self, environ: WSGIEnvironment, body: LimitedStream | None) -> None:
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
            head[:] = [(status, headers)]
            return self.wfile.write

        answer = self.server.app(environ, start_response)
        try:
            pieces = iter(answer)
            first = next(pieces, b"")
            unread = self._drain(body)
            chunked = self._send_head(*head[0])
            self._send_piece(first, chunked=chunked)
            for piece in pieces:
                self._send_piece(piece, chunked=chunked)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
            self._swallow(unread)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    def _send_head(self, status: str, headers: list[tuple[str, str]]) -> bool:
        """Sends the head of an answer; returns whether its body goes in chunks."""
        self._has_begun = True
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self._bodiless = self.command == "HEAD" or code.startswith("1") or code in ("204", "304")
        chunked = False
        if not self._bodiless and not any(name.lower() == "content-length" for name, _ in headers):
            chunked = self.request_version >= "HTTP/1.1"
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        return chunked

    def _send_piece(self, piece: bytes, *, chunked: bool) -> None:
        if not piece or self._bodiless:
            return
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.flush()

    def _drain(self, body: LimitedStream | None) -> int:
        """Reads the rest of a body if it is short; else gives the connection up and returns how much is unread."""
        if body is None:
            return 0
        unread = body.limit - body.tell()
        if unread <= _DRAINED:
            body.exhaust()
            return 0
        self.close_connection = True
        return unread

    def _swallow(self, unread: int) -> None:
        unread = min(unread, _SWALLOWED)
        while unread > 0:
            content = self.rfile.read(min(unread, 1024**2))
            if not content:
                return
            unread -= len(content)
