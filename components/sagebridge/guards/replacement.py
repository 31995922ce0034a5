"""Refuses, in the preview, changes that would be an outage or that AWS would refuse only after many minutes.

The component records in its own inputs what decides that. The engine keeps them in the stack's state and hands old and
new ones to a hook before it updates the component, which is before it touches any child.
"""

from collections.abc import Mapping
from typing import TypedDict, TypeVar, cast

import pulumi

from sagebridge import _sdk
from sagebridge.endpoint.spec import Endpoint
from sagebridge.guards.earlier import EarlierOutputs
from sagebridge.redaction import concealed
from sagebridge.validation import Problem, message

Value = TypeVar("Value")


class Recorded(TypedDict, total=False):
    """The component's own inputs, in the stack's state; earlier versions have recorded fewer or none."""

    region: pulumi.Input[str | None]
    endpointName: pulumi.Input[str | None]
    rollback: bool
    """Whether alarms roll an update back. False of an endpoint that is being imported, as it stays what it is."""
    guarded: bool
    """Whether updates have a ``deployment_config``."""
    variants: Mapping[str, pulumi.Input[str]]
    """What each production variant runs on: its instance type, or ``serverless``."""
    scaled: list[str]
    """The variants that scale."""


def recorded(endpoint: Endpoint, region: pulumi.Input[str | None] = None) -> Recorded:
    """Returns what the component's own inputs hold."""
    rollout = endpoint.rollout
    return {
        "region": region,
        "endpointName": endpoint.arguments.get("endpoint_name"),
        "rollback": bool(rollout and rollout.alarm_names) and "import_endpoint" not in endpoint.arguments,
        "guarded": rollout is not None,
        "variants": {variant.name: variant.runs_on for variant in endpoint.production_variants},
        "scaled": sorted(variant.name for variant, _ in endpoint.scaled),
    }


def hooks(allowed: bool) -> pulumi.ResourceHookBinding:  # noqa: FBT001 - `once` takes no keywords
    """Returns the hook of components, which share it: to register one takes as long as a resource.

    Args:
        allowed: Whether their endpoints may be replaced.
    """
    earlier = _sdk.once(EarlierOutputs)

    async def check(args: pulumi.ResourceHookArgs) -> None:
        await earlier.keep(args)
        old, new, outputs = [
            await _concealed(properties) for properties in (args.old_inputs, args.new_inputs, args.old_outputs)
        ]
        if problems := refused(cast("Recorded", old), cast("Recorded", new), outputs, allowed=allowed):
            raise pulumi.RunError(message(f"SageMakerEndpoint {args.name!r} cannot be changed like this", problems))

    name = _sdk.hook_name("sagebridge-replacement" + ("-allowed" if allowed else ""))
    options = pulumi.ResourceHookOptions(on_dry_run=True)
    return pulumi.ResourceHookBinding(before_update=[pulumi.ResourceHook(name, check, options)])


async def _concealed(properties: Mapping[str, Value] | None) -> dict[str, Value]:
    """Returns properties as values, secrets concealed; a hook gets those that hold a secret as outputs."""
    return {
        name: concealed(await value.future(with_unknowns=True)) if isinstance(value, pulumi.Output) else value
        for name, value in (properties or {}).items()
    }


def refused(old: Recorded, new: Recorded, outputs: Mapping[str, object], *, allowed: bool) -> list[Problem]:
    """Returns what is wrong with a change; what was not recorded, or is not known, is passed over.

    Args:
        old: What was recorded.
        new: What is to be recorded.
        outputs: The component's outputs so far.
        allowed: Whether the endpoint may be replaced.
    """
    if moved := _region(old, new):
        return moved
    replacing = _replacing(old, new, outputs)
    if replacing:
        return [] if allowed else replacing
    return [*_serverless(old, new), *_names(old, new), *_scaled(old, new)]


def _region(old: Recorded, new: Recorded) -> list[Problem]:
    """Since its version 6 the AWS provider leaves what is there in its region, and makes what is new in the other.

    Guide: "Enhanced Region Support" of terraform-provider-aws; pulumi-aws pull request 5656.
    """
    before, after = old.get("region"), new.get("region")
    if not (isinstance(before, str) and isinstance(after, str)) or before == after:
        return []
    fix = (
        "The endpoint would stay there, and its next configuration would not. Destroy it first, or declare another "
        "endpoint with a provider of the other region."
    )
    return [Problem("region", f"cannot change from {before!r} to {after!r}", fix=fix)]


def _replacing(old: Recorded, new: Recorded, outputs: Mapping[str, object]) -> list[Problem]:
    """The provider replaces an endpoint for its name and for the block of its alarms (endpoint.go, ForceNew)."""
    why, fix = "because that replaces the endpoint, an outage", "Set allow_replacement if that is wanted."
    wrong = []
    name, before = new.get("endpointName"), outputs.get("endpointName")
    if isinstance(name, str) and isinstance(before, str) and name != before:
        wrong.append(Problem("endpoint_name", f"cannot change from {before!r} to {name!r}, {why}", fix=fix))
    if "rollback" in old and old["rollback"] != new["rollback"]:
        change = "lose its last alarm" if old["rollback"] else "get its first alarm"
        wrong.append(Problem("deployment_config.auto_rollback_alarms", f"cannot {change}, {why}", fix=fix))
    return wrong


def _serverless(old: Recorded, new: Recorded) -> list[Problem]:
    """Guide: serverless-endpoints, "You cannot convert your instance-based, real-time endpoint to a serverless …"."""
    before, after = old.get("variants", {}), new.get("variants", {})
    if before and "serverless" not in before.values() and "serverless" in after.values():
        rule = "cannot be added, because AWS does not make an endpoint with instances serverless"
        return [Problem("serverless_config", rule, fix="Declare another endpoint, under another name.")]
    return []


def _names(old: Recorded, new: Recorded) -> list[Problem]:
    """Guide: deployment-guardrails-exclusions, "must have the same variant name as the old endpoint configuration"."""
    before, after = sorted(old.get("variants", {})), sorted(new.get("variants", {}))
    if not before or before == after or not new.get("guarded"):
        return []
    rule = f"cannot change from {', '.join(before)} to {', '.join(after)} in an update with deployment_config"
    return [Problem("production_variants", rule, fix="Remove deployment_config for this update.")]


def _scaled(old: Recorded, new: Recorded) -> list[Problem]:
    """AWS refuses to change the instance type of a variant that scales; see ``autoscaling.registration``.

    While one variant scales, the order is right. When the last one stops, its target goes only after the update.
    """
    if new.get("scaled"):
        return []
    before, after = old.get("variants", {}), new.get("variants", {})
    return [
        Problem(
            "autoscaling",
            f"cannot be removed from {name} in the update that changes what it runs on",
            fix="Keep it for this update, and remove it in the next.",
        )
        if name in after
        else Problem(
            "production_variants",
            f"cannot lose {name} while it scales",
            fix="Remove its autoscaling first.",
        )
        for name in old.get("scaled", [])
        if isinstance(after.get(name, ""), str) and after.get(name) != before[name]
    ]
