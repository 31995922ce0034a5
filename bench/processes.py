"""Runs commands as a person would, and takes their time or their memory."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import click

from bench.machine import descendants, memory_of
from sagebridge.processes import session

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
    most, deadline = 0.0, time.monotonic() + SECONDS
    with started(command, cwd, env) as process:
        while process.poll() is None:
            if time.monotonic() > deadline:
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
    try:
        with started(command, cwd, env, subprocess.PIPE) as process:
            output: str = process.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{shown(command)} took longer than {SECONDS:.0f} s") from None
    if process.returncode:
        raise CommandFailed(f"{shown(command)} failed:\n{output[-3000:]}")
    return output


def started(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], output: int = subprocess.DEVNULL
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
