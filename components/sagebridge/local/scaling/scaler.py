"""What changes capacities: alarms that ask for their policies, scheduled actions, and the bounds of a target.

Capacities are read and changed by SageMaker's own operations. Times of AWS's guides are divided by the pace.
"""

import logging
import math
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sagebridge.local.cloudwatch.alarms import Finding, Rule
from sagebridge.local.scaling.policies import bounded, stepped, tracked
from sagebridge.local.scaling.targets import CONCURRENCY, DIMENSIONS, Targets, identity, variant_of
from sagebridge.local.shapes import AwsError, Record
from sagebridge.local.times import Times
from sagebridge.schedules import Schedule

log = logging.getLogger(__name__)

COOLDOWN = 300.0
"""Seconds; the default for SageMaker's variants. Source: "Define cooldown periods"."""
MAX_ACTIVITIES = 100


class _Trigger(NamedTuple):
    """An alarm that asks for one of its policies."""

    policy: Record
    rule: Rule
    finding: Finding

    @property
    def scales_in(self) -> bool:
        """Whether the alarm is the lower one of a target tracking policy."""
        return "TargetTrackingScalingPolicyConfiguration" in self.policy and self.rule.comparison.startswith("Less")


class Scaler:
    """Changes the capacities of the scalable targets.

    Args:
        targets: the account's scalable targets.
        sagemaker: carries out a SageMaker operation.
        times: returns the times that hold now; the pace divides cooldowns and intervals.
    """

    def __init__(
        self, targets: Targets, sagemaker: Callable[[str, Record], Record], times: Callable[[], Times]
    ) -> None:
        self._targets = targets
        self._sagemaker = sagemaker
        self._times = times
        self._checked_until = time.time()
        """Up to when scheduled actions were carried out."""

    def scale(self, findings: Iterable[tuple[Rule, Finding]]) -> None:
        """Does what alarms ask of their policies; of several capacities the largest is taken.

        Source: PutScalingPolicy, "Application Auto Scaling gives precedence to the policy that provides the largest
        capacity".

        Args:
            findings: the alarms whose state has a scaling policy as its action, with what they found.
        """
        with self._targets.lock:
            triggers: defaultdict[str, list[_Trigger]] = defaultdict(list)
            for rule, finding in findings:
                for key, policy in self._policies_of(rule):
                    triggers[key].append(_Trigger(policy, rule, finding))
            for key, target_triggers in triggers.items():
                self._scale_target(key, target_triggers)

    def tick(self, now: float) -> None:
        """Carries out scheduled actions, and notes which changes of capacity are done."""
        with self._targets.lock:
            since, self._checked_until = self._checked_until, now
            changed = self._settle(now)
            for key, actions in self._targets.actions.items():
                for action in actions.values():
                    if self._is_due(action, since, now):
                        self._carry_out(key, action, now)
                        changed = True
            for key, target in self._targets.targets.items():
                if target.get("unfit") and self.fit(key):
                    del target["unfit"]
                    changed = True
            if changed:
                self._targets.save()

    def fit(self, key: str) -> bool:
        """Brings the capacity of a target's variant within its bounds; returns whether that was possible now."""
        target = self._targets.targets[key]
        current = self._current(target)
        if current is None:
            return False
        capacity = bounded(current, target["MinCapacity"], target["MaxCapacity"])
        if capacity != current:
            bound = "minimum" if capacity > current else "maximum"
            self._change(target, capacity, f"{bound} capacity was set to {capacity}")
        return True

    def _scale_target(self, key: str, triggers: list[_Trigger]) -> None:
        target = self._targets.targets[key]
        current = self._current(target)
        if current is None:
            return
        now = time.time()
        scaling_in = {trigger.policy["PolicyName"] for trigger in triggers if trigger.scales_in}
        capacities: list[tuple[int, _Trigger]] = []
        for trigger in triggers:
            held = trigger.policy["PolicyName"] in scaling_in and self._others_hold(key, scaling_in)
            if trigger.finding.values and not held:
                capacity = self._asked_capacity(trigger, current, now)
                capacities.append((bounded(capacity, target["MinCapacity"], target["MaxCapacity"]), trigger))
        larger = [choice for choice in capacities if choice[0] > current]
        choices = larger or [choice for choice in capacities if choice[0] < current]
        suspended = "DynamicScalingOutSuspended" if larger else "DynamicScalingInSuspended"
        if not choices or target["SuspendedState"][suspended]:
            return
        capacity, trigger = max(choices, key=lambda choice: choice[0])
        policy, rule = trigger.policy, trigger.rule
        policy["scaled"] = {"time": now, "from": current, "to": capacity}
        cause = f"monitor alarm {rule.name} in state {rule.state} triggered policy {policy['PolicyName']}"
        self._change(target, capacity, cause)
        self._targets.save()

    def _asked_capacity(self, trigger: _Trigger, current: int, now: float) -> int:
        """Returns the capacity that a policy asks for: during its cooldown, the current one or a larger one.

        Source: "Define cooldown periods": during a scale-out cooldown what was added counts as part of the next
        scale-out; during a scale-in cooldown the capacity does not sink, and may rise.
        """
        policy = trigger.policy
        values = [value for _, value in trigger.finding.values]
        last = policy.get("scaled", {"time": 0.0, "from": 0, "to": 0})
        rose = last["to"] > last["from"]
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
        config = tracking or policy["StepScalingPolicyConfiguration"]
        cooldown = config.get(("ScaleOutCooldown" if rose else "ScaleInCooldown") if tracking else "Cooldown", COOLDOWN)
        is_cooling = now - last["time"] < cooldown / self._times().pace
        base = last["from"] if is_cooling and rose else current
        if tracking:
            capacity = tracked(base, values[0], tracking["TargetValue"])
        else:
            capacity = stepped(base, values, trigger.rule.threshold, config)
        if is_cooling and capacity < current:
            return current
        return capacity

    def _others_hold(self, key: str, scaling_in: set[str]) -> bool:
        """Returns whether another target tracking policy does not ask to scale in yet: all of them must.

        Source: "Target tracking scaling policies", considerations on several policies.
        """
        return any(
            "TargetTrackingScalingPolicyConfiguration" in policy
            and not policy["TargetTrackingScalingPolicyConfiguration"].get("DisableScaleIn")
            and name not in scaling_in
            for name, policy in self._targets.policies.get(key, {}).items()
        )

    def _policies_of(self, rule: Rule) -> list[tuple[str, Record]]:
        arns = rule.actions.get(rule.state, ())
        return [
            (key, policy)
            for key, policies in self._targets.policies.items()
            for policy in policies.values()
            if any(arn.startswith(policy["PolicyARN"]) for arn in arns)
        ]

    def _current(self, target: Record) -> int | None:
        """Returns the capacity of a target's variant, or None while it cannot be changed."""
        endpoint, name = variant_of(target)
        try:
            described = self._sagemaker("DescribeEndpoint", {"EndpointName": endpoint})
        except AwsError:
            return None
        variants = {variant["VariantName"]: variant for variant in described.get("ProductionVariants", [])}
        if described["EndpointStatus"] != "InService" or name not in variants:
            return None
        if target["ScalableDimension"] == CONCURRENCY:
            return int(variants[name].get("CurrentServerlessConfig", {}).get("ProvisionedConcurrency", 0))
        return int(variants[name]["CurrentInstanceCount"])

    def _change(self, target: Record, capacity: int, cause: str) -> None:
        """Asks SageMaker for a capacity, and notes it as an activity."""
        endpoint, name = variant_of(target)
        size: Record = {"DesiredInstanceCount": capacity}
        if target["ScalableDimension"] == CONCURRENCY:
            size = {"ServerlessUpdateConfig": {"ProvisionedConcurrency": capacity}}
        request = {"EndpointName": endpoint, "DesiredWeightsAndCapacities": [{"VariantName": name, **size}]}
        words = f"{DIMENSIONS[target['ScalableDimension']]} to {capacity}."
        status, message = "InProgress", f"Successfully set {words} Waiting for change to be fulfilled by sagemaker."
        try:
            self._sagemaker("UpdateEndpointWeightsAndCapacities", request)
        except AwsError as error:
            failure = f"(Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
            status, message = "Failed", f"Failed to set {words} Reason: {error.message} {failure}"
        self._note(target, f"Setting {words}", cause, status, message)
        log.info("%s: setting %s %s", target["ResourceId"], words, cause)

    def _note(self, target: Record, description: str, cause: str, status: str, message: str) -> None:
        """Adds an activity."""
        now = time.time()
        activity = identity(target) | {
            "ActivityId": str(uuid.uuid4()),
            "Description": description,
            "Cause": cause,
            "StartTime": now,
            "StatusCode": status,
            "StatusMessage": message,
        }
        if status != "InProgress":
            activity["EndTime"] = now
        self._targets.activities = [activity, *self._targets.activities][:MAX_ACTIVITIES]

    def _settle(self, now: float) -> bool:
        """Notes which activities are done; returns whether any are."""
        done = [
            activity
            for activity in self._targets.activities
            if activity["StatusCode"] == "InProgress" and self._current(activity) is not None
        ]
        for activity in done:
            message = activity["StatusMessage"].replace("Waiting for change to be", "Change successfully")
            activity |= {"StatusCode": "Successful", "StatusMessage": message, "EndTime": now}
        return bool(done)

    def _is_due(self, action: Record, since: float, now: float) -> bool:
        start = max(action["CreationTime"], action.get("StartTime", 0.0))
        if not action.get("StartTime", 0.0) <= now < action.get("EndTime", math.inf):
            return False
        schedule = Schedule(action["Schedule"], action["Timezone"])
        return schedule.is_due(start, max(since, start), now, self._times().pace)

    def _carry_out(self, key: str, action: Record, now: float) -> None:
        """Sets the bounds that a scheduled action asks for; the capacity follows when it can be changed."""
        target = self._targets.targets[key]
        if target["SuspendedState"]["ScheduledScalingSuspended"]:
            return
        bounds = action["ScalableTargetAction"]
        target |= bounds
        target["MaxCapacity"] = max(target["MaxCapacity"], target["MinCapacity"])
        setting = " and ".join(
            f"{word} capacity to {bounds[member]}"
            for member, word in (("MinCapacity", "min"), ("MaxCapacity", "max"))
            if member in bounds
        )
        cause = f"scheduled action name {action['ScheduledActionName']} was triggered"
        self._note(target, f"Setting {setting}", cause, "Successful", f"Successfully set {setting}")
        target["unfit"] = True
        log.info("%s at %.0f: %s", target["ResourceId"], now, cause)
