"""How an update shifts the traffic of an endpoint: the steps that follow from its deployment configuration.

Sources: SageMaker's guide to deployment guardrails, and botocore's documentation of `DeploymentConfig` and what is
in it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sagebridge.local.shapes import Record, invalid

_PERCENT = {"CanarySize": (1, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
"""The least and the most percent of the capacity that a step may take.

Source: botocore, CanarySize, LinearStepSize and MaximumBatchSize. INSTANCE_COUNT has the same bounds on AWS; here, a
fleet of one instance may have a canary of one.
"""
_SIZE_OF = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}


@dataclass(frozen=True)
class Step:
    """One step of a shift."""

    share: float
    """The share of the traffic that the new fleet takes from now on, above 0 and up to 1."""
    wait: float
    """AWS's seconds to bake after the step, while the alarms are watched."""
    message: str
    """What DescribeEndpoint says of the wait, in AWS's form."""


@dataclass(frozen=True)
class Plan:
    """A shift from the old fleet to the new one."""

    steps: tuple[Step, ...]
    """At least one step; the shares rise, and the last one is 1."""
    alarms: tuple[str, ...] = ()
    """The names of the CloudWatch alarms that roll the deployment back."""
    limit: float = math.inf
    """The most of AWS's seconds that the deployment may take, from its start."""


def plan(config: Record | None, variants: Sequence[Record]) -> Plan:
    """Plans the shift to a new fleet.

    The shift moves traffic by exact percents; AWS activates whole instances.

    Args:
        config: a `DeploymentConfig` that passed `check`; None for a shift all at once that no alarm watches.
        variants: the new fleet's production variants, with the counts that they start with.
    """
    config = config or {}
    rolling = config.get("RollingUpdatePolicy")
    policy = config.get("BlueGreenUpdatePolicy") or rolling or {}
    alarms = tuple(alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    if not _guarded(variants, rolling=rolling is not None):
        return Plan((_last(0, variants),), alarms)
    limit = policy.get("MaximumExecutionTimeoutInSeconds", math.inf)
    if rolling:
        wait = rolling["WaitIntervalInSeconds"]
        batch = _share(rolling["MaximumBatchSize"], variants)
        steps = [*_rise(batch, wait, "batch", variants), _last(wait, variants, "WaitIntervalInSeconds")]
        return Plan(tuple(steps), alarms, limit)
    last = _last(policy.get("TerminationWaitInSeconds", 0), variants)
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    size = routing.get(_SIZE_OF.get(routing["Type"], ""))
    if size is None:
        return Plan((last,), alarms, limit)
    kind = "canary" if routing["Type"] == "CANARY" else "linear"
    steps = list(_rise(_share(size, variants), routing["WaitIntervalInSeconds"], kind, variants))
    return Plan((*(steps[:1] if kind == "canary" else steps), last), alarms, limit)


def instances_with_traffic(share: float, counts: Iterable[int]) -> int:
    """Returns how many instances of a new fleet take traffic, as AWS activates whole instances.

    Args:
        share: the share of the traffic that the fleet takes, from 0 to 1.
        counts: the instances of each variant.
    """
    return math.ceil(round(share * sum(counts), 6))  # 7 % of 100 are not exactly 7 in floating point


def check(config: Record) -> None:
    """Refuses a `DeploymentConfig` whose members do not go together. The words are ours.

    Raises:
        AwsError: `ValidationException`.
    """
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green and rolling:  # botocore, DeploymentConfig: "Only one update policy should be used"
        raise invalid("A DeploymentConfig has BlueGreenUpdatePolicy or RollingUpdatePolicy, not both.")
    routing = (blue_green or {}).get("TrafficRoutingConfiguration", {})
    size_member = _SIZE_OF.get(routing.get("Type", ""))
    if size_member and size_member not in routing:
        raise invalid(f"Traffic routing of type {routing['Type']} needs {size_member}.")
    for name, size in [*routing.items(), *(rolling or {}).items()]:
        if name in _PERCENT and size["Type"] == "CAPACITY_PERCENT":
            least, most = _PERCENT[name]
            if not least <= size["Value"] <= most:
                raise invalid(f"{name} must be {least} to {most} percent of the capacity; got {size['Value']}.")


def _guarded(variants: Sequence[Record], *, rolling: bool) -> bool:
    """Returns whether guardrails apply; if not, AWS shifts all at once without baking (guide, "Exclusions")."""
    if any(variant.get("InstanceType", "").startswith("ml.inf1.") for variant in variants):
        return False
    return not rolling or (len(variants) == 1 and "ServerlessConfig" not in variants[0])


def _share(size: Record, variants: Sequence[Record]) -> float:
    """Returns which part of the capacity a size is, above 0 and up to 1."""
    if size["Type"] == "CAPACITY_PERCENT":
        return min(1.0, float(size["Value"]) / 100)
    counts = [variant.get("InitialInstanceCount", 0) for variant in variants]
    taken = sum(min(size["Value"], count) for count in counts)
    return taken / sum(counts) if taken else 1.0


def _rise(size: float, wait: float, kind: str, variants: Sequence[Record]) -> Iterator[Step]:
    """Yields the steps of equal size that come before the last one."""
    for number in range(1, math.ceil(1 / size - 1e-9)):
        share = number * size
        yield Step(share, wait, _baking(wait, "WaitIntervalInSeconds", kind, share, variants))


def _last(wait: float, variants: Sequence[Record], name: str = "TerminationWaitInSeconds") -> Step:
    return Step(1.0, wait, _baking(wait, name, "full", 1.0, variants))


def _baking(wait: float, name: str, kind: str, share: float, variants: Sequence[Record]) -> str:
    """Returns what a wait is for, in the words of SageMaker's guide to its events."""
    counts = [variant.get("InitialInstanceCount", 0) for variant in variants]
    capacity = f"{instances_with_traffic(share, counts)} instance(s)" if any(counts) else f"{share:.0%}"
    return f"Baking for {wait:g} seconds ({name}) with traffic enabled on {kind} capacity of {capacity}."
