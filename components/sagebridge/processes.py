"""Runs other commands, such as `pulumi` and `terraform`, to their end, and leaves none of their processes behind."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

from sagebridge.errors import UserError

INTERRUPTED_SECONDS = 60.0
"""How long a command that is interrupted may take: `pulumi` waits for what it has begun, and unlocks the stack."""
TERMINATED_SECONDS = 5.0
"""How long a command may take after SIGTERM before it is killed."""
_DEFAULTS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""What Python does at the signals that end a process, unless somebody has changed it."""


def run(  # noqa: PLR0913 - few of what subprocess.run takes
    command: Sequence[str],
    *,
    seconds: float,
    shown: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    explain: Callable[[str], str] = str,
) -> str:
    """Runs a command and returns what it prints.

    Args:
        command: The command with its arguments.
        seconds: The longest that it may take.
        shown: What a message calls the command. Default is all of it.
        cwd: The folder that it runs in. Default is the current one.
        env: All of its environment. Default is this process's.
        stdin: What it reads; secrets go this way.
        explain: Turns what a command that failed has printed into what the message says of it.

    Raises:
        UserError: The command is not on the PATH, fails, or takes too long.
    """
    shown = shown or " ".join(command)
    try:
        done = complete(command, seconds=seconds, stdin=stdin, cwd=cwd, env=env, text=True, encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            f'{command[0]} is not on the PATH; install it, or in the checkout of sagebridge: eval "$(make -s env)"'
        ) from error
    except subprocess.TimeoutExpired:
        raise UserError(f"`{shown}` did not end within {seconds} s") from None  # its cause would hold the arguments
    if done.returncode:
        printed = explain((done.stderr or done.stdout).strip())
        raise UserError(f"`{shown}` failed with exit code {done.returncode}: {printed}")
    output: str = done.stdout
    return output


def complete(
    command: Sequence[str],
    *,
    seconds: float | None,
    stdin: str | bytes = "",
    **options: Any,  # noqa: ANN401 - as Popen
) -> subprocess.CompletedProcess[Any]:
    """Runs a command to its end as `subprocess.run` does, and returns its exit code and what it prints.

    Args:
        command: The command with its arguments.
        seconds: The longest that it may take.
        stdin: What it reads.
        options: What else `subprocess.Popen` takes.

    Raises:
        subprocess.TimeoutExpired: It takes too long.
    """
    pipe = subprocess.PIPE
    with session(command, stdin=pipe, stdout=pipe, stderr=pipe, **options) as process:
        output, error_output = process.communicate(stdin or None, timeout=seconds)
    return subprocess.CompletedProcess(command, process.returncode, output, error_output)


@contextmanager
def session(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:  # noqa: ANN401 - as Popen
    """Starts a command in a session of its own, and ends all that is left of the session when the command ends.

    `pulumi` leaves plugins running when it fails or is killed, and after some commands always. They are in process
    groups of their own and lose their parent, but they stay in the session. A process that begins a session of its own,
    as the local AWS does, is meant to stay.

    A command that still runs when the block ends is terminated. As the session has no terminal, an interrupt reaches
    this process only. It is passed on as a terminal would do it, and the block's end waits for the command; a second
    interrupt terminates the command. SIGTERM and SIGHUP do the same as an interrupt.

    Args:
        command: The command with its arguments.
        options: What else `subprocess.Popen` takes.
    """
    with HeldSignals() as signals, subprocess.Popen(command, start_new_session=True, **options) as process:
        # What is left may hold the pipes on which the block waits for the command's output to end.
        sweeper = threading.Thread(target=_sweep, args=(process,), daemon=True)
        sweeper.start()
        try:
            signals.release()
            yield process
        except (KeyboardInterrupt, SystemExit):
            _signal(process, signal.SIGINT, INTERRUPTED_SECONDS)
            raise
        finally:
            try:
                _signal(process, signal.SIGTERM, TERMINATED_SECONDS)
            finally:
                process.kill()
                sweeper.join()


class HeldSignals:
    """Has SIGINT, SIGTERM and SIGHUP raise an exception, but not before `release`.

    A process that is being started is not known until its start returns, so an interrupt at that moment would leave it
    behind. A signal for which this process has another handler, or which it ignores, is left alone.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._held = True
        self._pending: int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: action for number, action in _DEFAULTS.items() if signal.getsignal(number) is action
            }
        for number in self._before:
            signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._held:  # the command could not be started
            self.release()

    def release(self) -> None:
        """Raises the exception of a signal that has come already, and from now on that of each signal at once."""
        self._held = False
        if self._pending is not None:
            raise _exception(self._pending)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._pending = number
        if not self._held:
            raise _exception(number)


def _exception(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


def _signal(process: subprocess.Popen[Any], number: signal.Signals, seconds: float) -> None:
    """Sends a signal to a command that still runs, and waits for its end while its output is read."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=seconds)


def _sweep(process: subprocess.Popen[Any]) -> None:
    """Waits for a command, and kills what is left of its session, which Linux tells only."""
    process.wait()
    while members := [pid for pid in _processes() if _session_of(pid) == process.pid]:
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - only names are needed
    except OSError:
        return []


def _session_of(pid: int) -> int | None:
    """Returns the session of a process that runs; see proc_pid_stat(5)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, _parent, _group, number, *_ = text.rpartition(b")")[2].split()  # what is before may have any characters
    return None if state in (b"Z", b"X") else int(number)
