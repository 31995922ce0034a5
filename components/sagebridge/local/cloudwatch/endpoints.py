"""The metrics that SageMaker publishes of endpoints.

Source: SageMaker's guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", and the lists of metrics of serverless
and of asynchronous endpoints. Not published: ModelSetupTime, the other metrics of queues, and utilization
(CPUUtilization and its like), as all workers share this machine.
"""

from __future__ import annotations

import http.client
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagebridge.local.cloudwatch.metrics import Metrics, metric, point
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sagebridge.local.serving.invocations import Invocation
    from sagebridge.local.times import Times

NAMESPACE = "AWS/SageMaker"
MICROSECONDS = 1e6
MINUTE = 60.0  # seconds
SAMPLED = 1.0  # seconds, of AWS's, between two looks at what is under way
LISTED = 10.0  # seconds, of AWS's, between two looks at the endpoints that there are
_QUICKEST = 0.1  # seconds of ours


@dataclass(frozen=True)
class Gauges:
    """What is asked at each sample.

    Attributes:
        backlog: gives the number of requests of an asynchronous endpoint that wait or are being answered.
        waited: gives the seconds that the oldest of those that wait has waited.
        loads: gives the number of requests under way, by endpoint and variant.
    """

    backlog: Callable[[str], int] = lambda _: 0
    waited: Callable[[str], float] = lambda _: 0.0
    loads: Callable[[], Mapping[tuple[str, str], int]] = dict


