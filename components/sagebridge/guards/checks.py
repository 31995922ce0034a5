"""Compares an endpoint with what the stack declares, and says in one sentence what is wrong and what to do.

Nothing here calls AWS; an endpoint is what DescribeEndpoint answers, a configuration what DescribeEndpointConfig does.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import pulumi

from sagebridge.endpoint.spec import Instances, Variant
from sagebridge.endpoint_log import log_group
from sagebridge.guards import rollout

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef as Configuration
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef as Endpoint
    from mypy_boto3_sagemaker.type_defs import PendingProductionVariantSummaryTypeDef as PendingVariant
    from mypy_boto3_sagemaker.type_defs import ProductionVariantOutputTypeDef as InitialVariant
    from mypy_boto3_sagemaker.type_defs import ProductionVariantSummaryTypeDef as LiveVariant

DELETION_MINUTES = 30
"""How long a create waits for an endpoint of its name to be gone: as long as botocore's waiter ``endpoint_deleted``."""

_NO_REASON = "no reason given."


def orphan(endpoint: "Endpoint") -> str:
    """Says that there is an endpoint already where the stack would create one, and what to do."""
    name = endpoint["EndpointName"]
    return (
        f"An endpoint {name} is there already (status {endpoint['EndpointStatus']}), and this stack would make one of "
        f"that name. If an attempt that failed has left it behind, or if it is someone else's: import it (set "
        f"import_endpoint to {name!r} for one update), delete it (aws sagemaker delete-endpoint --endpoint-name "
        f"{name}), or choose another endpoint_name. If this stack made it under another resource name, give that name "
        "in the options' aliases. If you want it replaced (--replace), set allow_replacement: it is an outage."
    )


def waits_for_turn(at_once: int) -> str:
    """Says that endpoints of a fleet wait for each other, and what to do.

    Args:
        at_once: The number of operations that Pulumi does at once.
    """
    return (
        f"More endpoints are created or updated than the {at_once} operations that Pulumi does at once, so some wait "
        "until others are done. They only wait for AWS, so all can go at once: set PULUMI_PARALLEL, or the option "
        "--parallel, to the number of endpoints or more."
    )


def deletion_timeout(name: str) -> str:
    """Says that an endpoint is not gone after the time that a create waits for its deletion, and what to do."""
    return (
        f"Endpoint {name} is still being deleted after {DELETION_MINUTES} minutes, and AWS creates no other endpoint "
        f"of that name before it is gone. Wait (aws sagemaker wait endpoint-deleted --endpoint-name {name}), then run "
        "`pulumi up` again. If it does not go, ask AWS Support, or choose another endpoint_name."
    )


def failed_create(endpoint: "Endpoint") -> str:
    """Says why an endpoint failed that was created, and that it was deleted."""
    name = endpoint["EndpointName"]
    return (
        f"Endpoint {name} failed: {endpoint.get('FailureReason', _NO_REASON)} Logs: {log_group(name)}. The failed "
        "endpoint was deleted. Fix the cause and run `pulumi up` again."
    )


def rolls_out(old: Mapping[str, object], new: Mapping[str, object], state_outputs: Mapping[str, object]) -> bool:
    """Tells whether an update changes what the endpoint runs, and not only its tags.

    Args:
        old: The endpoint's inputs so far.
        new: Its inputs from now on.
        state_outputs: Its outputs as the stack's state has them: after a rollback they are not what was asked for.
    """
    return state_outputs.get("endpointConfigName") != new.get("endpointConfigName") or any(
        old.get(field) != new.get(field) for field in ("endpointConfigName", "deploymentConfig")
    )


def is_unsent(endpoint: "Endpoint", state_outputs: Mapping[str, object], configuration: object) -> bool:
    """Tells whether an endpoint does not run the configuration that the stack's state says it runs already.

    When AWS refuses an update (throttled, over a quota), or the provider stops waiting for it, the engine keeps the
    outputs that were planned (pulumi issue 2011). So the provider has nothing to send in the next update.

    Args:
        endpoint: The endpoint.
        state_outputs: Its outputs as the stack's state has them.
        configuration: The configuration that it is to run; in a preview it may not be known.
    """
    return endpoint["EndpointConfigName"] != configuration == state_outputs.get("endpointConfigName")


def unsent(endpoint: "Endpoint", configuration: object) -> str:
    """Says that an update sends what an earlier one could not bring to AWS."""
    name, running = endpoint["EndpointName"], endpoint["EndpointConfigName"]
    return (
        f"Endpoint {name} runs {running}, not {configuration}, which the stack's state has kept of an update that "
        f"failed. This update brings it to {configuration}."
    )


def will_wait(endpoint: "Endpoint") -> str:
    """Says in a preview that the update will wait until AWS takes it."""
    name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
    return (
        f"Endpoint {name} is {status}, and AWS takes no other update meanwhile. `pulumi up` waits until that is over."
    )


