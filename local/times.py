"""How long things take on the local AWS: settable, since AWS takes minutes where a test wants none."""

from __future__ import annotations

from dataclasses import dataclass


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
