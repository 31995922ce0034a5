"""How a program ends when the engine interrupts it, as it does after a failed update: without Python's traceback."""

import signal
import threading

from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor


def end_quietly() -> None:
    """Lets an interrupt just end the program, which may still be at work when the update has failed.

    The engine starts a program with Python's handler for interrupts, also where the shell that starts the engine
    ignores them, as it does for a job in the background.

    Only if the engine runs the program as a process of its own, and in the main thread. An inline program of the
    Automation API runs in a thread, and a test with mocks, of a process that is someone else's. A handler that the
    program has set itself stays.
    """
    monitor = get_monitor()
    engines = monitor is not None and not isinstance(monitor, MockMonitor)
    if not engines or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
