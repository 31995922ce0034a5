"""Where things are: in the checkout, and in the cache that all checkouts of a user share."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STACK_SETTINGS = CHECKOUT / "tools" / "Pulumi.dev.yaml"
"""What the settings of the local stack are at first; those in use lie at the root, and git ignores them."""
LOCAL = CHECKOUT / ".local"
"""What this checkout's commands keep: Pulumi's state and the local AWS."""


def cache() -> Path:
    """Returns the cache folder, ``$XDG_CACHE_HOME/sagebridge`` (default ``~/.cache/sagebridge``)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sagebridge"


def pulumi_home() -> Path:
    """Returns the PULUMI_HOME of this project's own: a trimmed plugin must not shadow the user's official one."""
    return cache() / "pulumi-home"
