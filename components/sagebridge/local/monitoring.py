"""What watches the endpoints in the background, and acts on it: metrics, alarms and automatic scaling."""

from collections.abc import Callable

from sagebridge.local.cloudwatch.alarms import Alarms
from sagebridge.local.cloudwatch.endpoints import EndpointMetrics
from sagebridge.local.cloudwatch.metrics import Metrics
from sagebridge.local.loop import Loop
from sagebridge.local.scaling.scaler import Scaler
from sagebridge.local.times import Times

PRUNE_SECONDS = 60.0
"""Seconds between two looks for old metric data."""


class Monitoring:
    """Publishes the endpoints' metrics, evaluates the alarms and scales the variants, again and again.

    Args:
        metrics: the account's metric data.
        endpoints: publishes the endpoints' metrics.
        alarms: evaluates the account's alarms.
        scaler: scales the variants.
        times: returns the times that hold now; the pace divides the time between two rounds.
    """

    def __init__(
        self, metrics: Metrics, endpoints: EndpointMetrics, alarms: Alarms, scaler: Scaler, times: Callable[[], Times]
    ) -> None:
        self._metrics = metrics
        self._endpoints = endpoints
        self._pruned = 0.0
        steps = [endpoints.tick, self._keep, alarms.tick, scaler.tick]
        self._loop = Loop("monitoring", steps, lambda: times().round_seconds)

    def close(self) -> None:
        """Ends the watching; what was seen is kept."""
        self._loop.close()
        self._endpoints.flush()
        self._metrics.flush()

    def _keep(self, now: float) -> None:
        self._metrics.flush()
        if now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            self._metrics.prune(now)
