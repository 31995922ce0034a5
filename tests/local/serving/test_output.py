"""What processes print, without a server."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sagebridge.local.cloudwatch.logs import Logs, Stream
from sagebridge.local.serving import output
from sagebridge.local.serving.output import Output
from tests.local.account import until

pytestmark = pytest.mark.process


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Logs(tmp_path, lambda *_: None).stream("boston", "AllTraffic/i-0")


def run(taken: Output, program: str) -> None:
    with taken.opened() as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, stderr=file, check=False)
    taken.drain()


def test_all_that_a_process_printed_is_in_the_log_when_it_has_ended(stream: Stream) -> None:
    taken = Output(stream.append)
    taken.note("starts\nnow")
    run(taken, "for number in range(100_000): print(number)\nprint('no end', end='')")
    run(taken, "raise SystemExit('again')")
    lines = [event.message for event in stream.events()]
    assert lines == ["starts", "now", *map(str, range(100_000)), "no end", "again"]
    times = [event.time for event in stream.events()]
    assert times == sorted(times)


def test_a_line_is_in_the_log_while_its_process_goes_on(stream: Stream) -> None:
    taken = Output(stream.append)
    program = "import time\nprint('first', flush=True)\ntime.sleep(60)"
    with taken.opened() as file:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=file)
    try:
        assert until(lambda: [event.message for event in stream.events()], 20) == ["first"]
    finally:
        process.kill()
        process.wait()
    taken.drain()


def test_a_line_without_an_end_is_not_held_for_ever(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LINE_BYTES", 1000)
    run(Output(stream.append), "for _ in range(50): print('x' * 100, end='', flush=True)")
    pieces = [event.message for event in stream.events()]
    assert "".join(pieces) == "x" * 5000
    assert max(map(len, pieces)) < 2000


def test_a_log_that_cannot_be_written_stops_no_process(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    def full(_: bytes) -> None:
        raise OSError("No space left on device")

    run(Output(full), f"print('x' * {output.PIPE_BYTES * 2})")
    assert caplog.text.count("what a container prints is lost: No space left on device") == 1
    assert stream.size() == 0


def test_what_a_process_left_running_is_not_waited_for(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "DRAIN_SECONDS", 0.1)
    begin = time.monotonic()
    run(Output(stream.append), "import subprocess\nsubprocess.Popen(['sleep', '5'], start_new_session=True)")
    assert time.monotonic() - begin < 5
