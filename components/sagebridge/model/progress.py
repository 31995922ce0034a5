"""Shows what takes time on standard error, where that is a terminal."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextlib.contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows `label` and how many of `total` bytes are done, if standard error is a terminal.

    Yields:
        A function to call with the number of bytes that were just done, from any thread.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield partial(bar.advance, bar.add_task(label, total=total))


@contextlib.contextmanager
def waiting(label: str) -> Iterator[None]:
    """Shows `label` and the time that the block has taken so far, if standard error is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as spinner:
        spinner.add_task(label, total=None)
        yield
