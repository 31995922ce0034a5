"""Finds the folder in which Sagebridge keeps what it can make again, for all projects of a user."""

import os
from pathlib import Path


def user_cache() -> Path:
    """Returns `sagebridge` in the user's cache folder, which is `$XDG_CACHE_HOME` or `~/.cache` (XDG)."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not folder.is_absolute():  # which XDG says to ignore
        folder = Path.home() / ".cache"
    return folder / "sagebridge"
