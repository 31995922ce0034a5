"""How long things take on the local AWS: settable, since AWS takes minutes where a test wants none."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from sagebridge.files import write_file
from sagebridge.local import LocalError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Times:
    """Seconds that a status lasts at least, beyond the work that it stands for, and the pace of the clock.

    Attributes:
        creating: an endpoint stays Creating.
        updating: it stays Updating, before traffic shifts.
        rolling_back: it stays RollingBack.
        deleting: it stays Deleting.
        idle: a worker without requests is kept; it starts again at the next one.
        pace: how many of AWS's seconds pass in one: divides the waits of deployments, the periods of alarms, and
            the periods and cooldowns of autoscaling.
    """

    creating: float = 0.0
    updating: float = 0.0
    rolling_back: float = 0.0
    deleting: float = 0.0
    idle: float = 300.0
    pace: float = 1.0


NAMES = tuple(field.name for field in fields(Times))


class SettableTimes:
    """The times that hold now, asked for by calling it.

    Args:
        file: where they are kept; it need not exist.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._now = _changed(Times(), json.loads(file.read_text())) if file.exists() else Times()

    def __call__(self) -> Times:
        """Give the times that hold now."""
        return self._now

    def change(self, members: dict[str, Any]) -> Times:
        """Set some of the times, by the names of their attributes; the others stay.

        Raises:
            LocalError: a name that there is not, or a value that is no time.
        """
        now = _changed(self._now, members)
        write_file(self._file, json.dumps(asdict(now)).encode())
        self._now = now
        return now


def _changed(times: Times, members: dict[str, Any]) -> Times:
    for name, value in members.items():
        if name not in NAMES:
            raise LocalError(f"There is no time {name!r}. There are: {', '.join(NAMES)}.")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise LocalError(f"{name} must be a number of seconds, 0 or more; got {value!r}.")
        if name == "pace" and value == 0:
            raise LocalError("pace must be more than 0: the clock cannot stand still.")
    return replace(times, **members)
