"""What the console shows of an endpoint, as plain values for its templates."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sagebridge.local.shapes import Record
from sagebridge.local.times import Times

Shares = list[tuple[Record, float]]
"""The deployments that take traffic, each with its share."""


@dataclass(frozen=True)
class Row:
    """A variant of a configuration that an endpoint has now."""

    config: str
    """The configuration's name."""
    role: str
    """What the configuration is to the endpoint: `old` or `new` in a deployment, else empty."""
    variant: str
    """The variant's name."""
    model: str
    """The name of the variant's model."""
    capacity: str
    """The variant's instances, or its serverless memory and concurrency, in words."""
    weight: float
    """The variant's weight among the variants of its configuration."""
    share: float | None
    """The variant's share of the endpoint's requests, 0 to 1; None for a shadow variant, which gets copies."""


def rows(record: Record, shares: Shares) -> list[Row]:
    """Returns the variants of an endpoint, for each configuration that takes traffic or is being deployed.

    Args:
        record: the endpoint's record (see `sagemaker/endpoints.py`).
        shares: the deployments that take traffic.
    """
    asked: Record = record["asked"]
    if not shares and "running" in record:  # no request came since the server started
        shares = [(record["running"], 1.0)]
    is_pending = record["EndpointStatus"] in ("Creating", "Updating", "Failed")
    if is_pending and all(deployment["id"] != asked["id"] for deployment, _ in shares):
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
    capacities: Record = (record if deployment["id"] == serving["id"] else deployment).get("capacity", {})
    production: list[Record] = config["ProductionVariants"]
    shadows: list[Record] = config.get("ShadowProductionVariants", [])
    weights = [_weight(variant, capacities) for variant in production]
    total = sum(weights)
    # A fleet chooses among variants by their weights, or evenly if all weights are 0.
    variant_shares: list[float | None] = [share * (weight / total if total else 1 / len(weights)) for weight in weights]
    return [
        Row(
            config["EndpointConfigName"],
            role,
            variant["VariantName"],
            variant.get("ModelName", ""),
            _capacity(variant, capacities.get(variant["VariantName"], {})),
            _weight(variant, capacities),
            variant_share,
        )
        for variant, variant_share in zip(production + shadows, variant_shares + [None] * len(shadows), strict=True)
    ]


def _weight(variant: Record, capacities: Record) -> float:
    weight: float = capacities.get(variant["VariantName"], {}).get("weight", variant["InitialVariantWeight"])
    return weight


def _capacity(variant: Record, capacity: Record) -> str:
    serverless = capacity.get("serverless") or variant.get("ServerlessConfig")
    if serverless:
        words = f"serverless, {serverless['MemorySizeInMB']:,} MB, {serverless['MaxConcurrency']} at once"
        provisioned = serverless.get("ProvisionedConcurrency")
        return f"{words}, {provisioned} kept ready" if provisioned else words
    count = capacity.get("count", variant.get("InitialInstanceCount", 0))
    return f"{count} \N{MULTIPLICATION SIGN} {variant.get('InstanceType', 'instance')}"


def alarms(record: Record) -> list[str]:
    """Returns the names of the alarms that roll an endpoint's deployments back."""
    config: Record = record.get("LastDeploymentConfig") or {}
    return [alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def facts(description: Record, times: Times, faults: Sequence[Record]) -> dict[str, str]:
    """Returns in words what the server has besides the endpoints.

    Args:
        description: the server's description of itself.
        times: the times that hold now.
        faults: the faults, as JSON objects.
    """
    changed = [
        f"{name.replace('_', ' ')} {value:g}" + ("" if name == "pace" else " s")
        for name, value in asdict(times).items()
        if value != getattr(Times(), name)
    ]
    active = [" ".join(filter(None, (fault["kind"], fault["operation"], fault["endpoint"]))) for fault in faults]
    return {
        "Endpoints": str(description["endpoints"]),
        "Buckets": str(description["buckets"]),
        "Times": ", ".join(changed) or "unchanged",
        "Faults": ", ".join(active) or "none",
    }