def update_problem(
    endpoint: "Endpoint | None", name: str, state_outputs: Mapping[str, object], configuration: object
) -> str | None:
    """Says why an endpoint cannot be updated, or returns None; while AWS is at work on it, an update waits.

    Args:
        endpoint: the endpoint; None if there is none.
        name: its name.
        state_outputs: its outputs as the stack's state has them.
        configuration: the configuration that it is to run; in a preview it may not be known.
    """
    if endpoint is None or endpoint["EndpointArn"] != state_outputs.get("arn"):
        return missing_endpoint(name, state_outputs.get("arn"), endpoint)
    status = endpoint["EndpointStatus"]
    if status not in ("InService", "Failed") and not rollout.is_busy(endpoint):
        return (
            f"Endpoint {name} is {status}, and AWS takes no update until that is over. Wait (aws sagemaker wait "
            f"endpoint-in-service --endpoint-name {name}), then run `pulumi up --refresh`, which reads what it runs."
        )
    if endpoint["EndpointConfigName"] == configuration != state_outputs.get("endpointConfigName"):
        return (
            f"Endpoint {name} runs {configuration} already: an update that was interrupted has reached it. Run "
            "`pulumi up --refresh` to let the stack know."
        )
    return None


def missing_endpoint(name: str, arn: object, endpoint: "Endpoint | None") -> str:
    """Says that the provider's settings do not lead to the endpoint of the stack, and what to do.

    Args:
        name: name of the endpoint.
        arn: its ARN by the stack's state.
        endpoint: the endpoint of that name that was found; None if there is none.
    """
    reachable = endpoint["EndpointArn"] if endpoint else "none, or it is being deleted"
    return (
        f"Endpoint {name} is {arn} by the stack's state; with the provider's settings there is {reachable}. If account "
        "or region have changed, change them back. If the endpoint was deleted by hand, run `pulumi up --refresh`, "
        "which makes it again."
    )


def variant_name_problem(endpoint: "Endpoint", variant_names: Collection[str]) -> str | None:
    """Says that an update with guardrails has other variants than the endpoint, or returns None.

    An endpoint that was imported may have other variants than those that are declared.
    Guide: deployment-guardrails-exclusions, "must have the same variant name as the old endpoint configuration".
    """
    live_names = _variant_names(endpoint)
    if live_names == set(variant_names):
        return None
    return (
        f"Endpoint {endpoint['EndpointName']} has the variants {_listed(live_names)}, and this update would have "
        f"{_listed(variant_names)}: with deployment_config, AWS takes only the same names. Remove deployment_config "
        "for this update."
    )


def rollout_problem(
    endpoint: "Endpoint", configuration: str, variant_names: Collection[str], refusal: str | None = None
) -> str | None:
    """Says how an endpoint is not what the update asked for, or returns None.

    Args:
        endpoint: the endpoint.
        configuration: name of the endpoint configuration that should run.
        variant_names: the production variants that should run.
        refusal: AWS's reason, if it did not take the update.
    """
    name, status, running = endpoint["EndpointName"], endpoint["EndpointStatus"], endpoint["EndpointConfigName"]
    if running != configuration and refusal is not None:
        return (
            f"endpoint {name} is {status} on configuration {running}, not on {configuration}: AWS did not take the "
            f"update. Reason: {refusal} The configuration that is serving was kept. Fix the cause and run `pulumi up` "
            "again."
        )
    if running != configuration or status != "InService":
        return (
            f"endpoint {name} is {status} on configuration {running}, not on {configuration}: AWS rolled the update "
            f"back. Reason: {endpoint.get('FailureReason', _NO_REASON)} Logs: {log_group(name)}. The configuration "
            "that is serving was kept."
        )
    live_names = _variant_names(endpoint)
    if live_names != set(variant_names):
        return (
            f"endpoint {name} runs the variants {_listed(live_names)}, not {_listed(variant_names)}. Logs: "
            f"{log_group(name)}."
        )
    return None


def is_rollback(endpoint: "Endpoint", configuration: object, changed: datetime | None) -> bool:
    """Tells whether AWS rolls or has rolled back an update whose provider failed, or else did not take it.

    Args:
        endpoint: the endpoint after the failure.
        configuration: the configuration that the update asked for.
        changed: when the endpoint was last changed before the update.
    """
    if rollout.is_busy(endpoint):
        return endpoint["EndpointStatus"] == "RollingBack"
    return endpoint["EndpointConfigName"] != configuration and endpoint.get("LastModifiedTime") != changed


