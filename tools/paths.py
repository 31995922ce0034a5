"""Where things are: in the checkout, and in the cache that all checkouts of a user share."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sagebridge.user_cache import user_cache
from tools.errors import ToolsError

CHECKOUT = Path(__file__).resolve().parent.parent
STACK_SETTINGS = CHECKOUT / "tools" / "Pulumi.dev.yaml"
"""What the settings of the local stack are at first; those in use lie at the root, and git ignores them."""
LOCAL = CHECKOUT / ".local"
"""What this checkout's commands keep: Pulumi's state and the local AWS."""
NEEDED = "3 GiB"
"""What the engine may take in the cache folder: the official aws plugin alone is 1.2 GiB while it is unpacked."""


def cache() -> Path:
    """Returns the cache folder, which the engine's parts share with what the package keeps there."""
    return user_cache()


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
        raise ToolsError(f"{folder} cannot be written: {_reason(error)}. {remedy}") from error


def writing_cache() -> AbstractContextManager[None]:
    """Returns the same for the cache folder."""
    return writing(
        cache(),
        f"The engine needs up to {NEEDED} there. Free space or make it writable,"
        " or set XDG_CACHE_HOME to another folder.",
    )


def _reason(error: OSError) -> str:
    """Returns the reason alone; `shutil.copytree` names every file that it could not copy, which may be thousands."""
    if isinstance(error, shutil.Error):
        (_, _, reason), *_ = error.args[0]
        return str(reason)
    return error.strerror or str(error)
