"""What endpoints at work ask for, and what can be set while they work."""

from collections.abc import Callable
from dataclasses import dataclass

from sagebridge.local.images import Substitute
from sagebridge.local.times import Times


@dataclass(frozen=True)
class Settings:
    """Asks for what is set at the moment."""

    times: Callable[[], Times]
    """Returns how long things take."""
    substitute_of: Callable[[str], Substitute | None]
    """Returns what runs instead of an image; None for an image for which nothing is set."""
