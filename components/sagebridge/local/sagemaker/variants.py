"""The variants of endpoint configurations, with their weights and capacities.

A capacity is `{"weight", "count", "serverless"}`: the weight, the number of instances, and the ServerlessConfig of a
variant. Capacities are kept by the variants' names.
"""

import copy

from sagebridge.local.shapes import Record


def all_variants(config: Record) -> list[Record]:
    """Returns the variants of a configuration, first the production ones, then the shadow ones."""
    variants: list[Record] = config["ProductionVariants"] + config.get("ShadowProductionVariants", [])
    return variants


def starting_capacities(config: Record) -> Record:
    """Returns the capacities that the variants of a configuration start with."""
    return {
        variant["VariantName"]: {
            "weight": variant["InitialVariantWeight"],
            "count": variant.get("InitialInstanceCount", 0),
            "serverless": variant.get("ServerlessConfig"),
        }
        for variant in all_variants(config)
    }


def current_capacities(endpoint: Record) -> Record:
    """Returns a copy of the capacities that the variants of a serving endpoint have now."""
    return copy.deepcopy(endpoint.get("capacity") or starting_capacities(endpoint["running"]["config"]))


def changed_capacity(capacity: Record, change: Record) -> Record:
    """Returns the capacity of a variant after an UpdateEndpointWeightsAndCapacities.

    Args:
        capacity: the capacity before.
        change: AWS's DesiredWeightAndCapacity.
    """
    serverless = change.get("ServerlessUpdateConfig")
    return {
        "weight": change.get("DesiredWeight", capacity["weight"]),
        "count": change.get("DesiredInstanceCount", capacity["count"]),
        "serverless": capacity["serverless"] | serverless if serverless else capacity["serverless"],
    }


def retain(new: Record, old: Record, excluded: list[str]) -> None:
    """Keeps the old weights and instance counts, where the new variant of a name is of the old one's kind.

    Args:
        new: the capacities that are changed.
        old: the capacities until now.
        excluded: AWS's ExcludeRetainedVariantProperties.
    """
    for name in new.keys() & old.keys():
        if "DesiredWeight" not in excluded:
            new[name]["weight"] = old[name]["weight"]
        if "DesiredInstanceCount" not in excluded and not (new[name]["serverless"] or old[name]["serverless"]):
            new[name]["count"] = old[name]["count"]


def sized(deployment: Record, capacities: Record) -> Record:
    """Returns a copy of a deployment whose configuration has these capacities instead of its own."""
    resized = copy.deepcopy(deployment)
    for variant in all_variants(resized["config"]):
        capacity = capacities[variant["VariantName"]]
        variant["InitialVariantWeight"] = capacity["weight"]
        if "ServerlessConfig" in variant:
            variant["ServerlessConfig"] = capacity["serverless"]
        else:
            variant["InitialInstanceCount"] = capacity["count"]
    return resized
