"""The logs of endpoints, in files from which CloudWatch Logs is answered.

A stream is a folder of segments. A segment is named by the number of bytes that the stream had before it, and an event
in it is a newline, the time in milliseconds, a space and the message. The newline comes first, so that an event which
the end of the process has cut short does not spoil the next one. A stream keeps its last two segments.
"""

import contextlib
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import NamedTuple

EVENT_BYTES = 1024**2 - 26
"""The most bytes of a message; a longer line becomes several events.

Source: botocore, PutLogEvents: a batch has at most 1,048,576 bytes, of which 26 are counted for each event.
"""
SEGMENT_BYTES = 4 * 1024**2
"""Bytes after which a stream begins a new segment."""
_HIGHEST_BITS, _CONTINUATION = 0b1100_0000, 0b1000_0000
"""The bits by which a byte of UTF-8 is known to continue a character, and their value."""
_SUFFIX = ".log"
_STAMP_BYTES = 20
"""More bytes than a time and the space after it have."""
_BLANK_LINES = re.compile(rb"\n{2,}")


class Event(NamedTuple):
    """One event of a stream."""

    position: int
    """The number of bytes that the stream had before it, which no other event of the stream has."""
    time: int
    """When it was written, in milliseconds since the epoch."""
    message: str
    """A line that a container printed."""


class Logs:
    """The logs of all endpoints.

    Args:
        directory: the folder that keeps them.
        register: called with an endpoint and the name of its stream before the first event of a stream is written.
    """

    def __init__(self, directory: Path, register: Callable[[str, str], object]) -> None:
        self._directory = directory
        self._register = register
        self._lock = Lock()

    def stream(self, endpoint: str, name: str) -> "Stream":
        """Returns a stream of an endpoint's log; it need not have any events."""
        return Stream(self._directory / endpoint / name, lambda: self._register(endpoint, name), self._lock)

    def streams(self, endpoint: str) -> dict[str, "Stream"]:
        """Returns the streams of an endpoint that have events, by name, those that were written last first."""
        folder = self._directory / endpoint
        names = {str(file.parent.relative_to(folder)) for file in folder.rglob(f"*{_SUFFIX}")}
        streams = {name: self.stream(endpoint, name) for name in names}
        return dict(sorted(streams.items(), key=lambda item: item[1].written(), reverse=True))


class Stream:
    """One stream of an endpoint's log.

    Args:
        folder: the folder of the segments.
        register: called before the first event is written.
        lock: held while a segment is read or written.
    """

    def __init__(self, folder: Path, register: Callable[[], object], lock: Lock) -> None:
        self._folder = folder
        self._register = register
        self._lock = lock

    def append(self, text: bytes) -> None:
        """Appends an event for each line of a text that is not empty, with the time that it is now.

        The stream exists from the first call on, also if there is no line.
        """
        lines = _BLANK_LINES.sub(b"\n", text).strip(b"\n")
        if len(lines) > EVENT_BYTES:
            lines = b"\n".join(piece for line in lines.split(b"\n") for piece in _pieces(line))
        beginning = b"\n%d " % (time.time_ns() // 1_000_000)
        content = beginning + lines.replace(b"\n", beginning) if lines else b""
        if not self._segments():
            self._register()
        with self._lock:
            segments = self._segments() or [0]
            file = self._file(segments[-1])
            size = file.stat().st_size if file.exists() else 0
            if size >= SEGMENT_BYTES:
                for segment in segments[:-1]:
                    self._file(segment).unlink(missing_ok=True)
                file = self._file(segments[-1] + size)
            self._folder.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as opened:
                opened.write(content)

    def events(self, start: int | None = None, end: int | None = None) -> Iterator[Event]:
        """Yields the events in the order in which they were written.

        Args:
            start: the time of the first event, in milliseconds since the epoch; None for all.
            end: the time before which the last event was written; None for all.
        """
        first, content = self._content()
        begin = 0 if start is None else _begin(content, start)
        return _events(first + begin, content[begin : None if end is None else _begin(content, end)])

    def last(self, count: int) -> list[Event]:
        """Returns the last events, the oldest first."""
        first, content = self._content()
        begin = len(content)
        for _ in range(count):
            begin = max(0, content.rfind(b"\n", 0, begin))
        return list(_events(first + begin, content[begin:]))

    def span(self) -> tuple[int, int] | None:
        """Returns the times of the first and of the last event; None if there are none."""
        _, content = self._content()
        return (_time(content, 0), _time(content, content.rfind(b"\n"))) if content else None

    def size(self) -> int:
        """Returns the number of bytes that are kept."""
        return sum(self._file(segment).stat().st_size for segment in self._segments())

    def written(self) -> float:
        """Returns when the last event was written, in seconds since the epoch; infinity if there is none yet."""
        segments = self._segments()
        return self._file(segments[-1]).stat().st_mtime if segments else math.inf

    def remove(self) -> None:
        """Removes all events."""
        with self._lock:
            for segment in self._segments():
                self._file(segment).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the folder has a stream whose name begins with this one's
                os.removedirs(self._folder)

    def _content(self) -> tuple[int, bytes]:
        """Returns the position of the first event that is kept, and what is written from there on."""
        with self._lock:
            segments = self._segments() or [0]
            return segments[0], b"".join(self._file(segment).read_bytes() for segment in self._segments())

    def _segments(self) -> list[int]:
        return sorted(int(file.stem) for file in self._folder.glob(f"*{_SUFFIX}"))

    def _file(self, segment: int) -> Path:
        return self._folder / f"{segment}{_SUFFIX}"


def _time(content: bytes, newline: int) -> int:
    """Returns the time of the event that begins with a newline; 0 if the event was cut short within it."""
    stamp = content[newline + 1 : newline + 1 + _STAMP_BYTES].partition(b" ")[0]
    return int(stamp) if stamp.isdigit() else 0


def _begin(content: bytes, start: int) -> int:
    """Returns where the first event begins that was written at a time or later; the length if there is none."""
    low, high = 0, len(content)
    while low < high:
        middle = (low + high) // 2
        newline = content.find(b"\n", middle)
        if newline < 0 or _time(content, newline) >= start:
            high = middle
        else:
            low = newline + 1
    newline = content.find(b"\n", low)
    return newline if newline >= 0 else len(content)


def _events(position: int, content: bytes) -> Iterator[Event]:
    for line in content.split(b"\n")[1:]:
        stamp, _, message = line.partition(b" ")
        if stamp.isdigit() and message:  # else it was cut short
            yield Event(position, int(stamp), message.decode(errors="replace"))
        position += 1 + len(line)


def _pieces(line: bytes) -> Iterator[bytes]:
    """Yields a line in pieces of at most `EVENT_BYTES`, and divides no character of UTF-8."""
    while len(line) > EVENT_BYTES:
        end = EVENT_BYTES
        while end > EVENT_BYTES - 4 and line[end] & _HIGHEST_BITS == _CONTINUATION:
            end -= 1
        yield line[:end]
        line = line[end:]
    yield line
