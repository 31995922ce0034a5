"""Runs programs of Python that import what takes long, in processes that are forked from one that has imported it.

Each program has a process, an environment, a folder and standard streams of its own, as if `python -c` had run it. A
test of how Python starts, of what is imported, or of what a process leaves behind needs a real start.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 60
"""The longest that a program may run."""


class Order(NamedTuple):
    """What a forked process is to run. It is sent as JSON."""

    arguments: list[str]
    """The program's text, and its arguments."""
    environment: dict[str, str]
    """The whole environment of the process."""
    folder: str
    """The folder in which it works."""
    streams: list[str]
    """The files that are its standard input, output and error output."""


class WarmPython(NamedTuple):
    """A process of Python that has imported some modules, and forks itself for each program."""

    process: subprocess.Popen[bytes]

    def complete(
        self, command: Sequence[str], *, env: Mapping[str, str], stdin: bytes = b"", cwd: str = "/", **_: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Runs a program to its end, as `sagebridge.processes.complete` does.

        Args:
            command: The command, whose first arguments are a Python, `-c` and the program.
            env: The whole environment of the process.
            stdin: What it reads.
            cwd: The folder in which it works.
        """
        python, option, *arguments = command
        assert (python, option) == (sys.executable, "-c")
        assert self.process.stdin
        assert self.process.stdout
        with tempfile.TemporaryDirectory() as name:
            streams = [Path(name, stream) for stream in ("input", "output", "error output")]
            streams[0].write_bytes(stdin)
            order = Order(arguments, dict(env), cwd, [*map(str, streams)])
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
            code = int(self.process.stdout.readline())
            return subprocess.CompletedProcess(command, code, streams[1].read_bytes(), streams[2].read_bytes())


@contextmanager
def warm_python(*modules: str) -> Iterator[WarmPython]:
    """Starts a process of Python that imports modules, and ends it when the block ends."""
    pipe = subprocess.PIPE
    command = [sys.executable, __file__, *modules]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd="/", env=os.environ | {"LANG": "C.UTF-8"}) as process:
        yield WarmPython(process)


def serve(modules: Sequence[str]) -> None:
    """Imports modules, and runs each program that is ordered in a process that is forked from this one."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    with open(0, "rb", buffering=0, closefd=False) as orders:  # a buffer would be a part of each forked process
        for line in orders:
            pid = os.fork()
            if not pid:
                os._exit(_run(Order(*json.loads(line))))
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.write(1, f"{code}\n".encode())


def _run(order: Order) -> int:
    """Becomes the process that is ordered; returns its exit code."""
    signal.alarm(SECONDS)
    os.setsid()
    os.environ.clear()
    os.environ |= order.environment
    os.chdir(order.folder)
    for number, path in enumerate(order.streams):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    program, *arguments = order.arguments
    sys.argv = ["-c", *arguments]
    code = 0
    try:
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - this is what `-c` does
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as Python does at the end of a program
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    sys.path[0] = ""  # what `python -c` has in place of the folder of its program
    serve(sys.argv[1:])
