"""Says, with the numbers of both sides, what somebody else has made of an endpoint that an update would change.

Nothing here calls AWS; an endpoint is what DescribeEndpoint answers, a configuration what DescribeEndpointConfig does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagebridge.guards.checks import initial_numbers, live_numbers

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef as Configuration
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef as Endpoint

SERVERLESS = "serverless"


@dataclass(frozen=True)
class Fleet:
    """What a variant has."""

    runs_on: str | None
    """Its instance type, or ``serverless``; None if it is not known."""
    numbers: Mapping[str, float]
    """Its capacity and its weight, by the arguments' names; without those that are not known."""

    def __str__(self) -> str:
        """Returns it in words, as messages have it."""
        count = self.numbers.get("initial_instance_count")
        concurrency = self.numbers.get("provisioned_concurrency")
        weight = self.numbers.get("initial_variant_weight")
        capacity = self.runs_on or "instances"
        if count is not None:
            capacity = f"{count:g} × {capacity}"  # noqa: RUF001 - as people write it
        elif concurrency:
            capacity = f"{capacity} with provisioned concurrency {concurrency:g}"
        return capacity if weight is None else f"{capacity}, weight {weight:g}"


Fleets = Mapping[str, Fleet]
"""What the variants of an endpoint have, by the variants' names."""


def live_fleets(endpoint: "Endpoint", configuration: "Configuration | None") -> Fleets:
    """Returns what the variants of an endpoint have now.

    Args:
        endpoint: The endpoint.
        configuration: The configuration that it runs; None if it is gone.
    """
    variants = configuration["ProductionVariants"] if configuration else []
    runs_on = {
        variant["VariantName"]: variant.get("InstanceType", SERVERLESS if "ServerlessConfig" in variant else None)
        for variant in variants
    }
    initial = {variant["VariantName"]: initial_numbers(variant) for variant in variants}
    return {
        variant["VariantName"]: Fleet(
            runs_on.get(variant["VariantName"]),
            live_numbers(variant) or initial.get(variant["VariantName"], {}),
        )
        for variant in endpoint.get("ProductionVariants", [])
    }


def moved(endpoint: "Endpoint", last: str, live: Fleets, declared: Fleets) -> str:
    """Says that an endpoint runs a configuration that is not the stack's, and what an update makes of that.

    Args:
        endpoint: The endpoint.
        last: The configuration that the stack declared last.
        live: What its variants have.
        declared: What the variants will have.
    """
    name, running = endpoint["EndpointName"], endpoint["EndpointConfigName"]
    return (
        f"Endpoint {name} runs the configuration {running}, with {_listed(live)}. This stack's last one is {last}: the "
        "endpoint was imported, or somebody else or an update that was interrupted has moved it. This update makes it "
        f"{_listed(declared)}. Declare what is to stay."
    )


def under_way(endpoint: "Endpoint", wanted: object, declared: Fleets) -> str:
    """Says what another deployment that is under way brings, beside what an update would; empty if none is.

    A change of weights or of the number of instances alone, such as autoscaling makes, is no deployment.

    Args:
        endpoint: The endpoint.
        wanted: The configuration that the update would bring; in a preview it may not be known.
        declared: What the variants would have.
    """
    pending = endpoint.get("PendingDeploymentSummary")
    if pending is None or pending["EndpointConfigName"] == wanted:
        return ""
    coming = {
        variant["VariantName"]: Fleet(
            variant.get("InstanceType", SERVERLESS if "CurrentServerlessConfig" in variant else None),
            live_numbers(variant),
        )
        for variant in pending.get("ProductionVariants", [])
    }
    since = f", since {pending['StartTime']:%Y-%m-%d %H:%M %Z}" if "StartTime" in pending else ""
    return (
        f"It is being moved to the configuration {pending['EndpointConfigName']}, with {_listed(coming)}{since}. This "
        f"update would make it {_listed(declared)}."
    )


def alarming(endpoint: "Endpoint", reasons: Mapping[str, str]) -> Sequence[str]:
    """Returns a sentence for each alarm that is in ALARM before the update which it is to roll back.

    API: AutoRollbackConfig, "If any alarms are tripped during a deployment, SageMaker rolls back the deployment".

    Args:
        endpoint: The endpoint.
        reasons: Why, by the alarm's name.
    """
    return [
        f"Endpoint {endpoint['EndpointName']}: the alarm {alarm} is in ALARM before the update starts "
        f"({reason.rstrip('.')}), and AWS rolls an update back while one of its alarms is. Fix the cause, or wait "
        "until the alarm is OK."
        for alarm, reason in reasons.items()
    ]


def alarms_unknown(endpoint: "Endpoint", alarm_names: Sequence[str], error: Exception) -> str:
    """Says that nobody knows whether alarms are in ALARM before an update, and which permission that needs."""
    return (
        f"Endpoint {endpoint['EndpointName']}: it is not known whether one of its alarms is in ALARM "
        f"({', '.join(alarm_names)}). To look, whoever runs this needs cloudwatch:DescribeAlarms. AWS said: {error}"
    )


def _listed(fleets: Fleets) -> str:
    return "; ".join(f"{name} on {fleet}" for name, fleet in sorted(fleets.items())) or "no variants"
