"""Lets a program go on while AWS or the engine answers."""

import asyncio
import encodings.idna  # noqa: F401 - of threads that look a codec up first and at once, one may find none (Python 3.11)
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST_CALLS = 16
"""Calls that a program has under way at once, beside those of Pulumi's SDK.

At 150 ms a call, that is a hundred calls a second: a fleet of 100 endpoints is asked about within a second. More would
meet AWS's limit of calls a second, which all programs of an account share.
"""

_threads = ThreadPoolExecutor(MOST_CALLS, "sagebridge")


async def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Returns what a function returns that waits for an answer; the other tasks of the program go on meanwhile.

    The event loop's own threads are no place for it. Each resource that waits for the engine takes one of them (pulumi
    3.246, ``register_resource``), and there are four for each operation that the engine does at once. A hook that
    waited for one of them, while the resources wait for the hook, would wait for ever.

    Args:
        function: The function, such as a method of an AWS client.
        args: Its arguments.
        kwargs: Its arguments by name.
    """
    return await asyncio.wrap_future(begin(function, *args, **kwargs))


def begin(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begins to call a function at once, also where the event loop is busy, as it is until a program is declared.

    Args:
        function: The function, such as a method of an AWS client.
        args: Its arguments.
        kwargs: Its arguments by name.

    Returns:
        What tells the result; a failure that nobody asks for passes unseen.
    """
    return _threads.submit(function, *args, **kwargs)
