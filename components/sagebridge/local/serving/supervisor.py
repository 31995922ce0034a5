"""Run as a program: starts the program that runs instead of an image, and ends it with all that it has started.

`program.py` starts it, and gives it the number of a socket. The socket brings the order, a line of JSON (`Order`), and
then lines that say how the program ends: `stop SECONDS` as AWS stops a container, with SIGTERM and after some seconds
SIGKILL, or `kill` at once. The program is also killed when the socket is closed, and so with the server. Two lines of
JSON go back: where the model is, and at last the exit status with the last lines that the program printed.

Orphans become children of this process, so none of what the program has started survives it.
"""

import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from sagebridge.containers.mounts import mount

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
"""Source: linux/prctl.h."""
_NOT_EXECUTABLE = 127
"""The exit status for a program that cannot be run, as in shells."""
_CHUNK = 64 * 1024
_LAST_BYTES = 4096
"""Bytes of the program's output that are kept for the report."""
_LAST_LINES = 10
_CLEANING_SECONDS = 60.0
_LOOK_SECONDS = 0.005
"""Seconds between two looks for processes that have not ended yet."""


class Order(NamedTuple):
    """What is to be run."""

    command: list[str]
    """The program and its arguments."""
    environment: dict[str, str]
    """The whole environment of the program, but for `SM_MODEL_DIR`."""
    home: str
    """A folder that is removed after the program."""
    folder: str
    """The folder of the model."""
    target: str
    """The path at which the program is to see that folder, where the system allows it; empty for no other path."""
    cleaning: list[str]
    """A command that runs after the program, with its environment; empty for none."""


class _Program:
    """The program and its output.

    Args:
        order: what is to be run.
        model_dir: the folder in which the program sees the model.
    """

    def __init__(self, order: Order, model_dir: str) -> None:
        self.output, write_end = os.pipe()
        self.status: int | None = None
        self._last: deque[bytes] = deque()
        self._pid = os.fork()
        if self._pid == 0:
            _become(order.command, {**order.environment, "SM_MODEL_DIR": model_dir}, write_end)
        os.close(write_end)

    def signal(self, number: int) -> None:
        """Sends a signal to the program, but not to what it has started."""
        if self.status is None:
            os.kill(self._pid, number)  # its number is not free before `reap`

    def reap(self) -> None:
        """Takes note of the processes that ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._pid:
                    self.status = os.waitstatus_to_exitcode(ended[1])

    def pass_output(self) -> bool:
        """Passes on what the program has printed; returns whether more may come."""
        content = os.read(self.output, _CHUNK)
        with contextlib.suppress(OSError):  # a full disk must not end the program
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        self._last.append(content[-_LAST_BYTES:])
        while sum(map(len, self._last)) - len(self._last[0]) >= _LAST_BYTES:
            self._last.popleft()
        return bool(content)

    @property
    def last_lines(self) -> str:
        """The last lines that the program printed."""
        text = b"".join(self._last)[-_LAST_BYTES:].decode(errors="replace")
        return "\n".join(text.strip().splitlines()[-_LAST_LINES:])


def ending(status: int) -> str:
    """Returns a sentence that says how a program ended.

    Args:
        status: its exit status, negative for a signal.
    """
    way = f"with status {status}" if status >= 0 else f"by signal {-status} ({signal.strsignal(-status)})"
    return f"The container's command ended {way}."


def main(control: socket.socket) -> None:
    """Runs one program until it ends, or is to be ended."""
    with control.makefile("r", encoding="utf-8") as lines:
        order = Order(*json.loads(lines.readline()))
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    is_mounted = bool(order.target) and mount({order.target: order.folder})
    model_dir = order.target if is_mounted else order.folder
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    program = _Program(order, model_dir)
    _report(control, {"model_dir": model_dir})
    status, is_asked = _watch(program, control, woken)
    _end_all()
    while program.pass_output():
        pass
    if not is_asked:
        sys.stdout.write(f"{ending(status)}\n")
        sys.stdout.flush()
    _clean(order)
    _report(control, {"status": status, "last_lines": program.last_lines})


def _become(command: list[str], environment: dict[str, str], output: int) -> NoReturn:
    """Becomes the program, in a session of its own, with signals and files as a new container's process has them."""
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.chdir("/")
        os.execvpe(command[0], command, environment)  # noqa: S606 - no shell is wanted
    except (OSError, ValueError) as error:  # such as an environment that no program can have
        os.write(output, f"{command[0]} cannot be run: {getattr(error, 'strerror', None) or error}\n".encode())
    finally:
        os._exit(_NOT_EXECUTABLE)


def _watch(program: _Program, control: socket.socket, woken: int) -> tuple[int, bool]:
    """Waits until the program has ended; returns its exit status, and whether it was asked to end."""
    selector = selectors.DefaultSelector()
    for file in (control, woken, program.output):
        selector.register(file, selectors.EVENT_READ)
    deadline: float | None = None
    is_asked = False
    program.reap()
    while program.status is None:
        for key, _ in selector.select(None if deadline is None else max(0.0, deadline - time.monotonic())):
            if key.fd == woken:
                os.read(woken, 4096)
                program.reap()
            elif key.fd == program.output:
                if not program.pass_output():
                    selector.unregister(program.output)
            else:
                word, _, seconds = (control.recv(64) or b"kill").decode().strip().rpartition("\n")[2].partition(" ")
                is_asked = True
                program.signal(signal.SIGTERM if word == "stop" else signal.SIGKILL)
                if word == "stop":
                    deadline = time.monotonic() + float(seconds)
                else:
                    selector.unregister(control)
        if deadline is not None and time.monotonic() >= deadline:
            program.signal(signal.SIGKILL)
            deadline = None
    return program.status, is_asked


def _end_all() -> None:
    """Kills all that the program has started. Orphans become children here, so there is nothing left in the end."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(_LOOK_SECONDS)


def _children() -> Iterator[int]:
    """Yields the numbers of this process's children."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = status.read_bytes().rpartition(b")")[2].split()[1]  # what is before may have any characters
            if int(parent) == os.getpid():
                yield int(status.parent.name)


def _clean(order: Order) -> None:
    if order.cleaning:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                order.cleaning,
                env=order.environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_CLEANING_SECONDS,
            )
    shutil.rmtree(order.home, ignore_errors=True)


def _report(control: socket.socket, content: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # the server is gone
        control.sendall(json.dumps(content).encode() + b"\n")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