def failed_update(endpoint: "Endpoint", configuration: object, *, is_rollback: bool) -> str:
    """Says how an update whose provider failed has left the endpoint, and what to do.

    Args:
        endpoint: the endpoint.
        configuration: the configuration that the update asked for.
        is_rollback: whether AWS took the update and rolls it back; see :func:`is_rollback`.
    """
    name, status, running = endpoint["EndpointName"], endpoint["EndpointStatus"], endpoint["EndpointConfigName"]
    if is_rollback:
        return (
            f"Endpoint {name} is {status} on configuration {running}: AWS rolls the update back. Reason: "
            f"{endpoint.get('FailureReason', _NO_REASON)} Logs: {log_group(name)}. The configuration that is serving "
            "is kept. Fix the cause and run `pulumi up` again, which waits until the rollback is over."
        )
    if rollout.is_busy(endpoint):
        return (
            f"Endpoint {name} is {status}: AWS goes on with the update, although the provider no longer waits for it. "
            "Run `pulumi up` again, which waits until that is over."
        )
    if running == configuration:
        return f"Endpoint {name} is {status} on {running}, as asked for. Run `pulumi up` again to finish the update."
    return (
        f"Endpoint {name} is {status} on configuration {running}, as before: AWS did not take the update. Fix the "
        "cause and run `pulumi up` again, which sends the update once more."
    )


def unreadable(name: str, error: Exception) -> str:
    """Says that AWS does not tell how a failed update has left an endpoint, and what to do."""
    return (
        f"Cannot read how the update has left endpoint {name}: {error} Run `pulumi up` again once AWS answers: it "
        "sends what AWS did not take, and waits for what is under way."
    )


def autoscaling_off(variant_names: Collection[str]) -> str:
    """Says which variants a failed update has left without autoscaling, which is off while instance types change."""
    return (
        f"Autoscaling of {_listed(variant_names)} was taken off for the update: until the next `pulumi up` that "
        "succeeds it is off."
    )


def lost_changes(
    endpoint: "Endpoint",
    configuration: "Configuration",
    declared: Mapping[str, Mapping[str, float]],
    *,
    retained: bool = False,
) -> list[str]:
    """Returns, with the numbers, what an update takes away that autoscaling or a person has set.

    Args:
        endpoint: the endpoint.
        configuration: the configuration that it runs.
        declared: for each variant what it will start with; see :func:`starts_with`.
        retained: whether the configuration was made with what autoscaling had set; see ``guards/retained.py``.
    """
    initial = {variant["VariantName"]: initial_numbers(variant) for variant in configuration["ProductionVariants"]}
    lines = []
    for variant in endpoint.get("ProductionVariants", []):
        name = variant["VariantName"]
        before, after = initial.get(name, {}), declared.get(name, {})
        lines += [
            f"variant {name} has {field} {number:g}, which was not declared. This update sets it to {after[field]:g}; "
            f"declare {number:g} to keep it"
            for field, number in live_numbers(variant).items()
            if field in before and field in after and number != after[field] and (retained or number != before[field])
        ]
    return lines


def starts_with(variant: Variant, capacity: pulumi.Input[int] | None = None) -> dict[str, pulumi.Input[float]]:
    """Returns what a variant starts with: instances or provisioned concurrency, and its weight.

    Args:
        variant: the variant.
        capacity: what it starts with instead of what it declares; see ``guards/retained.py``.
    """
    field = "initial_instance_count" if isinstance(variant.capacity, Instances) else "provisioned_concurrency"
    initial = variant.capacity.initial if capacity is None else capacity
    return {field: initial, "initial_variant_weight": variant.weight}


def live_numbers(variant: "LiveVariant | PendingVariant") -> dict[str, float]:
    """Returns the capacity and the weight that a variant of an endpoint is to have, by the arguments' names."""
    # DesiredServerlessConfig is there only while the concurrency is being changed.
    serverless = variant.get("DesiredServerlessConfig", variant.get("CurrentServerlessConfig"))
    concurrency = None if serverless is None else serverless.get("ProvisionedConcurrency", 0)
    return _numbers(concurrency, variant.get("DesiredInstanceCount"), variant.get("DesiredWeight", 1))


def initial_numbers(variant: "InitialVariant") -> dict[str, float]:
    """Returns the capacity and the weight that a variant of a configuration starts with, by the arguments' names."""
    serverless = variant.get("ServerlessConfig")
    concurrency = None if serverless is None else serverless.get("ProvisionedConcurrency", 0)
    return _numbers(concurrency, variant.get("InitialInstanceCount"), variant.get("InitialVariantWeight", 1))


def _numbers(concurrency: int | None, count: int | None, weight: float) -> dict[str, float]:
    if concurrency is not None:
        return {"provisioned_concurrency": concurrency, "initial_variant_weight": weight}
    return {} if count is None else {"initial_instance_count": count, "initial_variant_weight": weight}


def _variant_names(endpoint: "Endpoint") -> set[str]:
    return {variant["VariantName"] for variant in endpoint.get("ProductionVariants", [])}


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