class EndpointMetrics:
    """Publishes metrics of the account's endpoints.

    Args:
        metrics: where they go.
        sagemaker: carries out `DescribeEndpoint` and `ListEndpoints`.
        times: its pace divides the times between samples.
        scaled: gives the variants that are scalable targets, by endpoint. For these there are zeros when there is
            no traffic, so that they scale in ("Scale-in", SageMaker's guide).
        gauges: what is sampled.
    """

    def __init__(
        self,
        metrics: Metrics,
        sagemaker: Callable[[str, dict[str, Any]], dict[str, Any]],
        times: Callable[[], Times],
        scaled: Callable[[], Mapping[str, Collection[str]]],
        gauges: Gauges,
    ) -> None:
        self._metrics = metrics
        self._sagemaker = sagemaker
        self._times = times
        self._scaled = scaled
        self._gauges = gauges
        self._done: deque[Invocation] = deque()
        self._queues: dict[str, tuple[float, bool]] = {}  # when an endpoint was changed, and whether it has a queue
        self._busy: set[tuple[str, str]] = set()  # the variants invoked in this minute
        self._sampled = self._listed = self._minute = 0.0

    def observe(self, invocation: Invocation) -> None:
        """Take note of an invocation; its metrics are published at the next tick."""
        self._done.append(invocation)

    def tick(self, now: float) -> None:
        """Publish what came since the last tick, and what is under way."""
        self.flush()
        pace = self._times().pace
        if now - self._sampled >= max(SAMPLED / pace, _QUICKEST):
            self._sampled = now
            self._sample(now, pace)

    def flush(self) -> None:
        """Publish the invocations that are over."""
        groups: defaultdict[str, list[Invocation]] = defaultdict(list)
        while self._done:
            each = self._done.popleft()
            groups[each.endpoint].append(each)
        for endpoint, invocations in groups.items():
            described = self._describe(endpoint)
            counts = {name: variant["CurrentInstanceCount"] for name, variant in _variants(described).items()}
            for each in invocations:
                self._busy.add((endpoint, each.variant))
                self._publish(each, counts.get(each.variant, 0), "AsyncInferenceConfig" in described)

    def _publish(self, done: Invocation, instances: int, asynchronous: bool) -> None:  # noqa: FBT001 - a kind of endpoint
        status = done.model_status
        values = {
            "Invocation4XXErrors": float(http.client.BAD_REQUEST <= status < http.client.INTERNAL_SERVER_ERROR),
            "Invocation5XXErrors": float(status >= http.client.INTERNAL_SERVER_ERROR),
            "InvocationModelErrors": float(not http.client.OK <= status < http.client.MULTIPLE_CHOICES),
        }
        latencies = {"ModelLatency": done.latency}
        if asynchronous:
            values["InvocationsProcessed"] = 1.0
        else:
            values["Invocations"] = 1.0
            latencies["OverheadLatency"] = done.overhead
            if instances:
                values["InvocationsPerInstance"] = 1.0 / instances
        for name, value in values.items():
            self._add(done.time, name, value, (done.endpoint, done.variant))
        for name, seconds in latencies.items():
            self._add(done.time, name, seconds * MICROSECONDS, (done.endpoint, done.variant), "Microseconds")

    def _sample(self, now: float, pace: float) -> None:
        loads, scaled = self._gauges.loads(), self._scaled()
        if now - self._listed >= max(LISTED / pace, _QUICKEST):
            self._listed = now
            self._list()
        last, self._minute = self._minute, now // (MINUTE / pace) * (MINUTE / pace)
        ended, self._busy = (self._busy, set()) if self._minute > last > 0 else (None, self._busy)
        queues = {name for name, (_, queue) in self._queues.items() if queue}
        for endpoint in {name for name, _ in loads} | scaled.keys() | queues:
            described = self._describe(endpoint)
            variants = _variants(described)
            if "AsyncInferenceConfig" in described:
                self._sample_queue(now, endpoint, sum(each["CurrentInstanceCount"] for each in variants.values()), pace)
                continue
            for name, variant in variants.items():
                load, is_scaled = loads.get((endpoint, name), 0), name in scaled.get(endpoint, ())
                if load or is_scaled:
                    self._sample_variant(now, endpoint, variant, load)
                if is_scaled and ended is not None and (endpoint, name) not in ended:
                    self._add(last, "InvocationsPerInstance", 0.0, (endpoint, name))

    def _sample_variant(self, now: float, endpoint: str, variant: Mapping[str, Any], load: int) -> None:
        of = (endpoint, variant["VariantName"])
        serverless = variant.get("CurrentServerlessConfig")
        if not serverless:
            instances = variant["CurrentInstanceCount"]
            self._add(now, "ConcurrentRequestsPerModel", load / max(instances, 1), of, "Count")
            return
        used = load / serverless["MaxConcurrency"]
        self._add(now, "ServerlessConcurrentExecutionsUtilization", used, of)
        if provisioned := serverless.get("ProvisionedConcurrency"):
            executing = min(load, provisioned)
            self._add(now, "ServerlessProvisionedConcurrencyExecutions", executing, of, "Count")
            self._add(now, "ServerlessProvisionedConcurrencyUtilization", executing / provisioned, of)

    def _sample_queue(self, now: float, endpoint: str, instances: int, pace: float) -> None:
        backlog = self._gauges.backlog(endpoint)
        self._add(now, "ApproximateAgeOfOldestRequest", self._gauges.waited(endpoint) * pace, (endpoint,), "Seconds")
        self._add(now, "ApproximateBacklogSize", backlog, (endpoint,), "Count")
        self._add(now, "HasBacklogWithoutCapacity", float(backlog > 0 and not instances), (endpoint,), "Count")
        if instances:
            self._add(now, "ApproximateBacklogSizePerInstance", backlog / instances, (endpoint,), "Count")

    def _list(self) -> None:
        """Look for asynchronous endpoints."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self._sagemaker("ListEndpoints", {"MaxResults": 100, **token})
            found += page["Endpoints"]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        known, self._queues = self._queues, {}
        for name, changed in ((each["EndpointName"], each["LastModifiedTime"]) for each in found):
            before, queue = known.get(name, (None, False))
            if before != changed:
                queue = "AsyncInferenceConfig" in self._describe(name)
            self._queues[name] = (changed, queue)

    def _describe(self, endpoint: str) -> dict[str, Any]:
        try:
            return self._sagemaker("DescribeEndpoint", {"EndpointName": endpoint})
        except AwsError:  # it is gone
            return {}

    def _add(self, when: float, name: str, value: float, of: tuple[str, ...], unit: str = "None") -> None:
        dimensions = dict(zip(("EndpointName", "VariantName"), of, strict=False))
        self._metrics.add(metric(NAMESPACE, name, dimensions, unit), point(when, value))


def _variants(described: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    variants = described.get("ProductionVariants", []) + described.get("ShadowProductionVariants", [])
    return {each["VariantName"]: each for each in variants}
