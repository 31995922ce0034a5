"""The server's process: it holds the lock of its folder, listens on a port, and serves `App`.

`sagebridge local start` runs it as `python -m sagebridge.local.server DIRECTORY`. While it runs it holds a lock on
`DIRECTORY/lock`, so that there is never a second server, and describes itself in `DIRECTORY/server.json` and at
`/_local`.
"""

import contextlib
import fcntl
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from io import TextIOWrapper
from pathlib import Path

if __name__ == "__main__":
    gc.disable()  # until it serves: none of the thousand modules that are imported here is garbage

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.local import CONTROL_PATH, PORT
from sagebridge.local.app import App
from sagebridge.local.control import write_config
from sagebridge.local.serving.http11 import KeepAlive


class _Handler(KeepAlive, MotoRequestHandler):
    """Logs a line for each request, without werkzeug's colours."""

    disable_nagle_algorithm = True  # else the end of an answer may wait for the client's next packet

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - werkzeug's signature
        if self.path != CONTROL_PATH:
            target = self.headers.get("X-Amz-Target", "")
            logging.getLogger("requests").info("%s %s %s %s", self.command, self.path, target, code)


def _listen() -> socket.socket:
    """Listens on the usual port, or on a free one if that is taken."""
    for port in (PORT, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise UserError("No port is free on 127.0.0.1.")


def _lock(directory: Path) -> TextIOWrapper:
    """Takes the lock of the folder's server; returns the file, which must stay open.

    Raises:
        UserError: another server has the lock. `control.py` holds it only for a moment, when it looks.
    """
    file = (directory / "lock").open("w")
    deadline = time.monotonic() + 1
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise UserError(f"Another server runs in {directory}.") from None
            time.sleep(0.02)
        else:
            return file


def main(directory: Path) -> None:
    """Runs the server until SIGTERM.

    Args:
        directory: the folder of its state.

    Raises:
        UserError: it cannot be started.
    """
    lock = _lock(directory)
    (directory / "server.json").unlink(missing_ok=True)  # of a server that was killed, so that nobody goes by it
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    app = App(directory)
    listener = _listen()
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    httpd = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler, fd=listener.fileno())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    description = {
        "pid": os.getpid(),
        "url": url,
        "port": port,
        "directory": str(directory),
        "started": time.time(),
    }
    write_file(directory / "server.json", json.dumps(description).encode())
    write_config(directory, url)
    logging.getLogger(__name__).info("serving at %s, process %d, state in %s", url, os.getpid(), directory)
    gc.freeze()  # what is imported stays, so the collector need not go through it again and again
    gc.enable()
    try:
        with contextlib.suppress(SystemExit):  # which SIGTERM raises
            httpd.serve_forever()
    finally:
        (directory / "server.json").unlink(missing_ok=True)
        app.close()
        lock.close()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except UserError as problem:
        sys.exit(f"error: {problem}")
    os._exit(0)  # all is written and closed, and Python would take apart each of its modules
