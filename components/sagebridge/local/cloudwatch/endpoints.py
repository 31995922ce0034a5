"""The metrics of endpoints that SageMaker publishes.

Source: SageMaker's guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", and the lists of metrics of serverless
and of asynchronous endpoints. Not published: ModelSetupTime, the other metrics of queues, and utilization
(CPUUtilization and its like), as all workers share this machine.
"""

import http.client
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.local.cloudwatch.metrics import Metrics, metric, point
from sagebridge.local.serving.invocations import Invocation
from sagebridge.local.shapes import AwsError, Record
from sagebridge.local.times import Times

NAMESPACE = "AWS/SageMaker"
MICROSECONDS = 1e6
MINUTE = 60.0
SAMPLE_SECONDS = 1.0
"""AWS's seconds between two samples of what is under way."""
LIST_SECONDS = 10.0
"""AWS's seconds between two looks at which endpoints exist."""
_QUICKEST = 0.1
"""The least real seconds between two samples or looks."""


@dataclass(frozen=True)
class Gauges:
    """What each sample asks for."""

    backlog: Callable[[str], int] = lambda _: 0
    """Returns the number of requests of an asynchronous endpoint that wait or are being answered."""
    waited: Callable[[str], float] = lambda _: 0.0
    """Returns the seconds that the oldest waiting request of an asynchronous endpoint has waited."""
    loads: Callable[[], Mapping[tuple[str, str], int]] = dict
    """Returns the number of requests under way, by endpoint and variant."""
    scaled: Callable[[], Mapping[str, Collection[str]]] = dict
    """Returns the variants that are scalable targets, by endpoint.

    For these, zeros are published when there is no traffic, so that they scale in (SageMaker's guide, "Scale-in").
    """


