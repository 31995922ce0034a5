"""Processes for containers: each is forked, in milliseconds, from a process that has imported what handlers share.

`forkserver.py` is that process. There is one for each Python that containers run with. It is started when it is first
needed, and again when it has died.
"""

import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from sagebridge.containers.launch import Launch
from sagebridge.containers.program import command
from sagebridge.local.serving.forkserver import MODULE, Need

log = logging.getLogger(__name__)
FORK_SECONDS = 60.0
"""Seconds for the fork server to import its modules, on a busy machine, and to fork."""
KILL_SECONDS = 10.0
"""Seconds for the kernel to end a process."""
_LEARNING = re.compile(rb"sklearn|joblib|pickle|skops|pandas|scipy")
"""What code names that loads a model of scikit-learn, or imports what scikit-learn imports, too."""
_ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pyarrow's allocator has a thread of its own otherwise
}


class Child:
    """A container's process.

    Args:
        control: brings the process number and later the exit status; the process ends when it is closed.
        connection: the connection on which the process answers HTTP.
    """

    def __init__(self, control: socket.socket, connection: socket.socket) -> None:
        self._control = control
        self._status: int | None = None
        self.connection = connection
        self.pid = self._read_number(FORK_SECONDS)

    def poll(self) -> int | None:
        """Returns the exit status, negative for a signal, or None while the process runs."""
        if self._status is None:
            with contextlib.suppress(BlockingIOError):
                self._read_status(0)
        return self._status

    def wait(self, timeout: float) -> int | None:
        """Waits some seconds for the exit status, and returns it, or None if the process still runs."""
        if self._status is None:
            with contextlib.suppress(TimeoutError):
                self._read_status(timeout)
        return self._status

    def signal_end(self) -> None:
        """Kills the process and what it started, without waiting."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                try:
                    os.killpg(self.pid, signal.SIGKILL)
                except ProcessLookupError:  # it has no session of its own yet
                    os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kills the process and what it started, and waits until it is gone."""
        self.signal_end()
        if self.wait(KILL_SECONDS) is None:
            log.warning("process %d does not end", self.pid)
        self._control.close()
        self.connection.close()

    def _read_status(self, timeout: float) -> None:
        try:
            self._status = self._read_number(timeout)
        except (EOFError, ConnectionError):  # the fork server is dead, and so is the child: nobody has the other end
            self._status = -signal.SIGKILL

    def _read_number(self, timeout: float) -> int:
        self._control.settimeout(timeout)
        text = b""
        while not text.endswith(b"\n"):
            piece = self._control.recv(1)
            if not piece:
                raise EOFError
            text += piece
        return int(text)


class Forks:
    """Starts processes for containers, each with the Python of its launch."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._servers: dict[str, _ForkServer] = {}

    def spawn(self, launch: Launch, environment: Mapping[str, str], home: Path, output: int) -> Child:
        """Starts a process that serves a model.

        Args:
            launch: what the process is to serve.
            environment: the whole environment of the process.
            home: a folder that the process removes if the server ends before it.
            output: the open file that takes what the process prints.

        Raises:
            OSError: the process cannot be started, not even by a new fork server.
        """
        order = json.dumps([dict(environment), str(home), launch]).encode() + b"\n"  # see `forkserver.Order`
        with self._lock:
            server = self._servers.get(launch.python)
            if server is None:
                server = self._servers[launch.python] = _ForkServer(launch.python)
        return server.spawn(_need(launch), order, output)


def _need(launch: Launch) -> bytes:
    """Returns what the code of a container is likely to import; if that is wrong, the container only starts later."""
    folders = {Path(folder) for folder in (launch.code_dir, launch.model_dir) if folder}
    sources = (source for folder in folders for source in folder.rglob("*.py") if source.is_file())
    return Need.LEARNING if any(_LEARNING.search(source.read_bytes()) for source in sources) else Need.SERVING


class _ForkServer:
    """The fork server of a Python.

    Args:
        python: the interpreter; empty for the one of this process.
    """

    def __init__(self, python: str) -> None:
        self._python = python
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = socket.socket()

    def spawn(self, need: bytes, order: bytes, output: int) -> Child:
        """Starts a process that reads an order; raises OSError if it cannot, not even with a new fork server."""
        with self._lock:
            server = self._server()
        try:
            return self._spawn(need, order, output)
        except (OSError, EOFError) as error:
            log.warning("the fork server is started again: %s", error or type(error).__name__)
            server.kill()  # it may hang; its children go on
            server.wait()
        try:
            return self._spawn(need, order, output)
        except EOFError as error:
            raise OSError("The fork server ended.") from error

    def _spawn(self, need: bytes, order: bytes, output: int) -> Child:
        control, child_control = socket.socketpair()
        connection, child_connection = socket.socketpair()
        try:
            with child_control, child_connection, self._lock:
                self._server()
                socket.send_fds(self._requests, [need], [child_control.fileno(), child_connection.fileno(), output])
            control.sendall(order)
            return Child(control, connection)
        except BaseException:
            control.close()
            connection.close()
            raise

    def _server(self) -> subprocess.Popen[bytes]:
        """Returns the fork server, and starts it if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._requests.close()
        self._requests, server_end = socket.socketpair()
        with server_end:
            self._process = subprocess.Popen(
                command(self._python or sys.executable, MODULE, str(server_end.fileno())),
                cwd="/",
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                pass_fds=[server_end.fileno()],
                start_new_session=True,
            )
        return self._process


FORKS = Forks()
"""The fork servers of all fleets."""
