"""Rules of a rollout."""

from collections.abc import Mapping
from typing import Any

from sagebridge._aws import shapes
from sagebridge.endpoint.parts import ROLLBACK, all_variants, at, variants
from sagebridge.endpoint.rules.common import Args, Found, inferentia1, known, out
from sagebridge.validation import Problem

PROVIDER_SECONDS = 3600
"""How long the provider waits for an endpoint; not to be changed by ``custom_timeouts`` (endpoint.go)."""


def _rollout(_: str, args: Args) -> Found:
    """API: DeploymentConfig, BlueGreenUpdatePolicy, RollingUpdatePolicy; Guide: deployment-guardrails-exclusions."""
    config = args.get("deployment_config")
    if not isinstance(config, Mapping):
        return
    blue_green, rolling = config.get("blue_green_update_policy"), config.get("rolling_update_policy")
    if blue_green is not None and rolling is not None:
        yield from out("deployment_config", config, ["blue_green_update_policy"], "beside rolling_update_policy")
    if isinstance(blue_green, Mapping):
        yield from _blue_green("deployment_config.blue_green_update_policy", blue_green, args)
    if isinstance(rolling, Mapping):
        path = "deployment_config.rolling_update_policy"
        if len(all_variants(args)) > 1:
            yield Problem(path, None, "left out of an endpoint with several variants")
        yield from _size(f"{path}.maximum_batch_size", rolling.get("maximum_batch_size"), 5, args)
        yield from _waits(path, rolling, _steps(rolling.get("maximum_batch_size"), args))
    shifts = rolling is not None or (
        isinstance(blue_green, Mapping) and blue_green.get("type", "ALL_AT_ONCE") != "ALL_AT_ONCE"
    )
    for path, variant in all_variants(args) if shifts else []:
        if inferentia1(variant):
            type_ = variant["instance_type"]
            yield Problem(
                at(path, "instance_type"), type_, "not of the family inf1: AWS would shift all at once, unwatched"
            )


def _blue_green(path: str, policy: Args, args: Args) -> Found:
    """API: TrafficRoutingConfig."""
    type_, sizes = policy.get("type", "ALL_AT_ONCE"), {"CANARY": "canary_size", "LINEAR": "linear_step_size"}
    if not known(type_):
        return
    for mode, field in sizes.items():
        if mode != type_:
            yield from out(path, policy, [field], f"of type {type_}")
        elif field not in policy:
            yield Problem(at(path, field), None, f"given with type {type_}")
        else:
            yield from _size(at(path, field), policy[field], 1 if mode == "CANARY" else 10, args)
    steps = {"ALL_AT_ONCE": 1, "CANARY": 2}.get(type_) or _steps(policy.get("linear_step_size"), args)
    yield from _waits(path, policy, steps)


def _size(path: str, size: object, least: int, args: Args) -> Found:
    """A batch is ``least`` to 50 % of the fleet (API: the policies' own members)."""
    if not isinstance(size, Mapping) or not known(size.get("value"), size.get("type", "CAPACITY_PERCENT")):
        return
    value, fleet = size["value"], _fleet(args)
    if size.get("type", "CAPACITY_PERCENT") == "CAPACITY_PERCENT":
        if not least <= value <= 50:  # noqa: PLR2004 - said above
            yield Problem(f"{path}.value", value, f"from {least} to 50 percent")
    elif fleet and not least <= 100 * value / fleet <= 50:  # noqa: PLR2004 - said above
        yield Problem(f"{path}.value", value, f"{least} to 50 percent of the {fleet} instances")


def _fleet(args: Args) -> int | None:
    """Returns the number of instances, if there is one variant and nothing else sets it."""
    every = variants(args)
    if len(every) != 1 or "autoscaling" in every[0][1] or "serverless_config" in every[0][1]:
        return None
    count = every[0][1].get("initial_instance_count", 1)
    return count if isinstance(count, int) else None


def _steps(size: object, args: Args) -> int:
    """Returns how many steps a rollout has, 1 if that is not known."""
    if not isinstance(size, Mapping) or not known(size.get("value"), size.get("type", "CAPACITY_PERCENT")):
        return 1
    value: int = size["value"]
    whole = 100 if size.get("type", "CAPACITY_PERCENT") == "CAPACITY_PERCENT" else _fleet(args) or value
    return max(1, -(-whole // value))


def _waits(path: str, policy: Args, steps: int) -> Found:
    """The waits fit into the limits.

    API: BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds ("larger than the total waiting time"); the provider
    takes 14400 s at most and itself waits 60 minutes (endpoint.go, waitEndpointInService; issue 39090).
    """
    wait, after = policy.get("wait_interval_in_seconds", 0), policy.get("termination_wait_in_seconds", 0)
    limit: Any = policy.get("maximum_execution_timeout_in_seconds")
    if known(limit) and limit > 14400:  # noqa: PLR2004 - said above
        yield Problem(f"{path}.maximum_execution_timeout_in_seconds", limit, "at most 14400, the provider's limit")
    if not known(wait, after):
        return
    total = wait * max(1, steps - 1) + after
    if known(limit) and limit <= total:
        allowed = f"more than the {total} seconds that the waits take together"
        yield Problem(f"{path}.maximum_execution_timeout_in_seconds", limit, allowed)
    if total >= PROVIDER_SECONDS:
        allowed = (
            f"such that the waits take less than {PROVIDER_SECONDS} seconds together, as long as the provider waits"
        )
        yield Problem(f"{path}.wait_interval_in_seconds", f"{wait} ({total} together)", allowed)


def _own_alarms(_: str, args: Args) -> Found:
    """Alarms that roll back must be there before the endpoint, hence know its name; at most 10 (API: AlarmList)."""
    config = args.get("deployment_config")
    if not isinstance(config, Mapping) or "auto_rollback_alarms" in config or "alarms" not in args:
        return
    if "endpoint_name" not in args:
        yield Problem("endpoint_name", None, "given and plain, for alarms that roll an update back")
    count, most = len(ROLLBACK) * len(variants(args)), shapes()["AlarmList"]["max"]
    if count > most:
        allowed = f"given: {count} own alarms would roll back, and AWS takes {most}"
        yield Problem("deployment_config.auto_rollback_alarms", None, allowed)


RULES = (_rollout, _own_alarms)
