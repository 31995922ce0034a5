"""A container's process: it loads a model, and answers GET /ping and POST /invocations.

This is a stand-in for the image: it runs with the Python and the packages of the image where these are known, and else
with those of the server. `containers/` has what AWS's images do.

`forkserver.py` runs it. It ends when its control socket is closed, and so with the server.
"""

from __future__ import annotations

import os
import shutil
import sys
from socket import SHUT_RDWR
from threading import Thread
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer

from sagebridge.containers.application import build
from sagebridge.containers.errors import NotServedError
from sagebridge.local.serving.http11 import KeepAlive

if TYPE_CHECKING:
    from pathlib import Path
    from socket import socket

    from sagebridge.containers.launch import Launch


class _Quiet(KeepAlive):
    """Leaves the log to what the model prints, and waits without end for the next request."""

    timeout = None  # type: ignore[assignment] # the connection's own, which is none

    def log_request(self, *_: object) -> None:
        pass


class _Server(BaseWSGIServer):
    """Answers on a connection that is there already, and listens nowhere.

    The servers of Werkzeug before 2.1, which older images have, bind an address even for a socket that they are given.
    """

    def server_bind(self) -> None:
        pass

    def server_activate(self) -> None:
        pass


def main(launch: Launch, home: Path, connection: socket, control: socket) -> None:
    """Loads the model, then answers requests one at a time, as one process of the container does.

    Args:
        launch: what the process serves.
        home: the process's folder for itself, removed if the server ends before the process.
        connection: the connection on which requests come, one after the other.
        control: the socket whose end ends the process.
    """
    watcher = Thread(target=_end_with_server, args=[control, home], daemon=True)
    watcher.start()
    try:
        app = build(launch)
    except NotServedError as error:
        sys.exit(str(error))
    server = _Server("127.0.0.1", 0, app, _Quiet)
    server.server_address = ("localhost", 0)
    server.finish_request(connection, ("localhost", 0))
    connection.shutdown(SHUT_RDWR)  # an answer may have broken off, and the server would wait for the rest of it
    watcher.join()  # the connection is closed, so the server is gone, or about to end this process


def _end_with_server(control: socket, home: Path) -> None:
    control.recv(1)
    shutil.rmtree(home, ignore_errors=True)
    os._exit(0)
