"""Work that is repeated in the background while the server runs."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

log = logging.getLogger(__name__)


class Loop:
    """Calls functions in turn, again and again, from its creation until it is closed.

    What a function raises is logged, and the function is called again in the next round.

    Args:
        name: the name of the thread.
        functions: the functions; they are called with the time, in seconds since the epoch.
        interval: returns the seconds between two rounds.
    """

    def __init__(
        self, name: str, functions: Sequence[Callable[[float], object]], interval: Callable[[], float]
    ) -> None:
        self._functions = functions
        self._interval = interval
        self._closed = Event()
        self._failing: set[int] = set()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it, after the round under way."""
        self._closed.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._closed.wait(self._interval()):
            for number, function in enumerate(self._functions):
                try:
                    function(time.time())
                except Exception:
                    if number not in self._failing:  # logged once, not in each round
                        log.exception("%s failed; it is tried again", self._thread.name)
                    self._failing.add(number)
                else:
                    self._failing.discard(number)
