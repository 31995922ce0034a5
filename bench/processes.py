"""Runs commands as a person would, and takes their time or their memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

from bench.machine import descendants, memory_of

SAGEBRIDGE = str(Path(sys.executable).with_name("sagebridge"))
"""The command of this environment."""
SECONDS = 900.0  # a provider that meets a broken API retries for ever
LOOK = 0.05  # seconds between two looks at the memory


class CommandFailed(click.ClickException):
    """A command that is measured did not do what it should; the message has its output."""


def seconds(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> float:
    """Runs a command to its end and returns the seconds that it took.

    Raises:
        CommandFailed: it failed, or took longer than 900 s.
    """
    started = time.perf_counter()
    output(command, cwd, env)
    return time.perf_counter() - started


def peak(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> float:
    """Runs a command and returns the most memory in MiB that it had at once, with all that it started.

    A run of its own: to look at the memory slows what is looked at.

    Raises:
        CommandFailed: see `seconds`.
    """
    process = start(command, cwd, env)
    most, deadline = 0.0, time.monotonic() + SECONDS
    while process.poll() is None:
        if time.monotonic() > deadline:
            _kill(process)
            raise CommandFailed(f"{shown(command)} took longer than {SECONDS:.0f} s")
        with suppress(FileNotFoundError, ProcessLookupError, StopIteration):  # one that ends meanwhile
            most = max(most, memory_of(descendants(process.pid)))
        time.sleep(LOOK)
    if process.returncode:
        raise CommandFailed(f"{shown(command)} failed")
    return most


def output(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> str:
    """Runs a command to its end and returns all that it prints.

    Raises:
        CommandFailed: see `seconds`.
    """
    process = start(command, cwd, env, subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise CommandFailed(f"{shown(command)} took longer than {SECONDS:.0f} s") from None
    if process.returncode:
        raise CommandFailed(f"{shown(command)} failed:\n{output[-3000:]}")
    return output


def start(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], output: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Starts a command in a session of its own."""
    return subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def shown(command: Sequence[str | Path]) -> str:
    """Returns a command as one line."""
    return " ".join(map(str, command))


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
