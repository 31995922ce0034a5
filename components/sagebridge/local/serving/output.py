"""Takes what the processes of a container print into its log."""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from threading import Thread

log = logging.getLogger(__name__)
LINE_BYTES = 1024**2
"""The most bytes of a line that are held until its end comes."""
PAUSE_SECONDS = 0.01
"""Seconds between two looks at what a process has printed; one that prints much must not keep the server busy."""
PIPE_BYTES = 256 * 1024
"""Bytes that a process can print between two looks without waiting."""
DRAIN_SECONDS = 1.0
"""Seconds to wait for the output of a process that has ended; what it started may still have it open."""


class Output:
    """The output of a container's processes.

    Args:
        append: appends the lines of a text to the container's log.
    """

    def __init__(self, append: Callable[[bytes], object]) -> None:
        self._append = append
        self._reader: Thread | None = None
        self._failing = False

    def note(self, text: str) -> None:
        """Appends the server's own words to the log."""
        self._take(text.encode())

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """Yields the file into which a new process is to print; it is closed here afterwards."""
        self._take(b"")  # the log is there although nothing is printed
        reading, writing = os.pipe2(os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # a user's pipes are limited
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._reader = Thread(target=self._read, args=[reading], name="output of a container", daemon=True)
        self._reader.start()
        try:
            yield writing
        finally:
            os.close(writing)

    def drain(self) -> None:
        """Waits until all that an ended process has printed is in the log."""
        if self._reader is not None:
            self._reader.join(DRAIN_SECONDS)

    def _read(self, reading: int) -> None:
        rest = b""
        with open(reading, "rb", buffering=0) as pipe:
            while piece := pipe.read(LINE_BYTES):
                lines, _, rest = (rest + piece).rpartition(b"\n")
                if len(rest) >= LINE_BYTES:
                    lines, rest = b"\n".join([lines, rest]), b""
                self._take(lines)
                time.sleep(PAUSE_SECONDS)
        self._take(rest)

    def _take(self, text: bytes) -> None:
        try:
            self._append(text)
        except Exception as error:  # noqa: BLE001 - the disk is full, for example; a process must not wait for its log
            if not self._failing:  # logged once, not for each line
                log.warning("what a container prints is lost: %s", error)
            self._failing = True
        else:
            self._failing = False
