"""How long things take on the local AWS. It can be set, because AWS takes minutes where a test wants none."""

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from sagebridge.errors import UserError
from sagebridge.files import write_file

_QUICKEST_ROUND = 0.05
"""Seconds."""


@dataclass(frozen=True)
class Times:
    """Seconds that a status lasts at least, beyond the work that it stands for, and the pace of the clock."""

    creating: float = 0.0
    """Seconds that an endpoint stays Creating."""
    updating: float = 0.0
    """Seconds that an endpoint stays Updating before its traffic shifts."""
    rolling_back: float = 0.0
    """Seconds that an endpoint stays RollingBack."""
    deleting: float = 0.0
    """Seconds that an endpoint stays Deleting."""
    idle: float = 300.0
    """Seconds that the process of a model is kept without requests; it starts again at the next one."""
    pace: float = 1.0
    """AWS's seconds that pass in a second.

    It divides the waits of deployments, the periods of alarms, and the periods and cooldowns of autoscaling.
    """

    @property
    def round_seconds(self) -> float:
        """The seconds between two rounds of what works in the background: a second of AWS's, within bounds."""
        return max(_QUICKEST_ROUND, min(1.0, 1.0 / self.pace))


NAMES = tuple(field.name for field in fields(Times))


class SettableTimes:
    """The times that hold now. A call returns them.

    Args:
        file: the file that keeps them; it need not exist.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._now = _changed(Times(), json.loads(file.read_text())) if file.exists() else Times()

    def __call__(self) -> Times:
        """Returns the times that hold now."""
        return self._now

    def change(self, members: dict[str, Any]) -> Times:
        """Sets some of the times, by the names of their fields, and returns all of them.

        Raises:
            UserError: there is no time of that name, or the value is no time.
        """
        now = _changed(self._now, members)
        write_file(self._file, json.dumps(asdict(now)).encode())
        self._now = now
        return now


def _changed(times: Times, members: dict[str, Any]) -> Times:
    for name, value in members.items():
        if name not in NAMES:
            raise UserError(f"There is no time {name!r}. There are: {', '.join(NAMES)}.")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise UserError(f"{name} must be a number of seconds, 0 or more; got {value!r}.")
        if name == "pace" and value == 0:
            raise UserError("pace must be more than 0: the clock cannot stand still.")
    return replace(times, **members)