class EndpointMetrics:
    """Publishes metrics of the account's endpoints.

    Args:
        metrics: the account's metric data.
        invocations: gets the invocations that are over; they are taken out of it.
        sagemaker: carries out `DescribeEndpoint` and `ListEndpoints`.
        times: returns the times that hold now; the pace divides the times between samples.
        gauges: says what is under way, and what is scaled.
    """

    def __init__(
        self,
        metrics: Metrics,
        invocations: deque[Invocation],
        sagemaker: Callable[[str, Record], Record],
        times: Callable[[], Times],
        gauges: Gauges,
    ) -> None:
        self._metrics = metrics
        self._invocations = invocations
        self._sagemaker = sagemaker
        self._times = times
        self._gauges = gauges
        self._queues: dict[str, tuple[float, bool]] = {}
        """When each endpoint was last changed, and whether it has a queue."""
        self._invoked: set[tuple[str, str]] = set()
        """The variants that were invoked in this minute."""
        self._sampled = self._listed = self._minute = 0.0

    def tick(self, now: float) -> None:
        """Publishes what came since the last tick, and what is under way."""
        self.flush()
        pace = self._times().pace
        if now - self._sampled >= max(SAMPLE_SECONDS / pace, _QUICKEST):
            self._sampled = now
            self._sample(now, pace)

    def flush(self) -> None:
        """Publishes the invocations that are over."""
        groups: defaultdict[str, list[Invocation]] = defaultdict(list)
        while self._invocations:
            invocation = self._invocations.popleft()
            groups[invocation.endpoint].append(invocation)
        for endpoint, invocations in groups.items():
            described = self._describe(endpoint)
            counts = {name: variant["CurrentInstanceCount"] for name, variant in _variants(described).items()}
            is_asynchronous = "AsyncInferenceConfig" in described
            for invocation in invocations:
                self._invoked.add((endpoint, invocation.variant))
                self._publish(invocation, counts.get(invocation.variant, 0), is_asynchronous=is_asynchronous)

    def _publish(self, invocation: Invocation, instances: int, *, is_asynchronous: bool) -> None:
        status = invocation.model_status
        values = {
            "Invocation4XXErrors": float(http.client.BAD_REQUEST <= status < http.client.INTERNAL_SERVER_ERROR),
            "Invocation5XXErrors": float(status >= http.client.INTERNAL_SERVER_ERROR),
            "InvocationModelErrors": float(not http.client.OK <= status < http.client.MULTIPLE_CHOICES),
        }
        latencies = {"ModelLatency": invocation.latency}
        if is_asynchronous:
            values["InvocationsProcessed"] = 1.0
        else:
            values["Invocations"] = 1.0
            latencies["OverheadLatency"] = invocation.overhead
            if instances:
                values["InvocationsPerInstance"] = 1.0 / instances
        variant = (invocation.endpoint, invocation.variant)
        for name, value in values.items():
            self._add(invocation.time, name, value, variant)
        for name, seconds in latencies.items():
            self._add(invocation.time, name, seconds * MICROSECONDS, variant, "Microseconds")

    def _sample(self, now: float, pace: float) -> None:
        loads, scaled = self._gauges.loads(), self._gauges.scaled()
        if now - self._listed >= max(LIST_SECONDS / pace, _QUICKEST):
            self._listed = now
            self._list()
        last, self._minute = self._minute, now // (MINUTE / pace) * (MINUTE / pace)
        invoked: set[tuple[str, str]] | None = None  # the variants that were invoked in the minute that has ended
        if self._minute > last > 0:
            invoked, self._invoked = self._invoked, set()
        queues = {name for name, (_, has_queue) in self._queues.items() if has_queue}
        for endpoint in {name for name, _ in loads} | scaled.keys() | queues:
            described = self._describe(endpoint)
            variants = _variants(described)
            if "AsyncInferenceConfig" in described:
                instances = sum(variant["CurrentInstanceCount"] for variant in variants.values())
                self._sample_queue(now, endpoint, instances, pace)
                continue
            for name, variant in variants.items():
                load, is_scaled = loads.get((endpoint, name), 0), name in scaled.get(endpoint, ())
                if load or is_scaled:
                    self._sample_variant(now, endpoint, variant, load)
                if is_scaled and invoked is not None and (endpoint, name) not in invoked:
                    self._add(last, "InvocationsPerInstance", 0.0, (endpoint, name))

    def _sample_variant(self, now: float, endpoint: str, variant: Mapping[str, Any], load: int) -> None:
        names = (endpoint, variant["VariantName"])
        serverless = variant.get("CurrentServerlessConfig")
        if not serverless:
            instances = variant["CurrentInstanceCount"]
            self._add(now, "ConcurrentRequestsPerModel", load / max(instances, 1), names, "Count")
            return
        used = load / serverless["MaxConcurrency"]
        self._add(now, "ServerlessConcurrentExecutionsUtilization", used, names)
        if provisioned := serverless.get("ProvisionedConcurrency"):
            executing = min(load, provisioned)
            self._add(now, "ServerlessProvisionedConcurrencyExecutions", executing, names, "Count")
            self._add(now, "ServerlessProvisionedConcurrencyUtilization", executing / provisioned, names)

    def _sample_queue(self, now: float, endpoint: str, instances: int, pace: float) -> None:
        backlog = self._gauges.backlog(endpoint)
        self._add(now, "ApproximateAgeOfOldestRequest", self._gauges.waited(endpoint) * pace, (endpoint,), "Seconds")
        self._add(now, "ApproximateBacklogSize", backlog, (endpoint,), "Count")
        self._add(now, "HasBacklogWithoutCapacity", float(backlog > 0 and not instances), (endpoint,), "Count")
        if instances:
            self._add(now, "ApproximateBacklogSizePerInstance", backlog / instances, (endpoint,), "Count")

    def _list(self) -> None:
        """Looks for asynchronous endpoints."""
        endpoints: list[Record] = []
        token: dict[str, str] = {}
        while True:
            page = self._sagemaker("ListEndpoints", {"MaxResults": 100, **token})
            endpoints += page["Endpoints"]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        before, self._queues = self._queues, {}
        for endpoint in endpoints:
            name, changed = endpoint["EndpointName"], endpoint["LastModifiedTime"]
            changed_before, has_queue = before.get(name, (None, False))
            if changed_before != changed:
                has_queue = "AsyncInferenceConfig" in self._describe(name)
            self._queues[name] = (changed, has_queue)

    def _describe(self, endpoint: str) -> Record:
        try:
            return self._sagemaker("DescribeEndpoint", {"EndpointName": endpoint})
        except AwsError:  # it was deleted
            return {}

    def _add(self, when: float, name: str, value: float, names: tuple[str, ...], unit: str = "None") -> None:
        dimensions = dict(zip(("EndpointName", "VariantName"), names, strict=False))
        self._metrics.add(metric(NAMESPACE, name, dimensions, unit), point(when, value))


def _variants(described: Record) -> dict[str, Record]:
    variants = described.get("ProductionVariants", []) + described.get("ShadowProductionVariants", [])
    return {variant["VariantName"]: variant for variant in variants}
