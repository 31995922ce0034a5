"""A container of an instance, and the process that serves one: started when it is needed, ended when it is not."""

import contextlib
import http.client
import json
import shlex
import shutil
import socket
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol
from weakref import WeakSet

from sagebridge.containers.errors import NotServedError
from sagebridge.containers.fit import misfit
from sagebridge.containers.launch import is_known
from sagebridge.local.serving.code import Code
from sagebridge.local.serving.forks import FORKS, Child
from sagebridge.local.serving.model_data import Aws, DeployError, ModelData
from sagebridge.local.serving.output import Output
from sagebridge.local.settings import Settings

PING_SECONDS = 240.0
"""Seconds for a container to answer /ping, unless ContainerStartupHealthCheckTimeoutInSeconds says otherwise."""
INVOKE_SECONDS = 60.0
"""Seconds; AWS: "model containers must respond to requests within 60 seconds"."""
SWEEP_SECONDS = 0.5
"""Seconds between two looks for idle processes."""
NO_RESPONSE = (
    "Your invocation timed out while waiting for a response from container {container}. Review the latency "
    "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
"""AWS's own words."""
NOT_RUN = (
    "The local AWS cannot serve the image {image}, because it does not know what this image does. Say what runs "
    "instead of it: sagebridge local image {pattern} -- COMMAND, or have Docker run the image itself: "
    "sagebridge local image {pattern} --docker. Then deploy again."
)
NOT_STARTED = "The container could not be started."
_CHUNK = 64 * 1024


class RetiredError(Exception):
    """The container was retired while the request was on its way; another container takes the request."""


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    """The HTTP status; 0 for no answer, with the reason as the body."""
    headers: Mapping[str, str]
    """The headers, with names in lower case."""
    body: bytes
    """The whole body."""

    @property
    def good(self) -> bool:
        """Whether the answer is a success."""
        return http.client.OK <= self.status < http.client.MULTIPLE_CHOICES


@dataclass(frozen=True)
class Site:
    """What all containers of a deployment share."""

    home: Path
    """The folder of the deployment."""
    aws: Aws
    """The account's other services."""
    log: Callable[[str], Callable[[bytes], object]]
    """Returns what appends lines to a stream of the endpoint's log, by the stream's name."""
    settings: Settings
    """What is set at the moment."""


class Reply:
    """A container's answer on its way.

    Args:
        response: the HTTP response.
        connection: the connection on which the response comes.
        deadline: the time by which all of it must have come, in the seconds of `time.monotonic`.
    """

    def __init__(self, response: http.client.HTTPResponse, connection: socket.socket, deadline: float) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self._response = response
        self._connection = connection
        self._deadline = deadline

    def chunks(self) -> Iterator[bytes]:
        """Yields the body as it comes.

        Raises:
            TimeoutError, OSError, http.client.HTTPException: the rest of the body does not come.
        """
        while True:
            self._connection.settimeout(seconds_until(self._deadline))
            read = self._response.read1 if self._response.length is None else self._response.read
            chunk = read(_CHUNK)
            if not chunk:
                if self._response.length:  # it broke off
                    raise http.client.IncompleteRead(b"", self._response.length)
                return
            yield chunk

    def whole(self) -> Answer:
        """Waits for the whole answer; raises what `chunks` raises."""
        return Answer(self.status, self.headers, b"".join(self.chunks()))


class Container(ABC):
    """A container of an instance, or a model of a multi-model container.

    Args:
        name: the name that errors give it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def exchange(
        self, body: bytes, headers: Mapping[str, str], deadline: float, path: str
    ) -> contextlib.AbstractContextManager[Reply]:
        """Passes a request on, and starts what answers it if it does not run.

        Args:
            body: the request's body.
            headers: the request's headers.
            deadline: the time by which the answer must have come, in the seconds of `time.monotonic`.
            path: the path at which the container is asked.

        Raises:
            RetiredError: the container no longer serves.
            DeployError: what answers cannot be started.
            TimeoutError, OSError, http.client.HTTPException: there is no answer.
        """

    @abstractmethod
    def retire(self) -> None:
        """Ends for good, after the requests that are being answered."""

    @abstractmethod
    def kill(self) -> None:
        """Ends for good and at once, whatever is being answered."""

    def invoke(self, body: bytes, headers: Mapping[str, str], deadline: float, path: str) -> Answer:
        """Passes a request on and waits for the answer, which has the status 0 if the container gives none.

        Raises:
            RetiredError: the container no longer serves.
        """
        try:
            with self.exchange(body, headers, deadline, path) as reply:
                return reply.whole()
        except (OSError, http.client.HTTPException, DeployError) as error:
            return no_answer(self.name, error)


class HandlerContainer(Container):
    """A container that serves a handler, by the contract of its image.

    Its process answers one request at a time.

    Args:
        name: the name that errors give it.
        data: the container's model data.
        code: the code of its handler.
        ping_seconds: the most seconds that loading the model may take.
        stream: the name of the stream of the endpoint's log that takes what the processes print.
        site: the deployment's site.
    """

    def __init__(  # noqa: PLR0913 - what its part has, its log, and the deployment's site
        self, name: str, data: ModelData, code: Code, ping_seconds: float, *, stream: str, site: Site
    ) -> None:
        super().__init__(name)
        self.warm = False
        """Whether an idle process is kept for ever."""
        self._data = data
        self._code = code
        self._ping_seconds = ping_seconds
        self._output = Output(site.log(stream))
        self._site = site
        self._lock = Lock()
        self._used = time.monotonic()
        self._retired = False
        self._child: Child | None = None
        self._http = http.client.HTTPConnection("localhost")
        self._home = Path()

    def start(self, not_ready: str) -> None:
        """Makes the process run and answer /ping.

        Args:
            not_ready: AWS's reason for an endpoint whose container does not.

        Raises:
            DeployError: the process does not run or does not answer.
        """
        with self._lock:
            self._ensure(not_ready)

    @contextlib.contextmanager
    def exchange(self, body: bytes, headers: Mapping[str, str], deadline: float, path: str) -> Iterator[Reply]:
        """Passes a request on, and starts the process if it does not run.

        A process that has not given its whole answer when this ends is killed: it would go on with a request that
        nobody waits for.
        """
        if not self._lock.acquire(timeout=seconds_until(deadline)):
            raise TimeoutError
        try:
            if self._retired:
                raise RetiredError
            before = time.monotonic()
            connection = self._ensure(NOT_STARTED).connection
            extended = deadline + time.monotonic() - before  # the caller's time does not include loading the model
            response = None
            try:
                connection.settimeout(seconds_until(extended))
                self._http.request("POST", path, body, dict(headers))
                response = self._http.getresponse()
                yield Reply(response, connection, extended)
            finally:
                if response is None or not response.isclosed():
                    self._end()
                self._used = time.monotonic()
        finally:
            self._lock.release()

    def retire(self) -> None:
        """Ends for good, after the request that is being answered."""
        with self._lock:
            self._retired = True
            self._end()

    def kill(self) -> None:
        """Ends for good and at once, whatever is being answered."""
        self._retired = True
        child = self._child
        if child is not None:
            child.signal_end()
        with self._lock:
            self._end()

    def rest(self) -> bool:
        """Ends the process if it is idle; returns whether it still runs."""
        if self._lock.acquire(blocking=False):
            try:
                idle_seconds = time.monotonic() - self._used
                if self._child is not None and not self.warm and idle_seconds > self._site.settings.times().idle:
                    self._end()
            finally:
                self._lock.release()
        return self._child is not None

    def _ensure(self, not_ready: str) -> Child:
        if self._child is not None and _is_open(self._child.connection):
            return self._child
        self._end()
        try:
            return self._start(not_ready)
        except DeployError as error:
            self._output.note(error.cause)
            raise

    def _start(self, not_ready: str) -> Child:
        image = self._code.definition.image
        if not is_known(image):
            reason = NOT_RUN.format(image=image, pattern=shlex.quote(image))
            raise DeployError(reason, reason)
        self._data.fetch()
        versions = self._data.folder / "versions.json"
        try:
            cause = misfit(image, json.loads(versions.read_bytes()) if versions.exists() else {})
        except (ValueError, AttributeError) as error:
            raise DeployError(not_ready, f"The archive's versions.json is no JSON object: {error}") from error
        if cause:
            raise DeployError(not_ready, f"The archive does not fit its image: {cause}.")
        loads_none = self._code.definition.is_multi_model and self._data.is_empty
        try:
            launch = self._code.launch(None if loads_none else self._data.folder, self._output.note)
        except NotServedError as error:
            raise DeployError(not_ready, str(error)) from error
        self._home = Path(tempfile.mkdtemp(dir=self._data.folder.parent, prefix=".home-"))
        try:
            environment = self._code.definition.process_environment(self._data.folder, self._home)
            with self._output.opened() as output:
                child = self._child = FORKS.spawn(launch, environment, self._home, output)
            self._http.sock = child.connection
            child.connection.settimeout(self._ping_seconds)
            self._http.request("GET", "/ping")
            answer = self._http.getresponse()
            answer.read()
        except TimeoutError as error:
            self._end()
            raise DeployError(not_ready, f"No answer to /ping within {self._ping_seconds:.0f} s.") from error
        except (OSError, http.client.HTTPException) as error:
            status = self._child and self._child.wait(1)
            self._end()
            raise DeployError(not_ready, f"The worker ended with status {status}; see above.") from error
        if answer.status != http.client.OK:
            self._end()
            raise DeployError(not_ready, f"The answer to /ping has the status {answer.status}.")
        self._used = time.monotonic()
        SWEEPER.watch(self)
        return child

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._output.drain()
            self._http.close()
            shutil.rmtree(self._home, ignore_errors=True)
        self._child = None


class _Sleeper(Protocol):
    """What has a process that ends when it is idle."""

    def rest(self) -> bool:
        """Ends the process if it is idle; returns whether it still runs."""


class _Sweeper:
    """Ends idle processes, in a thread that lives while there are any processes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: WeakSet[_Sleeper] = WeakSet()
        self._thread: Thread | None = None

    def watch(self, container: _Sleeper) -> None:
        """Watches a container whose process was started."""
        with self._lock:
            self._running.add(container)
            if self._thread is None:
                self._thread = Thread(target=self._sweep, name="idle processes", daemon=True)
                self._thread.start()

    def _sweep(self) -> None:
        while True:
            time.sleep(SWEEP_SECONDS)
            with self._lock:
                watched = list(self._running)
            ended = [container for container in watched if not container.rest()]
            with self._lock:
                self._running.difference_update(container for container in ended if not container.rest())
                if not self._running:
                    self._thread = None
                    return


SWEEPER = _Sweeper()


def no_answer(name: str, error: Exception) -> Answer:
    """Returns the answer for an error that kept a container from answering."""
    if isinstance(error, TimeoutError):
        return Answer(0, {}, NO_RESPONSE.format(container=name).encode())
    return Answer(0, {}, f"The container gave no response: {getattr(error, 'cause', error)}".encode())


def seconds_until(deadline: float) -> float:
    """Returns the seconds until a deadline, but never 0, which a socket takes for "do not wait"."""
    return max(0.001, deadline - time.monotonic())


def _is_open(connection: socket.socket) -> bool:
    """Returns whether a process still has its end of a connection: the kernel closes it when the process ends."""
    connection.settimeout(0)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except OSError:
        return False
