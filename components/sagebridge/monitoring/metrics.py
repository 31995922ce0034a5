"""The metrics of an endpoint that AWS publishes in CloudWatch, by the endpoint's kind.

Sources: SageMaker Developer Guide, "Amazon SageMaker AI metrics in Amazon CloudWatch" (monitoring-cloudwatch),
"Alarms and logs for tracking metrics from serverless endpoints" (serverless-endpoints-monitoring) and "… from
asynchronous endpoints" (async-inference-monitor). The last two lists are exhaustive: nothing else is published.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pulumi

from sagebridge.endpoint.spec import Kind

INSTANCES = "/aws/sagemaker/Endpoints"
"""Namespace of what an endpoint's instances publish; all else is in ``AWS/SageMaker``."""


class Metric(NamedTuple):
    """A metric of an endpoint."""

    name: str
    namespace: str = "AWS/SageMaker"
    per_variant: bool = True
    """Whether it has the dimension VariantName beside EndpointName; the metrics of an asynchronous queue do not."""

    def dimensions(self, endpoint_name: pulumi.Input[str], variant_name: str) -> dict[str, pulumi.Input[str]]:
        """Returns the dimensions; with one missing or too many, CloudWatch finds no data and says nothing."""
        endpoint: dict[str, pulumi.Input[str]] = {"EndpointName": endpoint_name}
        return {**endpoint, "VariantName": variant_name} if self.per_variant else endpoint


ERRORS_4XX = Metric("Invocation4XXErrors")
"""1 for a request that was answered so, else 0: the average is a rate from 0 to 1."""
ERRORS_5XX = Metric("Invocation5XXErrors")
"""1 for a request that was answered so, else 0: the average is a rate from 0 to 1."""
MODEL_LATENCY = Metric("ModelLatency")
"""Microseconds from the container's request to its answer."""
CPU = Metric("CPUUtilization", INSTANCES)
"""Percent, summed over the cores: 0 to 400 with four. Its sample count in a minute is the number of instances."""
GPU = Metric("GPUUtilization", INSTANCES)
"""Percent, summed over the GPUs: 0 to 400 with four. Of instances with GPUs only."""
GPU_MEMORY = Metric("GPUMemoryUtilization", INSTANCES)
"""Percent, summed over the GPUs: 0 to 400 with four. Of instances with GPUs only."""
MEMORY = Metric("MemoryUtilization", INSTANCES)
"""Percent, 0 to 100."""
CONCURRENT_REQUESTS = Metric("ConcurrentRequestsPerModel")
"""Requests that a model is working on, every 10 seconds, minimum and maximum. Of real-time endpoints only."""
CONCURRENCY = Metric("ServerlessConcurrentExecutionsUtilization")
"""Concurrent executions divided by the maximum concurrency, 0 to 1."""
BACKLOG_PER_INSTANCE = Metric("ApproximateBacklogSizePerInstance", per_variant=False)
"""Requests in an asynchronous endpoint's queue, divided by its instances."""
BACKLOG_AGE = Metric("ApproximateAgeOfOldestRequest", per_variant=False)
"""Seconds that the oldest request has waited in an asynchronous endpoint's queue."""
BACKLOG_WITHOUT_CAPACITY = Metric("HasBacklogWithoutCapacity", per_variant=False)
"""1 while an asynchronous endpoint has requests in its queue and no instance, else 0."""

INVOCATIONS: Mapping[Kind, Metric] = {
    "real-time": Metric("Invocations"),
    "serverless": Metric("Invocations"),
    "async": Metric("InvocationsProcessed"),
}
SATURATION: Mapping[Kind, Metric] = {"real-time": MEMORY, "serverless": CONCURRENCY, "async": BACKLOG_AGE}
"""Each kind's own sign that it is full. Memory for instances: of what every instance publishes, it alone goes from 0 to
100 (CPU and GPU are sums over cores; the normalized ones exist with inference components only)."""
