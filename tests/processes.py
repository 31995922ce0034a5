"""Counts the processes that a command has started, also those whose parent has ended and that init has adopted."""

import os
import uuid
from pathlib import Path


class Marked:
    """Tells processes by a variable of their environment, which each process passes on to those that it starts."""

    def __init__(self) -> None:
        self.environment = {"SAGEBRIDGE_TEST_MARK": uuid.uuid4().hex}
        """The variable, with a value that no other test has."""

    def running(self) -> dict[int, str]:
        """Returns the command lines of the marked processes that run, by process ID."""
        ((name, value),) = self.environment.items()
        mark = f"{name}={value}".encode()
        commands = {}
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and mark in (folder / "environ").read_bytes().split(b"\0"):
                    commands[int(folder.name)] = (
                        (folder / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
                    )
            except OSError:  # it has ended meanwhile, or is not ours
                continue
        commands.pop(os.getpid(), None)
        return {pid: command for pid, command in commands.items() if command}  # a zombie has none
