"""Starts, stops, inspects and resets the local AWS, from outside the server's process.

Importing this loads neither moto nor the server.
"""

import contextlib
import http.client
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sagebridge.errors import UserError
from sagebridge.extras import require
from sagebridge.files import write_file, write_new_file
from sagebridge.local import CONTROL_PATH, PORT, REGION, environment, images
from sagebridge.local.credentials import NOT_RUNNING, is_locked
from sagebridge.processes import HeldSignals

START_SECONDS = 60.0
STOP_SECONDS = 20.0
DYING_SECONDS = 1.0
"""Seconds for the kernel to release the files of a process that was killed."""
_SAVED = ("state", "endpoints", "logs", "regions", "server.json", "server.log", "settings.json", images.FILE)
"""What a reset removes."""
PASSED = (
    *("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("XDG_CACHE_HOME", "PYENV_ROOT"),  # where the Pythons of images are
)
"""What the server gets of the caller's environment.

Handlers run as the server's user, and can read the environment that a process was started with. So it must have no
secrets of the caller's shell, and no profile that is meant for clients.
"""

_MISREAD = {"$": "botocore", " #": "the AWS SDK for Go", " ;": "the AWS SDK for Go"}
"""What a folder must not have in its name, with the tool that takes it for a variable or a comment in a config file."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    """The address, such as `http://127.0.0.1:5555`."""
    pid: int
    """The number of the process."""
    endpoints: int
    """The number of SageMaker endpoints."""
    buckets: int
    """The number of S3 buckets."""
    regions: tuple[str, ...]
    """The regions in which SageMaker is used, the usual one first."""


def default_directory() -> Path:
    """Returns the folder of the local AWS: LOCAL_AWS_DIR, or `sagebridge/aws` in the user's folder for state (XDG)."""
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():  # which XDG says to ignore; it would be another folder for each folder of work
        state = Path.home() / ".local" / "state"
    return Path(os.environ.get("LOCAL_AWS_DIR") or state / "sagebridge" / "aws").resolve()


def log_file(directory: Path) -> Path:
    """Returns the server's log file."""
    return directory / "server.log"


def write_config(directory: Path, url: str) -> None:
    """Writes `DIRECTORY/config`, the AWS config file whose profile `local` leads all tools to this server."""
    write_file(directory / "config", _config(directory, url))


def prepare(directory: Path) -> None:
    """Makes the folder and its config file, so that tools say how to start a server that never ran yet.

    Raises:
        UserError: The folder cannot be written, or a tool would misread its name.
    """
    for signs, reader in _MISREAD.items():
        if signs in str(directory):
            raise UserError(
                f"The local AWS cannot use the folder {directory}: {reader} misreads the {signs.strip()!r} in its "
                "name. Set LOCAL_AWS_DIR to another folder."
            )
    with _writing(directory):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment.pulumi_state(directory).mkdir(exist_ok=True)
        if not (directory / "config").exists():
            # A server may have started meanwhile and written its address, which must stay.
            write_new_file(directory / "config", _config(directory, f"http://127.0.0.1:{PORT}"))


@contextlib.contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """Turns what the system says of a folder that cannot be written into a message."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The local AWS cannot write its folder {directory}: {error.strerror}. "
            "Free space or make it writable, or set LOCAL_AWS_DIR to another folder."
        ) from error


def _config(directory: Path, url: str) -> bytes:
    command = shlex.join([sys.executable, "-IS", str(Path(__file__).with_name("credentials.py")), str(directory)])
    return f"[profile local]\nregion = {REGION}\nendpoint_url = {url}\ncredential_process = {command}\n".encode()


def find(directory: Path) -> Running | None:
    """Returns the server of a folder, if it runs and says that it is that server."""
    try:
        recorded = json.loads((directory / "server.json").read_text())
        answer = _ask(recorded["url"], "GET", CONTROL_PATH)
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return None
    if (answer.get("pid"), answer.get("directory")) != (recorded["pid"], str(directory)):
        return None
    regions = tuple(answer.get("regions", [REGION]))  # a server of an earlier version has one, and does not say so
    return Running(recorded["url"], recorded["pid"], answer["endpoints"], answer["buckets"], regions)


def start(directory: Path) -> tuple[Running, bool]:
    """Starts the server unless it runs, and waits until it answers.

    Returns:
        The server, and whether it ran before.

    Raises:
        UserError: it cannot be started.
    """
    prepare(directory)
    if running := find(directory):
        return running, True
    require("local")
    with HeldSignals() as signals:
        process = _spawn(directory)
        try:
            signals.release()
            return _answering(directory, process)
        except BaseException:  # an interrupt too must not leave a server that nobody has been told of
            process.kill()
            process.wait()
            raise


def _answering(directory: Path, process: subprocess.Popen[bytes]) -> tuple[Running, bool]:
    """Waits until a server answers that was started, or one that was quicker; see `start`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running := find(directory):
            if running.pid == process.pid:
                return running, False
            process.kill()  # another start was quicker; ours must not take over when that server stops
            process.wait()
            return running, True
        if process.poll() is not None and not is_locked(str(directory)):  # it gave up, and not because another starts
            raise UserError(_last_words(directory))
        time.sleep(0.05)
    raise UserError(f"The local AWS does not answer after {START_SECONDS:.0f} s. Its log: {log_file(directory)}")


def stop(directory: Path) -> bool:
    """Ends the server and waits until it is gone.

    Returns:
        Whether it ran.

    Raises:
        UserError: a server holds the folder and does not end, or does not answer.
    """
    running = find(directory)
    if running is None:
        deadline = time.monotonic() + DYING_SECONDS
        while is_locked(str(directory)):
            if time.monotonic() > deadline:
                raise UserError(
                    f"A server holds {directory} and does not answer. Try again; if it stays so, end the process "
                    f"that {directory / 'server.json'} names. Its log: {log_file(directory)}"
                )
            time.sleep(0.02)
        (directory / "server.json").unlink(missing_ok=True)
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while is_locked(str(directory)):
        if time.monotonic() > deadline:
            raise UserError(f"Process {running.pid} does not end. See {log_file(directory)}")
        time.sleep(0.05)
    return True


def reset(directory: Path) -> bool:
    """Stops the server if it runs, and removes everything that it saved.

    Returns:
        Whether it ran.
    """
    ran = stop(directory)
    for name in _SAVED:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return ran


def set_times(directory: Path, **members: float) -> dict[str, float]:
    """Sets some of the running server's times, by the names of the fields of `local.times.Times`.

    Args:
        directory: the server's folder.
        members: the times to set, in seconds, and the pace; without any, all stay.

    Returns:
        All of its times, as they are now.

    Raises:
        UserError: the server does not run, or refuses a value.
    """
    return _change(directory, "times", members)


def fault(directory: Path, kind: str, **members: float | str) -> list[dict[str, Any]]:
    """Adds a fault to the running server.

    Args:
        directory: the server's folder.
        kind: one of `local.FAULTS`.
        members: the other fields of `local.faults.Fault`.

    Returns:
        All faults that there are now.

    Raises:
        UserError: the server does not run, or has no such fault.
    """
    return _change_faults(directory, {"kind": kind, **members})


def faults(directory: Path) -> list[dict[str, Any]]:
    """Returns the faults of the running server.

    Raises:
        UserError: the server does not run.
    """
    return _change_faults(directory, {})


def clear_faults(directory: Path) -> None:
    """Removes all faults of the running server.

    Raises:
        UserError: the server does not run.
    """
    _change_faults(directory, {"clear": True})


def _change_faults(directory: Path, members: dict[str, Any]) -> list[dict[str, Any]]:
    active: list[dict[str, Any]] = _change(directory, "faults", members)["faults"]
    return active


def _change(directory: Path, setting: str, members: dict[str, Any]) -> dict[str, Any]:
    """Changes settings of the running server, and returns them; without members, it changes nothing."""
    running = find(directory)
    if running is None:
        raise UserError(NOT_RUNNING)
    answer = _ask(running.url, "PUT", f"{CONTROL_PATH}/{setting}", json.dumps(members))
    if "message" in answer:
        raise UserError(answer["message"])
    return answer


def _ask(url: str, method: str, path: str, body: str | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request(method, path, body)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


def _spawn(directory: Path) -> subprocess.Popen[bytes]:
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    passed |= {"MOTO_DISABLE_GLOBAL_CORS": "1", "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"}
    with _writing(directory), log_file(directory).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "sagebridge.local.server", str(directory)],
            cwd=directory,
            env=passed,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _last_words(directory: Path) -> str:
    lines = log_file(directory).read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    if last.startswith("error: "):
        return last.removeprefix("error: ")
    return f"The local AWS could not be started: {last or 'it gives no reason'}. Its log: {log_file(directory)}"
