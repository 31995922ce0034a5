"""Rules of a rollout."""

import pulumi

from sagebridge._aws import shapes
from sagebridge.endpoint.args import (
    BlueGreenUpdatePolicyArgs,
    CapacitySizeArgs,
    RollingUpdatePolicyArgs,
    SageMakerEndpointArgs,
)
from sagebridge.endpoint.parts import all_variants, field_path, is_serverless, variants
from sagebridge.endpoint.rules.common import Problems, inferentia1_family, is_known, is_structure, refused_fields
from sagebridge.endpoint.spec import (
    CAPACITY_SIZE_TYPE,
    INSTANCE_COUNT,
    ROLLBACK_ALARMS,
    TRAFFIC_ROUTING,
    WAIT,
)
from sagebridge.validation import Problem

PROVIDER_SECONDS = 3600
"""How long the provider waits for an endpoint; not to be changed by ``custom_timeouts`` (endpoint.go)."""
PROVIDER_TIMEOUT = 14400
"""The longest ``maximum_execution_timeout_in_seconds`` that the provider takes (endpoint.go)."""
MOST_PERCENT = 50
"""The largest part of a fleet that a step may be (API: TrafficRoutingConfig, RollingUpdatePolicy)."""


def _rollout(_: str, args: SageMakerEndpointArgs) -> Problems:
    """API: DeploymentConfig, BlueGreenUpdatePolicy, RollingUpdatePolicy; Guide: deployment-guardrails-exclusions."""
    config = args.get("deployment_config")
    if not is_structure(config):
        return
    blue_green, rolling = config.get("blue_green_update_policy"), config.get("rolling_update_policy")
    if blue_green is not None and rolling is not None:
        rule = "cannot be combined with rolling_update_policy"
        yield Problem("deployment_config.blue_green_update_policy", rule)
    if is_structure(blue_green):
        yield from _blue_green("deployment_config.blue_green_update_policy", blue_green, args)
    if is_structure(rolling):
        yield from _rolling("deployment_config.rolling_update_policy", rolling, args)
    shifts = is_structure(blue_green) and blue_green.get("type", TRAFFIC_ROUTING) != "ALL_AT_ONCE"
    for path, variant in all_variants(args) if shifts or rolling is not None else []:
        if family := inferentia1_family(variant):
            rule, fix = (
                f"cannot be of the family {family} with this policy",
                "AWS would shift all traffic at once, without watching the alarms.",
            )
            yield Problem(field_path(path, "instance_type"), rule, fix=fix)


def _rolling(path: str, policy: RollingUpdatePolicyArgs, args: SageMakerEndpointArgs) -> Problems:
    """API: RollingUpdatePolicy."""
    if len(all_variants(args)) > 1:
        yield Problem(path, "cannot be combined with several variants")
    batch = policy["maximum_batch_size"]
    yield from _size(f"{path}.maximum_batch_size", batch, 5, args)
    yield from _waits(path, policy, _steps(batch, args), WAIT)


def _blue_green(path: str, policy: BlueGreenUpdatePolicyArgs, args: SageMakerEndpointArgs) -> Problems:
    """API: TrafficRoutingConfig."""
    type_, canary, linear = (
        policy.get("type", TRAFFIC_ROUTING),
        policy.get("canary_size"),
        policy.get("linear_step_size"),
    )
    if not is_known(type_):
        return
    for mode, field, size, least in (("CANARY", "canary_size", canary, 1), ("LINEAR", "linear_step_size", linear, 10)):
        if mode != type_:
            yield from refused_fields(path, policy, [field], f"cannot be set with type {type_}")
        elif size is None:
            yield Problem(field_path(path, field), f"is required with type {type_}")
        else:
            yield from _size(field_path(path, field), size, least, args)
    steps = {"ALL_AT_ONCE": 1, "CANARY": 2}.get(type_) or _steps(linear, args)
    yield from _waits(path, policy, steps, policy.get("termination_wait_in_seconds", WAIT))


