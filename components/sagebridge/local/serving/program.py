"""A container whose image is not run here: a program, or Docker with the image, answers in its place.

`supervisor.py` starts the program and ends it. The program answers HTTP at a port of the loopback address, several
requests at once.
"""

import contextlib
import http.client
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from threading import Condition, Lock

from sagebridge.local.serving.container import (
    NOT_STARTED,
    SWEEPER,
    Container,
    Reply,
    RetiredError,
    Site,
    seconds_until,
)
from sagebridge.local.serving.model_data import DeployError, ModelData
from sagebridge.local.serving.output import Output
from sagebridge.local.serving.replacement import Replacement
from sagebridge.local.serving.supervisor import Order, ending

GRACE_SECONDS = 30.0
"""AWS's seconds between SIGTERM and SIGKILL; source: "Custom Inference Code with Hosting Services"."""
PING_TIMEOUT = 2.0
"""Seconds for one answer to /ping; the same source."""
REASON_LIMIT = 1024
"""Characters of an endpoint's FailureReason (botocore, FailureReason)."""
_LAST_LINES = "Its last lines: "
_PING_PAUSE = 0.05
_PORTS = cycle(random.sample(range(20000, 32000), 12000))
"""Ports that Linux does not give to connections, so that none takes a program's port before the program does.

Their order is this process's alone, so that programs that start at once, here or elsewhere, get different ones.
"""
_START_SECONDS = 60.0
"""Seconds for a supervisor to start, on a busy machine."""
_ENDING_SECONDS = 2.0
"""Seconds in which a supervisor sees that its program has ended, and ends what the program had started."""
_KILL_SECONDS = 10.0
"""Seconds for the kernel to end the processes of a program."""
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class Process:
    """A program that runs, with its supervisor.

    Args:
        order: what is to be run.
        port: the port at which the program answers.
        output: takes what the program prints.
    """

    def __init__(self, order: Order, port: int, output: Output) -> None:
        self._port = port
        self._lock = Lock()
        self._status: int | None = None
        self._received = b""
        self.last_lines = ""
        """What the program printed last, once it has ended."""
        self._control, end = socket.socketpair()
        self._output = output
        with end, output.opened() as file:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-P", str(_SUPERVISOR), str(end.fileno())],
                cwd="/",
                env={"LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=[end.fileno()],
                start_new_session=True,
            )
        try:
            self._control.sendall(json.dumps(order).encode() + b"\n")
            self.model_dir = str(self._receive(_START_SECONDS)["model_dir"])
            """Where the program sees the model."""
        except BaseException:
            self._supervisor.kill()
            self._close()
            raise

    def status(self) -> int | None:
        """Returns the exit status, negative for a signal, or None while the program runs."""
        return self._wait(0)

    def is_up(self) -> bool:
        """Returns whether the program runs. Its port tells first that it has ended, and its supervisor soon after."""
        if self.status() is not None:
            return False
        try:
            self._connect(time.monotonic() + _ENDING_SECONDS).close()
        except ConnectionRefusedError:
            return self._wait(_ENDING_SECONDS) is None
        except OSError:  # it is busy
            return True
        return True

    def stop(self, grace: float) -> None:
        """Ends the program as AWS does, by SIGTERM and some seconds later by SIGKILL, and waits until it is gone."""
        self._end(b"stop %f\n" % grace, grace + _KILL_SECONDS)

    def kill(self) -> None:
        """Ends the program and what it has started at once, and waits until they are gone."""
        self._end(b"kill\n", _KILL_SECONDS)

    @contextlib.contextmanager
    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], deadline: float
    ) -> Iterator[Reply]:
        """Sends a request to the program.

        Args:
            method: such as `POST`.
            path: such as `/invocations`.
            body: the request's body.
            headers: the request's headers.
            deadline: the time by which the answer must have come, in the seconds of `time.monotonic`.

        Raises:
            TimeoutError, OSError, http.client.HTTPException: the program gave no answer.
        """
        with contextlib.closing(self._connect(deadline)) as connection:
            stream = connection.sock
            connection.request(method, path, body, dict(headers))
            stream.settimeout(seconds_until(deadline))
            with connection.getresponse() as response:
                yield Reply(response, stream, deadline)

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        """Connects to the program, which may listen on either of the loopback's addresses."""
        try:
            return self._connect_to("127.0.0.1", deadline)
        except ConnectionRefusedError as refusal:
            try:
                return self._connect_to("::1", deadline)
            except OSError:
                raise refusal from None

    def _connect_to(self, host: str, deadline: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(host, self._port, timeout=seconds_until(deadline))
        connection.connect()
        return connection

    def _end(self, order: bytes, seconds: float) -> None:
        with contextlib.suppress(OSError):  # the program has ended already
            self._control.sendall(order)
        self._wait(seconds)
        self._close()

    def _wait(self, timeout: float) -> int | None:
        with self._lock:
            if self._status is None:
                try:
                    report = self._receive(timeout)
                    self._status, self.last_lines = int(str(report["status"])), str(report["last_lines"])
                except (TimeoutError, BlockingIOError):
                    return None
                except OSError:  # the supervisor is gone, and with it the program
                    self._status = -9
            return self._status

    def _receive(self, timeout: float) -> dict[str, object]:
        """Returns the supervisor's next report.

        Raises:
            OSError: there is none in time, or the supervisor has ended.
        """
        self._control.settimeout(timeout)
        while b"\n" not in self._received:
            piece = self._control.recv(65536)
            if not piece:
                raise ConnectionError("The supervisor ended.")
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        report: dict[str, object] = json.loads(line)
        return report

    def _close(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._supervisor.wait(_KILL_SECONDS)
        self._control.close()
        self._output.drain()


class Users:
    """Counts the requests that are being answered, until no more are taken."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._count = 0
        self._is_closed = False
        self.last_used = time.monotonic()
        """When the last request was answered."""

    @property
    def is_closed(self) -> bool:
        """Whether no more requests are taken."""
        return self._is_closed

    @property
    def count(self) -> int:
        """The number of requests that are being answered."""
        return self._count

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """Counts a request while it is being answered.

        Raises:
            RetiredError: no more requests are taken.
        """
        with self._condition:
            if self._is_closed:
                raise RetiredError
            self._count += 1
        try:
            yield
        finally:
            with self._condition:
                self._count -= 1
                self.last_used = time.monotonic()
                self._condition.notify_all()

    def close(self) -> None:
        """Takes no more requests."""
        self._is_closed = True

    def finish(self) -> None:
        """Takes no more requests, and waits until all are answered."""
        with self._condition:
            self._is_closed = True
            self._condition.wait_for(lambda: not self._count)


class ProgramContainer(Container):
    """A program in the place of a container of an instance.

    Args:
        name: the name that errors give it.
        data: the container's model data.
        replacement: what runs in the place of the container.
        ping_seconds: AWS's seconds within which the program must answer /ping.
        stream: the name of the stream of the endpoint's log that takes what the program prints.
        site: the deployment's site.
    """

    def __init__(  # noqa: PLR0913 - what its part has, its log, and the deployment's site
        self, name: str, data: ModelData, replacement: Replacement, ping_seconds: float, *, stream: str, site: Site
    ) -> None:
        super().__init__(name)
        self.warm = False
        """Whether an idle program is kept for ever."""
        self._data = data
        self._replacement = replacement
        self._ping_seconds = ping_seconds
        self._output = Output(site.log(stream))
        self._site = site
        self._lock = Lock()
        self._users = Users()
        self._process: Process | None = None

    def start(self, not_ready: str) -> None:
        """Makes the program run and answer /ping."""
        with self._lock:
            self._ensure(not_ready)

    @contextlib.contextmanager
    def exchange(self, body: bytes, headers: Mapping[str, str], deadline: float, path: str) -> Iterator[Reply]:
        """Passes a request on, and starts the program if it does not run."""
        with (
            self.running(deadline) as (process, extended),
            process.request("POST", path, body, headers, extended) as reply,
        ):
            yield reply

    @contextlib.contextmanager
    def running(self, deadline: float) -> Iterator[tuple[Process, float]]:
        """Keeps the program running, and starts it before that if it does not run.

        Args:
            deadline: the time by which a request must be answered, in the seconds of `time.monotonic`.

        Yields:
            The program, and the deadline, later by the time that the start took.

        Raises:
            RetiredError: the container no longer serves.
            DeployError: the program cannot be started.
            TimeoutError: another request waits for its start.
        """
        with self._users.one_more():
            if not self._lock.acquire(timeout=seconds_until(deadline)):
                raise TimeoutError
            try:
                before = time.monotonic()
                process = self._ensure(NOT_STARTED)
            finally:
                self._lock.release()
            yield process, deadline + time.monotonic() - before

    def retire(self) -> None:
        """Ends for good, after the requests that are being answered."""
        self._users.finish()
        with self._lock:
            self._stop()

    def kill(self) -> None:
        """Ends for good and at once, whatever is being answered."""
        self._users.close()
        process = self._process
        if process is not None:
            process.kill()

    def rest(self) -> bool:
        """Ends the program if it is idle; returns whether it still runs."""
        if self._lock.acquire(blocking=False):
            try:
                idle_seconds = time.monotonic() - self._users.last_used
                if not self.warm and not self._users.count and idle_seconds > self._site.settings.times().idle:
                    self._stop()
            finally:
                self._lock.release()
        return self._process is not None

    def _ensure(self, not_ready: str) -> Process:
        if self._process is not None:
            if self._process.is_up():
                return self._process
            self._process.kill()
            self._process = None
        try:
            return self._start(not_ready)
        except DeployError as error:
            self._output.note(error.cause)
            raise

    def _start(self, not_ready: str) -> Process:
        self._data.fetch()
        home = Path(tempfile.mkdtemp(dir=self._site.home, prefix=".home-"))
        try:
            port = _free_port()
            self._process = Process(self._replacement.order(home, self._data.folder, port), port, self._output)
        except OSError as error:
            shutil.rmtree(home, ignore_errors=True)
            raise DeployError(not_ready, f"The container's command cannot be started: {error}") from error
        if self._users.is_closed:  # `kill` may have missed it
            self._process.kill()
        try:
            self._await_ping(self._process, not_ready)
        except DeployError:
            self._stop()
            raise
        self._users.last_used = time.monotonic()
        SWEEPER.watch(self)
        return self._process

    def _await_ping(self, process: Process, not_ready: str) -> None:
        """Waits until the program answers /ping with 200.

        Raises:
            DeployError: it does not in time, or it ends.
        """
        began = time.monotonic()
        seen = "It does not listen on its port."
        while (status := process.status()) is None:
            if (time.monotonic() - began) * self._site.settings.times().pace > self._ping_seconds:
                raise DeployError(not_ready, f"No 200 from /ping within {self._ping_seconds:g} s. {seen}")
            try:
                with process.request("GET", "/ping", None, {}, time.monotonic() + PING_TIMEOUT) as reply:
                    if reply.whole().status == http.client.OK:
                        return
                    seen = f"The last answer had the status {reply.status}."
            except TimeoutError:
                seen = f"The last request was not answered within {PING_TIMEOUT:g} s."
            except (OSError, http.client.HTTPException) as error:
                seen = f"The last request failed: {error or type(error).__name__}."
            time.sleep(_PING_PAUSE)
        reason = f"{not_ready} {ending(status)} "
        room = REASON_LIMIT - len(reason) - len(_LAST_LINES)
        lines = f"{_LAST_LINES}{process.last_lines[-room:]}" if process.last_lines else "It printed nothing."
        raise DeployError(reason + lines, ending(status))

    def _stop(self) -> None:
        if self._process is not None:
            self._process.stop(GRACE_SECONDS / self._site.settings.times().pace)
        self._process = None


def _free_port() -> int:
    """Returns a port at which nobody listens.

    Raises:
        OSError: none was found.
    """
    for port in islice(_PORTS, 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port is free on 127.0.0.1.")
