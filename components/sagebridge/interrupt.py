"""How a program ends after a failed update, when the engine has ended or interrupts it: without Python's traceback."""

import signal
import threading
from typing import Any

import grpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_engine, get_monitor

from sagebridge import _sdk as program


def end_quietly() -> None:
    """Lets the program, which may still be at work when the update has failed, just end.

    Its messages to an engine that has ended go nowhere. An interrupt ends it, but only if the engine runs the program
    as a process of its own, and in the main thread. An inline program of the Automation API runs in a thread, and a
    test with mocks, of a process that is someone else's. A handler that the program has set itself stays.
    """
    monitor = get_monitor()
    if monitor is None or isinstance(monitor, MockMonitor):
        return
    program.once(_log_while_there_is_an_engine)
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _log_while_there_is_an_engine() -> None:
    """Lets messages to an engine that has ended go nowhere.

    The SDK lets them fail in the midst of what it does at the program's end. So an inline program that fails would
    leave its tasks, its server of hooks and its connections behind, and a traceback (pulumi 3.246, `Log` in `log.py`).
    """
    engine: Any = get_engine()
    if engine is None:
        return
    log = engine.Log

    def log_if_possible(request: Any) -> Any:  # noqa: ANN401 - gRPC's messages
        try:
            return log(request)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return None

    engine.Log = log_if_possible
