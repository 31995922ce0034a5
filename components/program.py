"""What the running program has only once, for all its components."""

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pulumi.runtime.settings import _get_callbacks, get_monitor
from pulumi.runtime.sync_await import _sync_await

T = TypeVar("T")

_MADE: WeakKeyDictionary[Any, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()
"""By the connection to the engine, as a process may run several programs (Automation API, tests)."""


def once(make: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - what it takes
    """Returns what ``make`` makes of hashable arguments, made when the program first asks for it."""
    made = _MADE.setdefault(get_monitor(), {})
    if (make, args) not in made:
        made[make, args] = make(*args)
    found: T = made[make, args]
    return found


def serve_hooks() -> None:
    """Waits until the SDK serves the program's hooks; it starts to when one is first registered, which nobody awaits.

    A program that fails before that is over stops what has not started yet, and Python ends with a segmentation fault
    in gRPC and without a message (pulumi 3.246, grpcio 1.85). Hooks that are registered meanwhile would each start a
    server of their own, besides.
    """
    _sync_await(_get_callbacks())
