"""Refuses, in the preview, changes that would be an outage or that AWS would refuse only after many minutes.

The component records in its own inputs what decides that. The engine keeps them in the stack's state and hands old and
new ones to a hook before it updates the component, which is before it touches any child.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from sagebridge.endpoint.args import DEFAULT_INSTANCE_TYPE
from sagebridge.endpoint.parts import variants
from sagebridge.validation import Problem, message

Args = Mapping[str, Any]


def recorded(args: Args, region: pulumi.Input[str | None] = None) -> dict[str, Any]:
    """Returns what the component's own inputs hold: where it is, what each variant runs on, what rolls updates back."""
    return {
        "region": region,
        "endpointName": args.get("endpoint_name"),
        "rollback": rolls_back(args) and "import_endpoint" not in args,  # what is imported stays as it is
        "guarded": "deployment_config" in args,
        "variants": {variant["variant_name"]: _capacity(variant) for _, variant in variants(args)},
        "scaled": sorted(capacities(args)),
    }


def rolls_back(args: Args) -> bool:
    """Tells whether alarms roll an update back: those that are named or, for a rollout, the endpoint's own."""
    config = args.get("deployment_config")
    return config is not None and ("auto_rollback_alarms" in config or "alarms" in args)


def capacities(args: Args) -> dict[str, pulumi.Input[str]]:
    """Returns, for each variant that scales, its instance type or ``serverless``."""
    return {own["variant_name"]: _capacity(own) for _, own in variants(args) if "autoscaling" in own}


def _capacity(variant: Args) -> pulumi.Input[str]:
    found: pulumi.Input[str] = variant.get("instance_type", DEFAULT_INSTANCE_TYPE)
    return "serverless" if "serverless_config" in variant else found


def hooks(allowed: bool) -> pulumi.ResourceHookBinding:  # noqa: FBT001 - the one thing to say
    """Returns the hook of components, which share it: to register one takes as long as a resource.

    Args:
        allowed: whether their endpoints may be replaced.
    """

    def check(args: pulumi.ResourceHookArgs) -> None:
        if problems := refused(args.old_inputs or {}, args.new_inputs or {}, args.old_outputs or {}, allowed=allowed):
            raise pulumi.RunError(message(f"SageMakerEndpoint {args.name!r} cannot be changed so", problems))

    name = "sagebridge-replacement" + ("-allowed" if allowed else "")
    options = pulumi.ResourceHookOptions(on_dry_run=True)
    return pulumi.ResourceHookBinding(before_update=[pulumi.ResourceHook(name, check, options)])


def refused(old: Args, new: Args, outputs: Args, *, allowed: bool) -> list[Problem]:
    """Returns what is wrong with a change; what was not recorded, or is not known, is passed over.

    Args:
        old: what was recorded.
        new: what is to be recorded.
        outputs: the component's outputs so far.
        allowed: whether the endpoint may be replaced.
    """
    if moved := _region(old, new):
        return moved
    replacing = _replacing(old, new, outputs)
    if replacing:
        return [] if allowed else replacing
    return [*_serverless(old, new), *_names(old, new), *_scaled(old, new)]


def _region(old: Args, new: Args) -> list[Problem]:
    """Since its version 6 the AWS provider leaves what is there in its region, and makes what is new in the other.

    Guide: "Enhanced Region Support" of terraform-provider-aws; pulumi-aws pull request 5656.
    """
    before, after = old.get("region"), new.get("region")
    if not (isinstance(before, str) and isinstance(after, str)) or before == after:
        return []
    allowed = (
        f"{before!r}, as before: the endpoint would stay there, and its next configuration would not be. Destroy it "
        "first, or declare another endpoint with a provider of the other region"
    )
    return [Problem("region", after, allowed)]


def _replacing(old: Args, new: Args, outputs: Args) -> list[Problem]:
    """The provider replaces an endpoint for its name and for the block of its alarms (endpoint.go, ForceNew)."""
    unless = "as before: it replaces the endpoint, an outage. Set allow_replacement if that is wanted"
    found = []
    name, before = new.get("endpointName"), outputs.get("endpointName")
    if isinstance(name, str) and isinstance(before, str) and name != before:
        found.append(Problem("endpoint_name", name, f"{before!r}, {unless}"))
    if "rollback" in old and old["rollback"] != new["rollback"]:
        said = "the last alarm" if old["rollback"] else "the first alarm"
        now = "left" if old["rollback"] else "left out"
        found.append(Problem("deployment_config.auto_rollback_alarms", said, f"{now}, {unless}"))
    return found


def _serverless(old: Args, new: Args) -> list[Problem]:
    """Guide: serverless-endpoints, "You cannot convert your instance-based, real-time endpoint to a serverless …"."""
    before, after = old.get("variants", {}), new.get("variants", {})
    if before and "serverless" not in before.values() and "serverless" in after.values():
        allowed = "left out: AWS cannot make an endpoint with instances serverless. Make another, under another name"
        return [Problem("serverless_config", "serverless", allowed)]
    return []


def _names(old: Args, new: Args) -> list[Problem]:
    """Guide: deployment-guardrails-exclusions, "must have the same variant name as the old endpoint configuration"."""
    before, after = sorted(old.get("variants", {})), sorted(new.get("variants", {}))
    if not before or before == after or not new.get("guarded"):
        return []
    allowed = f"{', '.join(before)} in an update with deployment_config. Take that away for this update"
    return [Problem("production_variants", ", ".join(after), allowed)]


def _scaled(old: Args, new: Args) -> list[Problem]:
    """AWS refuses to change the instance type of a variant that scales; see ``autoscaling.registration``.

    While one variant scales, the order is right. When the last one stops, its target goes only after the update.
    """
    if new.get("scaled"):
        return []
    before, after = old.get("variants", {}), new.get("variants", {})
    kept = "left for this update: it changes what the variant runs on. Then take it away"
    gone = "left for this update: AWS lets no variant go that scales. First take its autoscaling away"
    return [
        Problem("autoscaling", f"none for {name}", kept)
        if name in after
        else Problem("production_variants", f"without {name}", gone)
        for name in old.get("scaled", [])
        if isinstance(after.get(name, ""), str) and after.get(name) != before[name]
    ]
