"""Reads what AWS is doing to an endpoint out of DescribeEndpoint's answer, and says it in a few words.

Nothing here calls AWS.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef as Endpoint
    from mypy_boto3_sagemaker.type_defs import PendingProductionVariantSummaryTypeDef as PendingVariant
    from mypy_boto3_sagemaker.type_defs import ProductionVariantStatusTypeDef as VariantStatus

BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack")
"""The statuses that end by themselves, and in which AWS takes no update (botocore, EndpointStatus)."""

_BAKING = re.compile(
    r"Baking for (?P<seconds>\d+) seconds .* traffic enabled on (?P<kind>\w+) capacity of (?P<count>\d+) instance"
)
"""AWS's StatusMessage of the variant status Baking (SageMaker's guide, "Endpoint deployment state change")."""
_STATUSES = {
    "Creating": "launching the new instances",
    "ActivatingTraffic": "moving traffic to the new instances",
    "Updating": "changing the capacity",
    "Deleting": "removing the old instances",
}
"""The variant statuses besides Baking, in words (botocore, VariantStatus)."""


def is_busy(endpoint: "Endpoint") -> bool:
    """Tells whether AWS is at work on an endpoint, so that it takes no update until that is over."""
    return endpoint["EndpointStatus"] in BUSY


def is_on_its_way(endpoint: "Endpoint", configuration: object) -> bool:
    """Tells whether a deployment under way brings an endpoint to a configuration."""
    pending = endpoint.get("PendingDeploymentSummary")
    return pending is not None and pending["EndpointConfigName"] == configuration


def stage(endpoint: "Endpoint", alarm_states: Mapping[str, str], now: datetime) -> str:
    """Returns what AWS is doing to an endpoint, such as "launching 2 ml.m5.large".

    While traffic shifts, that is "canary 10 % (1 of 10 instances), baking 3 of 5 min, alarms OK".

    Args:
        endpoint: The endpoint, which is busy.
        alarm_states: The state of each alarm that rolls the deployment back, by name.
        now: The time to which the wait after a shift of traffic is counted.
    """
    status, pending = endpoint["EndpointStatus"], endpoint.get("PendingDeploymentSummary")
    if status == "RollingBack":
        reason = endpoint.get("FailureReason")
        return "rolling back" + (f": {reason}" if reason else "")
    if status == "SystemUpdating":
        return "under maintenance by AWS"
    if pending is None:
        return "changing weights or capacity"
    variants = pending.get("ProductionVariants", [])
    total = sum(variant.get("DesiredInstanceCount", 0) for variant in variants)
    names_by_text: dict[str, list[str]] = {}
    for variant in variants:
        names_by_text.setdefault(_variant_stage(variant, total, now), []).append(variant["VariantName"])
    texts = [
        text if len(names_by_text) == 1 else f"{', '.join(names)}: {text}" for text, names in names_by_text.items()
    ]
    return ", ".join(["; ".join(texts) or "deploying", *_alarms(alarm_states)])


def alarm_names(deployment: object) -> list[str]:
    """Returns the names of the alarms that roll an update back, out of the provider's ``deploymentConfig``.

    Those that a preview does not know yet are left out.
    """
    config: Any = deployment or {}
    rollback = config.get("autoRollbackConfiguration") or {}
    return [alarm["alarmName"] for alarm in rollback.get("alarms") or [] if isinstance(alarm["alarmName"], str)]


def for_aws(value: object) -> object:
    """Returns the provider's ``deploymentConfig`` as AWS's API takes it, which writes each name with a capital letter.

    The bridge's own entries in it are left out, and whole numbers are integers: the engine knows floats only.
    """
    if isinstance(value, Mapping):
        entries = {name: inner for name, inner in value.items() if inner is not None and not name.startswith("__")}
        return {name[:1].upper() + name[1:]: for_aws(inner) for name, inner in entries.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [for_aws(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _variant_stage(variant: "PendingVariant", total: int, now: datetime) -> str:
    statuses = variant.get("VariantStatus", [])
    if not statuses:
        return "deploying"
    status = statuses[-1]
    message = status.get("StatusMessage", "")
    if baking := _BAKING.search(message):
        return ", ".join([_traffic(baking["kind"], int(baking["count"]), total), *_wait(status, baking, now)])
    words = _STATUSES.get(status["Status"], status["Status"])
    if status["Status"] == "Creating" and (count := variant.get("DesiredInstanceCount")):
        return f"launching {count} {variant.get('InstanceType', 'instance')}"
    return f"{words}: {message}" if message else words


def _traffic(kind: str, count: int, total: int) -> str:
    """Returns which part of the new instances takes traffic, in whole percent."""
    if kind == "full":
        return "all traffic on the new instances"
    if not total:  # a serverless variant
        return kind
    return f"{kind} {math.floor(100 * min(count, total) / total)} % ({count} of {total} instances)"


def _wait(status: "VariantStatus", baking: re.Match[str], now: datetime) -> list[str]:
    """Returns how much of the wait after a shift of traffic is over; nothing where there is no wait."""
    seconds = int(baking["seconds"])
    if not seconds:
        return []
    passed = (now - status["StartTime"]).total_seconds() if "StartTime" in status else 0
    return [f"baking {math.floor(min(max(passed, 0), seconds) / 60)} of {seconds / 60:.3g} min"]


def _alarms(states: Mapping[str, str]) -> list[str]:
    """Returns the states of alarms, of which those that are all OK need no names."""
    if not states:
        return []
    others = [f"alarm {name} {state}" for name, state in sorted(states.items()) if state != "OK"]
    return others or ["alarms OK"]
