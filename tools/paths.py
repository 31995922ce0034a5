"""Where things are: in the checkout, and in the cache that all checkouts of a user share."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tools.errors import ToolsError

CHECKOUT = Path(__file__).resolve().parent.parent
STACK_SETTINGS = CHECKOUT / "tools" / "Pulumi.dev.yaml"
"""What the settings of the local stack are at first; those in use lie at the root, and git ignores them."""
LOCAL = CHECKOUT / ".local"
"""What this checkout's commands keep: Pulumi's state and the local AWS."""


def cache() -> Path:
    """Returns the cache folder, ``$XDG_CACHE_HOME/sagebridge`` (default ``~/.cache/sagebridge``)."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # which XDG says to ignore
        base = Path.home() / ".cache"
    return base / "sagebridge"


def pulumi_home() -> Path:
    """Returns the PULUMI_HOME of this project's own: a trimmed plugin must not shadow the user's official one."""
    return cache() / "pulumi-home"


@contextmanager
def writing(folder: Path, remedy: str) -> Iterator[None]:
    """Turns what the system says of a folder that is full or cannot be written into one line.

    Args:
        folder: The folder in which the block writes.
        remedy: What to do, as a sentence.
    """
    try:
        yield
    except OSError as error:
        raise ToolsError(f"{folder} cannot be written: {error.strerror or error}. {remedy}") from error


def writing_cache() -> AbstractContextManager[None]:
    """Returns the same for the cache folder."""
    return writing(cache(), "Free space or make it writable, or set XDG_CACHE_HOME to another folder.")
