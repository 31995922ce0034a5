"""Metrics, alarms and automatic scaling, put together: what watches endpoints, and what acts on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sagebridge.files import write_file
from sagebridge.local.cloudwatch import moto as cloudwatch
from sagebridge.local.cloudwatch.alarms import Alarms
from sagebridge.local.cloudwatch.endpoints import EndpointMetrics
from sagebridge.local.cloudwatch.metrics import Metrics
from sagebridge.local.loop import Loop
from sagebridge.local.scaling.autoscaling import AutoScaling, empty_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sagebridge.local.cloudwatch.endpoints import Gauges
    from sagebridge.local.serving.invocations import Invocation
    from sagebridge.local.store import Moto
    from sagebridge.local.times import Times

Record = dict[str, Any]
PRUNED = 60.0  # seconds between two looks for old metric data
_QUICKEST = 0.05  # seconds; the least that a second of AWS's takes here
TARGET = "AnyScaleFrontendService."  # before the operation, in X-Amz-Target of Application Auto Scaling


class Monitoring:
    """Watches the endpoints, and scales their variants.

    Args:
        directory: where the state is.
        moto: the account's other services.
        sagemaker: carries out a SageMaker operation.
        times: its pace divides all periods.
        gauges: what is under way.
    """

    def __init__(
        self,
        directory: Path,
        moto: Moto,
        sagemaker: Callable[[str, Record], Record],
        times: Callable[[], Times],
        gauges: Gauges,
    ) -> None:
        file = directory / "autoscaling.json"
        state = json.loads(file.read_text()) if file.exists() else empty_state()
        book = cloudwatch.AlarmBook(moto)

        def second() -> float:
            return max(_QUICKEST, min(1.0, 1.0 / times().pace))

        self._metrics = Metrics(directory / "metrics.jsonl", second)
        self.scaling = AutoScaling(
            state, lambda state: write_file(file, json.dumps(state).encode()), sagemaker, book, times
        )
        self._endpoints = EndpointMetrics(self._metrics, sagemaker, times, self.scaling.scaled, gauges)
        self._pruned = 0.0
        cloudwatch.install(self._metrics)
        alarms = Alarms(book, self._metrics, times, self.scaling.scale)
        steps = [self._endpoints.tick, self._keep, alarms.tick, self.scaling.tick]
        self._loop = Loop("monitoring", steps, second)

    def observe(self, invocation: Invocation) -> None:
        """Take note of an invocation that is over."""
        self._endpoints.observe(invocation)

    def close(self) -> None:
        """End the watching; what was seen is kept."""
        self._loop.close()
        self._endpoints.flush()
        self._metrics.flush()

    def _keep(self, now: float) -> None:
        self._metrics.flush()
        if now - self._pruned > PRUNED:
            self._pruned = now
            self._metrics.prune(now)
