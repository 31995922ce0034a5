"""A server that sends one stored answer to all: `python -m bench.canned PORT`, the answer on standard input."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Canned(BaseHTTPRequestHandler):
    """Answers every request alike."""

    protocol_version = "HTTP/1.1"  # connections stay open, as those of the local AWS do
    disable_nagle_algorithm = True
    answer = b""

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as there are clients."""

    request_queue_size = 128


if __name__ == "__main__":
    Canned.answer = sys.stdin.buffer.read()
    Server(("127.0.0.1", int(sys.argv[1])), Canned).serve_forever()
