"""Start, stop, inspect and reset the local AWS, from outside the server's process.

Importing this loads neither moto nor the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sagebridge.files import write_file
from sagebridge.local import CONTROL_PATH, PORT, REGION, LocalError

START_SECONDS = 60.0
STOP_SECONDS = 20.0
DYING_SECONDS = 1.0  # for the kernel to take the files of a process that was killed
_OWN = ("state", "endpoints", "server.json", "server.log", "settings.json")  # what a reset removes

# What the server gets of the caller's environment. Handlers run as its user, and can read the environment that a
# process was started with: secrets of the caller's shell must not be there, nor a profile meant for clients.
_PASSED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        url: its address, such as `http://127.0.0.1:5555`.
        pid: its process.
        endpoints: how many SageMaker endpoints it has.
        buckets: how many S3 buckets it has.
    """

    url: str
    pid: int
    endpoints: int
    buckets: int


def default_directory() -> Path:
    """Return the local AWS's directory: LOCAL_AWS_DIR, or `sagebridge/aws` in the user's folder for state (XDG)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(os.environ.get("LOCAL_AWS_DIR") or Path(state, "sagebridge", "aws")).resolve()


def log_file(directory: Path) -> Path:
    """Give the server's log file."""
    return directory / "server.log"


def write_config(directory: Path, url: str) -> None:
    """Write `DIRECTORY/config`, the AWS config file whose profile `local` leads all tools to this server."""
    command = shlex.join([sys.executable, "-IS", str(Path(__file__).with_name("credentials.py")), str(directory)])
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = f"[profile local]\nregion = {REGION}\nendpoint_url = {url}\ncredential_process = {command}\n"
    write_file(directory / "config", config.encode())


def prepare(directory: Path) -> None:
    """Make the directory and its config file, so that tools say how to start a server that never ran yet."""
    if not (directory / "config").exists():
        write_config(directory, f"http://127.0.0.1:{PORT}")


def find(directory: Path) -> Running | None:
    """Find the directory's server, asking it whether it is that server."""
    try:
        recorded = json.loads((directory / "server.json").read_text())
        answer = _ask(recorded["url"], "GET", CONTROL_PATH)
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return None
    if (answer.get("pid"), answer.get("directory")) != (recorded["pid"], str(directory)):
        return None
    return Running(recorded["url"], recorded["pid"], answer["endpoints"], answer["buckets"])


def start(directory: Path) -> tuple[Running, bool]:
    """Start the server unless it runs, and wait until it answers.

    Returns:
        The server, and whether it ran before.

    Raises:
        LocalError: it could not be started.
    """
    prepare(directory)
    if running := find(directory):
        return running, True
    process = _spawn(directory)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running := find(directory):
            if running.pid == process.pid:
                return running, False
            process.kill()  # another start was quicker; ours must not take over when that server stops
            process.wait()
            return running, True
        if process.poll() is not None and not _is_locked(directory):  # it gave up, and not because another starts
            raise LocalError(_last_words(directory))
        time.sleep(0.05)
    raise LocalError(f"The local AWS does not answer after {START_SECONDS:.0f} s. Its log: {log_file(directory)}")


def stop(directory: Path) -> bool:
    """End the server and wait until it is gone.

    Returns:
        Whether there was one.

    Raises:
        LocalError: something holds the directory and is not to be ended.
    """
    running = find(directory)
    if running is None:
        deadline = time.monotonic() + DYING_SECONDS
        while _is_locked(directory):
            if time.monotonic() > deadline:
                raise LocalError(
                    f"A server holds {directory} and does not answer. Try again; if it stays so, end the process "
                    f"that {directory / 'server.json'} names. Its log: {log_file(directory)}"
                )
            time.sleep(0.02)
        (directory / "server.json").unlink(missing_ok=True)
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_locked(directory):
        if time.monotonic() > deadline:
            raise LocalError(f"Process {running.pid} does not end. See {log_file(directory)}")
        time.sleep(0.05)
    return True


def reset(directory: Path) -> bool:
    """Stop the server if it runs, and remove everything that it saved.

    Returns:
        Whether it ran.
    """
    ran = stop(directory)
    for name in _OWN:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return ran


def set_times(directory: Path, **members: float) -> dict[str, float]:
    """Set some of the running server's times, named as the attributes of `local.times.Times`.

    Args:
        directory: the server's.
        members: the times to set, in seconds, and the pace; none leaves all as they are.

    Returns:
        All of its times, as they are now.

    Raises:
        LocalError: the server does not run, or refuses a value.
    """
    return _settle(directory, "times", members)


def fault(directory: Path, kind: str, **members: float | str) -> list[dict[str, Any]]:
    """Have something go wrong on the running server.

    Args:
        directory: the server's.
        kind: one of `local.FAULTS`.
        members: the other attributes of `local.faults.Fault`.

    Returns:
        All the faults that there are.

    Raises:
        LocalError: the server does not run, or has no such fault.
    """
    return _faults(directory, {"kind": kind, **members})


def faults(directory: Path) -> list[dict[str, Any]]:
    """List the faults of the running server.

    Raises:
        LocalError: the server does not run.
    """
    return _faults(directory, {})


def clear_faults(directory: Path) -> None:
    """Have nothing go wrong any more.

    Raises:
        LocalError: the server does not run.
    """
    _faults(directory, {"clear": True})


def _faults(directory: Path, members: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _settle(directory, "faults", members)["faults"]
    return found


def _settle(directory: Path, what: str, members: dict[str, Any]) -> dict[str, Any]:
    """Change settings of the running server; no members change nothing."""
    running = find(directory)
    if running is None:
        raise LocalError("The local AWS is not running. Start it with: sagebridge local start")
    answer = _ask(running.url, "PUT", f"{CONTROL_PATH}/{what}", json.dumps(members))
    if "message" in answer:
        raise LocalError(answer["message"])
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
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    environment |= {"MOTO_DISABLE_GLOBAL_CORS": "1", "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"}
    with log_file(directory).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "sagebridge.local.server", str(directory)],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _is_locked(directory: Path) -> bool:
    """Tell whether a server lives: the kernel gives its lock back when the process ends, however it ends."""
    try:
        with (directory / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _last_words(directory: Path) -> str:
    lines = log_file(directory).read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    if last.startswith("error: "):
        return last.removeprefix("error: ")
    return f"The local AWS could not be started: {last or 'no word why'}. Its log: {log_file(directory)}"
