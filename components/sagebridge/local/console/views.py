"""What the console shows of an endpoint's record, as plain values for its templates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sagebridge.local.times import Times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sagebridge.local.sagemaker.service import Record

Shares = list[tuple["Record", float]]


@dataclass(frozen=True)
class Row:
    """A variant of one of the configurations that an endpoint has now.

    Attributes:
        config: the configuration's name.
        role: what the configuration is to the endpoint: `old` and `new` in a deployment, else empty.
        variant: its name.
        model: its model's name.
        capacity: its instances, or its serverless memory and concurrency, in words.
        weight: its weight among the variants of its configuration.
        share: of the endpoint's requests, 0 to 1; None for a shadow variant, which gets copies.
    """

    config: str
    role: str
    variant: str
    model: str
    capacity: str
    weight: float
    share: float | None


def rows(record: Record, shares: Shares) -> list[Row]:
    """List the variants of an endpoint, in each configuration that takes traffic or is being deployed.

    Args:
        record: as `SageMaker.endpoint` gives it.
        shares: each deployment that takes traffic, with its share of it.
    """
    asked: Record = record["asked"]
    if not shares and "running" in record:  # no request came since the server started
        shares = [(record["running"], 1.0)]
    pending = record["EndpointStatus"] in ("Creating", "Updating", "Failed")
    if pending and all(deployment["id"] != asked["id"] for deployment, _ in shares):
        shares = [*shares, (asked, 0.0)]
    return [
        row
        for deployment, share in shares
        for row in _deployment_rows(deployment, share, _role(deployment, record, shares), record)
    ]


def _role(deployment: Record, record: Record, shares: Shares) -> str:
    if len(shares) == 1:
        return ""
    return "new" if deployment["id"] == record["asked"]["id"] else "old"


def _deployment_rows(deployment: Record, share: float, role: str, record: Record) -> list[Row]:
    config: Record = deployment["config"]
    serving: Record = record.get("running") or record["asked"]
    now: Record = (record if deployment["id"] == serving["id"] else deployment).get("capacity", {})
    production: list[Record] = config["ProductionVariants"]
    shadows: list[Record] = config.get("ShadowProductionVariants", [])
    weights = [_weight(variant, now) for variant in production]
    total = sum(weights)
    parts = [share * (weight / total if total else 1 / len(weights)) for weight in weights]  # as a fleet chooses
    return [
        Row(
            config["EndpointConfigName"],
            role,
            variant["VariantName"],
            variant.get("ModelName", ""),
            _capacity(variant, now.get(variant["VariantName"], {})),
            _weight(variant, now),
            part,
        )
        for variant, part in [*zip(production, parts, strict=True), *((shadow, None) for shadow in shadows)]
    ]


def _weight(variant: Record, now: Record) -> float:
    weight: float = now.get(variant["VariantName"], {}).get("weight", variant["InitialVariantWeight"])
    return weight


def _capacity(variant: Record, now: Record) -> str:
    serverless = now.get("serverless") or variant.get("ServerlessConfig")
    if serverless:
        words = f"serverless, {serverless['MemorySizeInMB']:,} MB, {serverless['MaxConcurrency']} at once"
        provisioned = serverless.get("ProvisionedConcurrency")
        return f"{words}, {provisioned} kept ready" if provisioned else words
    count = now.get("count", variant.get("InitialInstanceCount", 0))
    return f"{count} \N{MULTIPLICATION SIGN} {variant.get('InstanceType', 'instance')}"


def alarms(record: Record) -> list[str]:
    """Name the alarms that roll an endpoint's deployments back."""
    config: Record = record.get("LastDeploymentConfig") or {}
    return [alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def facts(described: Record, times: Times, faults: Sequence[Record]) -> dict[str, str]:
    """Say in words what there is in the server besides the endpoints.

    Args:
        described: as the server describes itself.
        times: those that hold now.
        faults: as `Faults.listed` gives them.
    """
    changed = [
        f"{name.replace('_', ' ')} {value:g}" + ("" if name == "pace" else " s")
        for name, value in asdict(times).items()
        if value != getattr(Times(), name)
    ]
    active = [" ".join(filter(None, (fault["kind"], fault["operation"], fault["endpoint"]))) for fault in faults]
    return {
        "Endpoints": str(described["endpoints"]),
        "Buckets": str(described["buckets"]),
        "Times": ", ".join(changed) or "unchanged",
        "Faults": ", ".join(active) or "none",
    }
