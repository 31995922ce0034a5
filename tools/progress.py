"""Says what a long step is doing: which of how many, and for how long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

HEARTBEAT_SECONDS = 20.0
"""How often a line is printed where there is no terminal to redraw (a CI log)."""


class Step:
    """A running step; ``detail`` is shown beside its title."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    def __str__(self) -> str:
        detail = f" · {self.detail}" if self.detail else ""
        return f"{self.title} … {duration(self.seconds)}{detail}"


@contextmanager
def step(console: Console, title: str) -> Iterator[Step]:
    """Shows ``title`` with a running clock until the block ends; a log gets a line now and then."""
    running = Step(title)
    done = threading.Event()
    if console.is_terminal:
        with console.status(str(running)) as status:
            ticker = threading.Thread(target=_tick, args=(done, 0.25, lambda: status.update(str(running))))
            ticker.start()
            try:
                yield running
            finally:
                done.set()
                ticker.join()
        return
    console.print(f"{title} …")
    ticker = threading.Thread(target=_tick, args=(done, HEARTBEAT_SECONDS, lambda: console.print(f"  {running}")))
    ticker.start()
    try:
        yield running
    finally:
        done.set()
        ticker.join()


def _tick(done: threading.Event, interval: float, show: Callable[[], None]) -> None:
    while not done.wait(interval):
        show()


def duration(seconds: float) -> str:
    """Returns ``seconds`` as a person reads them: ``0.4 s``, ``3 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"
