"""A progress bar over bytes, on standard error, for people only."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show `label` and how many of `total` bytes are done; silent where standard error is no terminal.

    Yields:
        A function that takes how many more bytes are done. Any thread may call it.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield partial(bar.advance, bar.add_task(label, total=total))
