"""One container of an endpoint: its unpacked archive, and the process that serves it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from local.sagemaker import containers
from local.serving.archive import misfit, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.sagemaker import Record

PING_SECONDS = 240.0  # for a worker to load its model
INVOKE_SECONDS = 60.0  # AWS: "The timeout for the container to respond … is 1 minute"
# AWS's own words
NO_DATA = (
    'Failed to download model data for container "{container}" from URL: "{url}". '
    "Please ensure that there is an object located at the URL and that the role passed to CreateModel "
    "has permissions to download the model."
)
NO_ARCHIVE = (
    'Failed to extract model data archive for container "{container}" from URL "{url}". '
    "Please ensure that the object located at the URL is a valid tar.gz archive."
)
_WORKER = Path(__file__).with_name("worker.py")
_THREAD_COUNTS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Aws(Protocol):
    """What an endpoint needs of the account's other services."""

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Open an S3 object, or give None when there is none."""

    def trust_policy(self, role_arn: str) -> dict[str, Any] | None:
        """Give an IAM role's trust policy, or None when there is no such role."""


class DeployError(Exception):
    """A deployment came to nothing.

    Args:
        reason: AWS's FailureReason.
        cause: what really went wrong, for the endpoint's log.
    """

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class RetiredError(Exception):
    """The fleet was replaced while the request was on its way."""


@dataclass(frozen=True)
class Answer:
    """What a container answered: status, headers with names in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Worker:
    """One container of one variant: its unpacked archive and the process that serves it.

    Args:
        home: the folder for what is unpacked; it stays when the server stops.
        model: the model's record.
        number: which of the model's containers, from 1.
        aws: where the archive comes from.
        log_file: takes what the process prints.
    """

    def __init__(self, home: Path, model: Record, number: int, aws: Aws, log_file: Path) -> None:
        found = containers(model)
        self._container: Record = found[number - 1]
        self._label = f"container_{number}"
        default_name = "primary" if len(found) == 1 else self._label
        self.name: str = self._container.get("ContainerHostname", default_name)
        self._model_dir = home
        self._aws = aws
        self._log_file = log_file
        self._lock = Lock()  # the process answers one request at a time
        self._retired = False
        self._process: subprocess.Popen[bytes] | None = None
        self._room = Path()

    def start(self, not_ready: str) -> None:
        """Make the worker answer /ping.

        Args:
            not_ready: the reason to give when it does not.

        Raises:
            DeployError: it cannot.
        """
        if not self._model_dir.exists():
            self._fetch(not_ready)
        versions = self._model_dir / "versions.json"
        try:
            cause = misfit(self._container["Image"], json.loads(versions.read_bytes()) if versions.exists() else {})
        except (ValueError, AttributeError) as error:
            raise DeployError(not_ready, f"The archive's versions.json is no JSON object: {error}") from error
        if cause:
            raise DeployError(not_ready, cause)
        self._room = Path(tempfile.mkdtemp(prefix="local-aws-"))  # a socket's path must be short
        self._process = self._run()
        deadline = time.monotonic() + PING_SECONDS
        while not self._pings():
            if self._process.poll() is not None:
                raise DeployError(not_ready, f"The worker ended with status {self._process.returncode}; see above.")
            if time.monotonic() > deadline:
                self.kill()
                raise DeployError(not_ready, f"The worker did not answer /ping within {PING_SECONDS:.0f} s.")
            time.sleep(0.02)

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Pass one request on, starting the worker when it is not running.

        Raises:
            RetiredError: the fleet does not serve any more.
            DeployError: the worker cannot be started.
            OSError, http.client.HTTPException: it gave no answer.
        """
        with self._lock:
            if self._retired:
                raise RetiredError
            with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):  # nobody listens: it is dead
                if self._process is not None:
                    return self._post(body, headers)
            self.kill()
            self.start("The container could not be started.")
            return self._post(body, headers)

    def retire(self) -> None:
        """End for good, after the request that is being answered."""
        with self._lock:
            self._retired = True
            self.kill()

    def kill(self) -> None:
        """End the process now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._clear()

    def _clear(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            shutil.rmtree(self._room, ignore_errors=True)
        self._process = None

    def _fetch(self, not_ready: str) -> None:
        source = self._container.get("ModelDataSource", {}).get("S3DataSource")
        if source is None:
            raise DeployError(not_ready, "The local worker needs model data: give the container a ModelDataUrl.")
        if (source["S3DataType"], source["CompressionType"]) != ("S3Object", "Gzip"):
            raise DeployError(not_ready, "The local worker takes model data as one .tar.gz object only.")
        url = source["S3Uri"]
        bucket, _, key = url.removeprefix("s3://").partition("/")
        archive = self._aws.open_object(bucket, key)
        if archive is None:
            raise DeployError(
                NO_DATA.format(container=self._label, url=url),
                f"There is no object at {url}.",
            )
        with archive:
            try:
                unpack(archive, self._model_dir)
            except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
                raise DeployError(
                    NO_ARCHIVE.format(container=self._label, url=url),
                    f"{url} cannot be unpacked: {type(error).__name__}: {error}",
                ) from error

    def _run(self) -> subprocess.Popen[bytes]:
        """Start the process with the container's environment, and nothing of the server's."""
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self._room),
            "TMPDIR": str(self._room),
            "PYTHONUNBUFFERED": "1",
            **dict.fromkeys(_THREAD_COUNTS, "1"),
            **self._container.get("Environment", {}),
            "SM_MODEL_DIR": str(self._model_dir),
        }
        with self._log_file.open("ab") as output:
            return subprocess.Popen(  # -P: the server's own modules are not the handler's to import
                [sys.executable, "-P", str(_WORKER), str(self._model_dir), str(self._room / "socket")],
                cwd=self._model_dir,
                env=environment,
                stdin=subprocess.PIPE,  # its end tells the worker that the server is gone
                stdout=output,
                stderr=output,
            )

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return self._ask("POST", "/invocations", INVOKE_SECONDS, body, headers)
        except TimeoutError:
            self.kill()  # it would go on with a request that nobody waits for
            raise

    def _pings(self) -> bool:
        try:
            return self._ask("GET", "/ping", 2.0).status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def _ask(
        self,
        method: str,
        path: str,
        timeout: float,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = _UnixConnection(self._room / "socket", timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
