"""Runs commands as a person would, and takes their time or their memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TextIO

import click

from bench.machine import descendants, memory_of
from sagebridge.processes import session

SAGEBRIDGE = str(Path(sys.executable).with_name("sagebridge"))
"""The command of this environment."""
SECONDS = 900.0  # a provider that meets a broken API retries for ever
LOOK = 0.05  # seconds between two looks at the processes
SHOWN = 3000
"""How many characters of what a command printed a message has, of its end."""


class CommandFailed(click.ClickException):
    """A command that is measured did not do what it should; the message has its output."""


def seconds(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], limit: float = SECONDS) -> float:
    """Runs a command to its end and returns the seconds that it took.

    Raises:
        CommandFailed: It failed, or took longer than `limit` seconds.
    """
    started = time.perf_counter()
    output(command, cwd, env, limit)
    return time.perf_counter() - started


def output(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], limit: float = SECONDS) -> str:
    """Runs a command to its end and returns all that it prints.

    Raises:
        CommandFailed: See `seconds`.
    """
    try:
        with started(command, cwd, env, subprocess.PIPE) as process:
            output: str = process.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired as error:
        raise _too_long(command, limit, (error.output or b"").decode(errors="replace")) from None
    if process.returncode:
        raise _failed(command, output)
    return output


def peak(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> float:
    """Runs a command and returns the most memory in MiB that it had at once, with all that it started.

    It is a run of its own: to look at the memory slows what is looked at.

    Raises:
        CommandFailed: See `seconds`.
    """
    seen = [0.0]
    watch(command, cwd, env, lambda pids: seen.append(memory_of(pids)))
    return max(seen)


def watch(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], look: Callable[[list[int]], object]
) -> None:
    """Runs a command to its end, and looks at its processes again and again.

    Args:
        command: The command.
        cwd: The folder that it runs in.
        env: All of its environment.
        look: Gets the numbers of the processes, of which one may end meanwhile.

    Raises:
        CommandFailed: See `seconds`.
    """
    deadline = time.monotonic() + SECONDS
    with tempfile.TemporaryFile("w+") as printed:
        with started(command, cwd, env, printed.fileno()) as process:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise _too_long(command, SECONDS, _read(printed))
                with suppress(FileNotFoundError, ProcessLookupError, StopIteration):  # one that ends meanwhile
                    look(descendants(process.pid))
                time.sleep(LOOK)
        if process.returncode:
            raise _failed(command, _read(printed))


def _read(file: TextIO) -> str:
    file.seek(0)
    return file.read()


def _too_long(command: Sequence[str | Path], limit: float, printed: str) -> CommandFailed:
    return CommandFailed(f"{shown(command)} took longer than {limit:g} s:\n{printed[-SHOWN:]}")


def _failed(command: Sequence[str | Path], printed: str) -> CommandFailed:
    return CommandFailed(f"{shown(command)} failed:\n{printed[-SHOWN:]}")


def started(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], output: int
) -> AbstractContextManager["subprocess.Popen[str]"]:
    """Starts a command, of which nothing is left when the block ends."""
    return session(
        list(map(str, command)),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def shown(command: Sequence[str | Path]) -> str:
    """Returns a command as one line."""
    return " ".join(map(str, command))