def _size(path: str, size: CapacitySizeArgs, least: int, args: SageMakerEndpointArgs) -> Problems:
    """A batch is at least ``least`` and at most 50 % of the fleet (API: the policies' own members)."""
    if not is_structure(size):
        return
    value, type_, fleet = size["value"], size.get("type", CAPACITY_SIZE_TYPE), _fleet(args)
    if not is_known(value) or not is_known(type_):
        return
    if type_ == "CAPACITY_PERCENT":
        if not least <= value <= MOST_PERCENT:
            yield Problem(f"{path}.value", f"must be between {least} and {MOST_PERCENT} percent", value)
    elif fleet and not least <= 100 * value / fleet <= MOST_PERCENT:
        rule = f"must be between {least} and {MOST_PERCENT} percent of the {fleet} instances"
        yield Problem(f"{path}.value", rule, value)


def _fleet(args: SageMakerEndpointArgs) -> int | None:
    """Returns the number of instances, if there is one variant and nothing else sets it."""
    production = variants(args)
    if len(production) != 1:
        return None
    ((_, variant),) = production
    if "autoscaling" in variant or is_serverless(variant):
        return None
    count = variant.get("initial_instance_count", INSTANCE_COUNT)
    return count if isinstance(count, int) else None


def _steps(size: CapacitySizeArgs | None, args: SageMakerEndpointArgs) -> int:
    """Returns how many steps a rollout has, 1 if that is not known."""
    if not is_structure(size):
        return 1
    value, type_ = size["value"], size.get("type", CAPACITY_SIZE_TYPE)
    if not is_known(value) or not is_known(type_):
        return 1
    whole = 100 if type_ == "CAPACITY_PERCENT" else _fleet(args) or value
    return max(1, -(-whole // value))


def _waits(
    path: str,
    policy: BlueGreenUpdatePolicyArgs | RollingUpdatePolicyArgs,
    steps: int,
    termination_wait: pulumi.Input[int],
) -> Problems:
    """The waits fit into the limits.

    API: BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds ("larger than the total waiting time"); the provider
    takes 14400 s at most and itself waits 60 minutes (endpoint.go, waitEndpointInService; issue 39090).
    """
    wait, timeout = policy.get("wait_interval_in_seconds", WAIT), policy.get("maximum_execution_timeout_in_seconds")
    where = f"{path}.maximum_execution_timeout_in_seconds"
    if is_known(timeout) and timeout > PROVIDER_TIMEOUT:
        yield Problem(where, f"must be at most {PROVIDER_TIMEOUT}, the provider's limit", timeout)
    if not is_known(wait) or not is_known(termination_wait):
        return
    total = wait * max(1, steps - 1) + termination_wait
    if is_known(timeout) and timeout <= total:
        yield Problem(where, f"must be more than the {total} seconds that the waits take together", timeout)
    if total >= PROVIDER_SECONDS:
        rule = f"is too long: the waits take {total} seconds together and must take less than {PROVIDER_SECONDS}"
        fix = "The provider waits no longer for an update."
        yield Problem(f"{path}.wait_interval_in_seconds", rule, fix=fix)


def _own_alarms(_: str, args: SageMakerEndpointArgs) -> Problems:
    """Alarms that roll back must be there before the endpoint, hence know its name; at most 10 (API: AlarmList)."""
    config = args.get("deployment_config")
    if not is_structure(config) or "auto_rollback_alarms" in config or "alarms" not in args:
        return
    if "endpoint_name" not in args:
        yield Problem("endpoint_name", "is required, as a plain value, for alarms that roll an update back")
    count, most = len(ROLLBACK_ALARMS) * len(variants(args)), shapes()["AlarmList"]["max"]
    if count > most:
        rule = f"is required: {count} alarms of the component's own would roll back, and AWS takes {most}"
        yield Problem("deployment_config.auto_rollback_alarms", rule)


RULES = (_rollout, _own_alarms)
