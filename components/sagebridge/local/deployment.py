"""How an update shifts an endpoint's traffic: from its deployment configuration to the steps, purely.

Sources: SageMaker's guide to deployment guardrails, and botocore's documentation of `DeploymentConfig` and what is
in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Record = dict[str, Any]
# The least and the most percent of the capacity that a step may take; botocore: CanarySize, LinearStepSize,
# MaximumBatchSize. INSTANCE_COUNT has the same bounds on AWS; here, a fleet of one instance may have a canary of one.
_PERCENT = {"CanarySize": (1, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
_SIZE_OF = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}


@dataclass(frozen=True)
class Step:
    """One step of a shift.

    Attributes:
        share: of the traffic that the new fleet takes from now on, above 0, up to 1.
        wait: AWS's seconds to bake after it, while the alarms are watched.
        message: what DescribeEndpoint says of the wait, in AWS's form.
    """

    share: float
    wait: float
    message: str


@dataclass(frozen=True)
class Plan:
    """A shift from the old fleet to the new one.

    Attributes:
        steps: at least one; the shares rise, and the last is 1.
        alarms: the names of the CloudWatch alarms that undo it.
        limit: the most seconds of AWS's that it may take, from the start of the deployment.
    """

    steps: tuple[Step, ...]
    alarms: tuple[str, ...] = ()
    limit: float = math.inf


def plan(config: Record | None, variants: Sequence[Record]) -> Plan:
    """Plan the shift to a new fleet.

    Traffic is what is shifted, to the very percent; AWS activates whole instances.

    Args:
        config: a `DeploymentConfig` that passed `check`, or None: all at once, watched by nothing.
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


def check(config: Record) -> None:
    """Refuse a `DeploymentConfig` whose members do not go together. AWS's words for these are not known.

    Raises:
        AwsError: `ValidationException`.
    """
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green and rolling:  # botocore, DeploymentConfig: "Only one update policy should be used"
        raise _refusal("A DeploymentConfig has BlueGreenUpdatePolicy or RollingUpdatePolicy, not both.")
    routing = (blue_green or {}).get("TrafficRoutingConfiguration", {})
    needed = _SIZE_OF.get(routing.get("Type", ""))
    if needed and needed not in routing:
        raise _refusal(f"Traffic routing of type {routing['Type']} needs {needed}.")
    for name, size in [*routing.items(), *(rolling or {}).items()]:
        if name in _PERCENT and size["Type"] == "CAPACITY_PERCENT":
            least, most = _PERCENT[name]
            if not least <= size["Value"] <= most:
                raise _refusal(f"{name} must be {least} to {most} percent of the capacity; got {size['Value']}.")


def _refusal(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _guarded(variants: Sequence[Record], *, rolling: bool) -> bool:
    """Tell whether guardrails apply; where not, AWS shifts all at once with no bake (guide, "Exclusions")."""
    if any(variant.get("InstanceType", "").startswith("ml.inf1.") for variant in variants):
        return False
    return not rolling or (len(variants) == 1 and "ServerlessConfig" not in variants[0])


def _share(size: Record, variants: Sequence[Record]) -> float:
    """Say which part of the capacity a size is; above 0, up to 1."""
    if size["Type"] == "CAPACITY_PERCENT":
        return min(1.0, float(size["Value"]) / 100)
    counts = [variant.get("InitialInstanceCount", 0) for variant in variants]
    taken = sum(min(size["Value"], count) for count in counts)
    return taken / sum(counts) if taken else 1.0


def _rise(size: float, wait: float, kind: str, variants: Sequence[Record]) -> Iterator[Step]:
    """Give the steps of equal size that come before the last one."""
    for number in range(1, math.ceil(1 / size - 1e-9)):
        share = number * size
        yield Step(share, wait, _baking(wait, "WaitIntervalInSeconds", kind, share, variants))


def _last(wait: float, variants: Sequence[Record], name: str = "TerminationWaitInSeconds") -> Step:
    return Step(1.0, wait, _baking(wait, name, "full", 1.0, variants))


def _baking(wait: float, name: str, kind: str, share: float, variants: Sequence[Record]) -> str:
    """Say what a wait is for, in the words of SageMaker's guide to its events."""
    count = math.ceil(share * sum(variant.get("InitialInstanceCount", 0) for variant in variants))
    return f"Baking for {wait:g} seconds ({name}) with traffic enabled on {kind} capacity of {count} instance(s)."
