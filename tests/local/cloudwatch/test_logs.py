"""The files of endpoints' logs, without a server."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sagebridge.local.cloudwatch import logs
from sagebridge.local.cloudwatch.logs import EVENT_BYTES, Logs, Stream

STREAM = "AllTraffic/i-0"


@pytest.fixture
def store(tmp_path: Path) -> Logs:
    return Logs(tmp_path, lambda *_: None)


@pytest.fixture
def stream(store: Logs) -> Stream:
    return store.stream("boston", STREAM)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the time, in milliseconds."""
    return lambda milliseconds: monkeypatch.setattr(time, "time_ns", lambda: milliseconds * 1_000_000)


def messages(stream: Stream) -> list[str]:
    return [event.message for event in stream.events()]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"\n\none\n\n\ntwo", ["one", "two"]),  # an event has one character at least
        (b"\n", []),
        (b" 17 of 20 \n", [" 17 of 20 "]),
        ("größer\r\n".encode(), ["größer\r"]),
        (b"\xff\x00", ["\ufffd\x00"]),
    ],
)
def test_a_line_is_an_event(stream: Stream, text: bytes, lines: list[str]) -> None:
    stream.append(text)
    assert messages(stream) == lines


@pytest.mark.parametrize("character", ["x", "é", "€", "😀"])
@pytest.mark.parametrize("shift", range(4))
def test_a_line_over_the_limit_is_several_events(stream: Stream, character: str, shift: int) -> None:
    text = "y" * shift + character * (2 * EVENT_BYTES // len(character.encode()) + 10)
    stream.append(b"before\n" + text.encode() + b"\nafter")
    before, *pieces, after = messages(stream)
    assert (before, "".join(pieces), after) == ("before", text, "after")
    assert all(0 < len(piece.encode()) <= EVENT_BYTES for piece in pieces)


def test_events_are_found_by_their_times(stream: Stream, clock: Callable[[int], None]) -> None:
    for milliseconds in range(1000, 1100):
        clock(milliseconds)
        stream.append(b"%d a\n%d b" % (milliseconds, milliseconds))
    for start in (0, 999, 1000, 1050, 1099, 1100):
        for end in (1000, 1001, 1050, 2000):
            expected = [time for time in range(1000, 1100) if start <= time < end for _ in "ab"]
            assert [event.time for event in stream.events(start, end)] == expected
    assert [event.message for event in stream.last(3)] == ["1098 b", "1099 a", "1099 b"]
    assert len(stream.last(1000)) == 200
    assert stream.span() == (1000, 1099)


def test_a_stream_keeps_its_newest_events_and_no_more(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SEGMENT_BYTES", 2000)
    for number in range(1000):
        stream.append(b"%d" % number)
    kept = messages(stream)
    assert kept == [str(number) for number in range(1000 - len(kept), 1000)]
    assert 2000 < stream.size() == sum(file.stat().st_size for file in tmp_path.rglob("*.log")) < 4100
    positions = [event.position for event in stream.events()]
    assert positions == sorted(set(positions))
    assert positions[-1] > 10_000  # which stays an event's own when those before it are gone


def test_what_was_written_is_there_for_another_server(stream: Stream, tmp_path: Path) -> None:
    stream.append(b"one")
    segment = next(tmp_path.rglob("*.log"))
    os.truncate(segment, segment.stat().st_size - 2)  # the first server was killed in the middle
    after = Logs(tmp_path, lambda *_: None).stream("boston", STREAM)
    after.append(b"two")
    assert messages(after) == ["o", "two"]


def test_a_stream_is_registered_before_its_first_event_and_after_it_was_removed(tmp_path: Path) -> None:
    registered: list[tuple[str, str, int]] = []
    kept = Logs(tmp_path, lambda *names: registered.append((*names, len(kept.streams("boston")))))
    stream = kept.stream("boston", STREAM)
    stream.append(b"one")
    stream.append(b"two")
    assert registered == [("boston", STREAM, 0)]
    stream.remove()
    stream.append(b"three")
    assert messages(stream) == ["three"]
    assert len(registered) == 2


def test_a_stream_within_the_name_of_another_is_another(store: Logs) -> None:
    store.stream("boston", f"{STREAM}/data-log").append(b"an answer")
    store.stream("boston", STREAM).append(b"a line")
    assert list(store.streams("boston")) == [STREAM, f"{STREAM}/data-log"]
    store.stream("boston", STREAM).remove()
    assert list(store.streams("boston")) == [f"{STREAM}/data-log"]
    assert list(store.streams("bosto")) == []


def test_a_removed_stream_leaves_nothing_behind(store: Logs, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    for name in ("AllTraffic/i-0/first", "AllTraffic/i-0/second"):
        store.stream("boston", name).append(b"a line")
    store.stream("boston", "AllTraffic/i-0/first").remove()
    assert list(store.streams("boston")) == ["AllTraffic/i-0/second"]
    store.stream("boston", "AllTraffic/i-0/second").remove()
    assert [path.name for path in tmp_path.rglob("*")] == ["other"]
