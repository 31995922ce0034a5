"""Run as a program: a process that has imported what handlers share, and forks itself for each container.

Every container needs what serves it (`_SERVING`). scikit-learn and what it imports take a second, so they are imported
with the first container whose code names one of them.

`forks.py` starts it with a clean environment, and asks it through the socket whose number is its argument. A request
is one byte, which says whether the code names such a library (`Need`), and three files: the container's end of a
control socket, its end of the connection on which requests come, and its log. The child reads the rest (`Order`) from
the control socket itself, so nothing that a container is given can hurt this process. This process writes the child's
process number to the control socket, and later its exit status. It ends when its own socket is closed, and so with the
server; the children watch their control sockets.

This process has no threads, and numpy's libraries have one each: a fork copies only the thread that forks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import re
import selectors
import signal
import socket
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import NamedTuple

from sagebridge.containers.launch import Launch
from sagebridge.containers.mounts import show
from sagebridge.containers.program import command

MODULE = "sagebridge.local.serving.forkserver"
"""The name of this module, by which it is run."""
_SERVING = (
    "flask",
    "werkzeug.serving",
    "numpy",
    "sagebridge.local.serving.worker",  # with it, what `containers/` imports
    "encodings.idna",  # which Python imports when a server is given its host
)
"""Modules that every container needs."""
_LEARNING = ("joblib", "sklearn.pipeline", "sklearn.linear_model", "sklearn.ensemble")
"""Modules that handlers share whose models are scikit-learn's; they import pandas and SciPy."""
_READ_AT_START = re.compile(
    r"(PYTHON|LD_|LC_|LANG|GLIBC_|MALLOC_|OMP_|GOMP_|KMP_|MKL_|OPENBLAS_|BLIS_|BLAS_"
    r"|NPY_|NUMPY_|SCIPY_|SKLEARN_|JOBLIB_|LOKY_|FLASK_|WERKZEUG_)"
)
"""Variables that Python or a library reads only once, when it starts; a container with these needs a new program."""


class Need:
    """The byte of a request: what a container's code is likely to import."""

    SERVING = b"s"
    """Only what every container needs."""
    LEARNING = b"l"
    """scikit-learn, or what it imports."""


class Order(NamedTuple):
    """What a child is to become."""

    environment: dict[str, str]
    """The whole environment of the child."""
    home: str
    """A folder that the child removes if the server ends before it."""
    launch: Launch
    """What the child is to serve."""


class Child(NamedTuple):
    """The sockets of a child."""

    control: socket.socket
    """Brings the order; the child ends when it is closed."""
    connection: socket.socket
    """The connection on which requests come."""


def prepare(names: tuple[str, ...]) -> None:
    """Imports modules that handlers share. What cannot be imported is left to the handlers that need it."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:  # noqa: PERF203 - there are few
            sys.stderr.write(f"fork server: {name} is not shared: {error}\n")
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page of what is shared


def serve(requests: socket.socket) -> Child:
    """Forks a child for each request. Returns in the child, and ends the program when the server is gone."""
    children: dict[int, socket.socket] = {}
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(woken, selectors.EVENT_READ)
    selector.register(requests, selectors.EVENT_READ)
    has_learning = False
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                os.read(woken, 4096)
                _reap(children)
                continue
            content, fds = _receive_files(requests)
            if not content:
                os._exit(0)  # nothing is open that matters, and Python would take apart each of its modules
            if content == Need.LEARNING and not has_learning:
                prepare(_LEARNING)
                has_learning = True
            control, connection = socket.socket(fileno=fds[0]), socket.socket(fileno=fds[1])
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                selector.close()
                for end in (requests, *children.values()):
                    end.close()
                os.close(woken)
                os.close(wake)
                _detach(fds[2])
                return Child(control, connection)
            children[pid] = control
            connection.close()
            os.close(fds[2])
            _report(control, pid)


def _receive_files(requests: socket.socket) -> tuple[bytes, array[int]]:
    """Returns what `socket.recv_fds` returns, which Python has since 3.9."""
    fds = array("i")
    space = socket.CMSG_SPACE(3 * fds.itemsize)
    content, messages, *_ = requests.recvmsg(1, space, socket.MSG_CMSG_CLOEXEC)
    for _level, _type, numbers in messages:
        fds.frombytes(numbers)
    return content, fds


def _reap(children: dict[int, socket.socket]) -> None:
    """Reports the children that ended, after ending what they had started."""
    while children:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(ended.si_pid, signal.SIGKILL)  # its number is not free before the wait below
        os.waitpid(ended.si_pid, 0)
        has_exited = ended.si_code == os.CLD_EXITED
        with children.pop(ended.si_pid) as control:
            _report(control, ended.si_status if has_exited else -ended.si_status)


def _report(control: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # the server no longer waits for the child
        control.sendall(b"%d\n" % number)


def _detach(log: int) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def receive(control: socket.socket) -> Order:
    """Reads a child's order, a line of JSON."""
    text = b""
    while not text.endswith(b"\n"):
        piece = control.recv(65536)
        if not piece:
            sys.exit("The server no longer waits for this container.")
        text += piece
    return parse(text)


def parse(text: str | bytes) -> Order:
    """Parses an order."""
    environment, home, launch = json.loads(text)
    return Order(environment, home, Launch(*launch))


def become(order: Order, child: Child) -> Order:
    """Takes over the order's environment and folders, in a new program if the environment needs one.

    Returns:
        The order with the folders that this process sees.
    """
    launch = show(order.launch)
    order = Order({**order.environment, "SM_MODEL_DIR": launch.model_dir}, order.home, launch)
    os.chdir(launch.working_dir)
    needs_program = any(
        _READ_AT_START.match(name) and os.environ.get(name) != value for name, value in order.environment.items()
    )
    if needs_program or launch.packages:  # what is imported already would win over the packages
        for end in child:
            end.set_inheritable(True)
        numbers = [str(end.fileno()) for end in child]
        program = command(sys.executable, MODULE, *numbers, json.dumps(order._replace(environment={})))
        os.execve(program[0], program, order.environment)  # noqa: S606 - no shell is wanted
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    tempfile.tempdir = None  # it may come from the old environment
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all children would draw the same numbers
    return order


def run(order: Order, child: Child) -> None:
    """Serves the model until the process is ended."""
    order.launch.use_packages()
    from sagebridge.local.serving.worker import main  # noqa: PLC0415 - imported before the fork, when there is one

    for name in [name for name in sys.modules if name.partition(".")[0] == "sagebridge"]:
        del sys.modules[name]  # the server's own modules are not the handler's to import
    main(order.launch, Path(order.home), child.connection, child.control)


if __name__ == "__main__":
    if len(sys.argv) == 2:  # noqa: PLR2004 - the number of the socket to be asked through
        prepare(_SERVING)
        child = serve(socket.socket(fileno=int(sys.argv[1])))
        order = receive(child.control)
        run(become(order, child), child)
    else:
        ends = [socket.socket(fileno=int(number)) for number in sys.argv[1:3]]
        run(parse(sys.argv[3]), Child(*ends))
