"""What the console shows of an endpoint, as plain values for its templates."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sagebridge.local.deployment import instances_with_traffic
from sagebridge.local.faults import OF_REQUESTS
from sagebridge.local.scaling.targets import DIMENSIONS, Registered, variant_of
from sagebridge.local.shapes import Record
from sagebridge.local.times import Times

Shares = list[tuple[Record, float]]
"""The deployments that take traffic, each with its share."""


@dataclass(frozen=True)
class Row:
    """A variant of a configuration that an endpoint has now."""

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


@dataclass(frozen=True)
class Configuration:
    """A configuration that takes traffic or is being deployed."""

    name: str
    """The configuration's name."""
    role: str
    """What the configuration is to the endpoint: `old` or `new` in a deployment, else empty."""
    traffic: str
    """How many of its instances take traffic, in words; empty if none does or all do."""
    rows: list[Row]
    """Its variants, production variants first."""


@dataclass(frozen=True)
class Bounds:
    """What limits the capacity of a variant, and what changes it."""

    variant: str
    """The variant's name."""
    limits: str
    """The bounds in words, such as `desired instance count from 1 to 4`."""
    rules: list[str]
    """What changes the capacity within the bounds, a line for each policy and scheduled action."""


def configurations(record: Record, shares: Shares) -> list[Configuration]:
    """Returns the configurations of an endpoint that take traffic, and the one that is being deployed.

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
        _configuration(deployment, share, _role(deployment, record, shares), record) for deployment, share in shares
    ]


def _role(deployment: Record, record: Record, shares: Shares) -> str:
    if len(shares) == 1:
        return ""
    return "new" if deployment["id"] == record["asked"]["id"] else "old"


def _configuration(deployment: Record, share: float, role: str, record: Record) -> Configuration:
    config: Record = deployment["config"]
    serving: Record = record.get("running") or record["asked"]
    capacities: Record = (record if deployment["id"] == serving["id"] else deployment).get("capacity", {})
    production: list[Record] = config["ProductionVariants"]
    shadows: list[Record] = config.get("ShadowProductionVariants", [])
    weights = [_weight(variant, capacities) for variant in production]
    total = sum(weights)
    # A fleet chooses among variants by their weights, or evenly if all weights are 0.
    variant_shares: list[float | None] = [share * (weight / total if total else 1 / len(weights)) for weight in weights]
    counts = [_count(variant, capacities) for variant in production]
    active = instances_with_traffic(share, counts)
    return Configuration(
        config["EndpointConfigName"],
        role,
        f"{active} of {sum(counts)} instances take traffic" if role == "new" and 0 < active < sum(counts) else "",
        [
            Row(
                variant["VariantName"],
                variant.get("ModelName", ""),
                _capacity(variant, capacities),
                _weight(variant, capacities),
                variant_share,
            )
            for variant, variant_share in zip(production + shadows, variant_shares + [None] * len(shadows), strict=True)
        ],
    )


def _weight(variant: Record, capacities: Record) -> float:
    weight: float = capacities.get(variant["VariantName"], {}).get("weight", variant["InitialVariantWeight"])
    return weight


def _count(variant: Record, capacities: Record) -> int:
    count: int = capacities.get(variant["VariantName"], {}).get("count", variant.get("InitialInstanceCount", 0))
    return count


def _capacity(variant: Record, capacities: Record) -> str:
    serverless = capacities.get(variant["VariantName"], {}).get("serverless") or variant.get("ServerlessConfig")
    if serverless:
        words = f"serverless, {serverless['MemorySizeInMB']:,} MB, {serverless['MaxConcurrency']} at once"
        provisioned = serverless.get("ProvisionedConcurrency")
        return f"{words}, {provisioned} kept ready" if provisioned else words
    return f"{_count(variant, capacities)} \N{MULTIPLICATION SIGN} {variant.get('InstanceType', 'instance')}"


def alarms(record: Record) -> list[str]:
    """Returns the names of the alarms that roll an endpoint's deployments back."""
    config: Record = record.get("LastDeploymentConfig") or {}
    return [alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def bounds(registered: Registered) -> list[Bounds]:
    """Returns what scales the variants of an endpoint."""
    return [
        Bounds(
            variant_of(target)[1],
            f"{DIMENSIONS[target['ScalableDimension']]} from {target['MinCapacity']} to {target['MaxCapacity']}",
            [
                *(_policy(policy) for policy in registered.policies if _is_same_target(policy, target)),
                *(_action(action) for action in registered.actions if _is_same_target(action, target)),
            ],
        )
        for target in registered.targets
    ]


def _is_same_target(record: Record, target: Record) -> bool:
    return all(record[member] == target[member] for member in ("ResourceId", "ScalableDimension"))


def _policy(policy: Record) -> str:
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    if not tracking:
        return f"{policy['PolicyName']}: steps"
    metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    metric = metric or tracking.get("CustomizedMetricSpecification", {}).get("MetricName") or "a metric"
    return f"{policy['PolicyName']}: keeps {metric} at {tracking['TargetValue']:g}"


def _action(action: Record) -> str:
    limits = action["ScalableTargetAction"]
    words = " and ".join(
        f"{word} {limits[member]}"
        for member, word in (("MinCapacity", "min"), ("MaxCapacity", "max"))
        if member in limits
    )
    return f"{action['ScheduledActionName']}: {words} at {action['Schedule']} {action['Timezone']}"


def strikes(faults: Sequence[Record], endpoint: str | None = None) -> list[str]:
    """Returns in words what goes wrong.

    Args:
        faults: the faults, as JSON objects.
        endpoint: the name of the endpoint whose faults are asked for; None for the faults of all endpoints.
    """
    return [_strike(fault) for fault in faults if endpoint is None or fault["endpoint"] in (None, endpoint)]


def _strike(fault: Record) -> str:
    length = "" if fault["seconds"] is None else f" of {fault['seconds']:g} s"
    operation = f" in {fault['operation'] or 'every operation'}" if fault["kind"] in OF_REQUESTS else ""
    where = f" at {fault['endpoint']}" if fault["endpoint"] else ""
    times = {None: "until it is cleared", 1: "once more"}.get(fault["times"], f"{fault['times']} more times")
    return f"{fault['kind']}{length}{operation}{where}, {times}"


def lengths(times: Times) -> dict[str, str]:
    """Returns each time in words, by its name in words."""
    return {
        name.replace("_", " "): f"{value:g}" if name == "pace" else f"{value:g} s"
        for name, value in asdict(times).items()
    }


def facts(description: Record, times: Times, faults: Sequence[Record]) -> Mapping[str, str]:
    """Returns in words what the server has besides the endpoints.

    Args:
        description: the server's description of itself.
        times: the times that hold now.
        faults: the faults, as JSON objects.
    """
    usual = lengths(Times())
    changed = [f"{name} {length}" for name, length in lengths(times).items() if length != usual[name]]
    active = [" ".join(filter(None, (fault["kind"], fault["operation"], fault["endpoint"]))) for fault in faults]
    return {
        "Endpoints": str(description["endpoints"]),
        "Buckets": str(description["buckets"]),
        "Times": ", ".join(changed) or "unchanged",
        "Faults": ", ".join(active) or "none",
    }
