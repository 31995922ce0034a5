"""Application Auto Scaling for the variants of SageMaker endpoints, in place of moto's, which scales nothing.

A target tracking policy makes two alarms, a step scaling policy is the action of alarms that the user makes; the
alarms ask for their policies by `AutoScaling.scale`. Capacities are read and changed by SageMaker's own operations.

Source: Application Auto Scaling's user guide and API reference, as botocore quotes it, and the chapters on
automatic scaling of SageMaker's guide. Times of the guides are divided by the pace.
"""

from __future__ import annotations

import copy
import logging
import math
import time
import uuid
from collections import defaultdict
from itertools import pairwise
from threading import RLock
from typing import TYPE_CHECKING, Any

from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.scaling.policies import LOW, bounded, stepped, tracked
from sagebridge.local.scaling.schedules import Schedule
from sagebridge.local.shapes import AwsError, check, service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sagebridge.local.cloudwatch.alarms import Finding, Rule
    from sagebridge.local.cloudwatch.moto import AlarmBook
    from sagebridge.local.times import Times

log = logging.getLogger(__name__)
Record = dict[str, Any]

NAMESPACE = "sagemaker"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
WORDS = {INSTANCES: "desired instance count", CONCURRENCY: "desired provisioned concurrency"}
COOLDOWN = 300.0  # seconds; "Define cooldown periods", the default for SageMaker's variants
KEPT = 100  # activities
PAGE = 50  # items; the largest page
HIGH, LOW_PERIODS = 3, 15  # periods of the alarms of a target tracking policy
ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
# The metric of each predefined one, its statistic and period in seconds: SageMaker's guide, "Auto scaling policy
# overview"; the statistics of the second and third are not documented
PREDEFINED = {
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum", 60),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": ("ConcurrentRequestsPerModel", "Average", 10),
    "SageMakerVariantProvisionedConcurrencyUtilization": ("ServerlessProvisionedConcurrencyUtilization", "Maximum", 60),
}
_NOT_SUSPENDED = dict.fromkeys(
    ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"], False
)
_KINDS = {"policies": "scaling policy", "actions": "scheduled action"}


def empty_state() -> Record:
    """Give the state of an account that scales nothing."""
    return {"targets": {}, "policies": {}, "actions": {}, "activities": []}


class AutoScaling:
    """The account's Application Auto Scaling, for the namespace `sagemaker`.

    Args:
        state: as `empty_state` gives it, or as it was last saved.
        save: keeps the state; called before a change is acknowledged.
        sagemaker: carries out a SageMaker operation.
        book: the account's alarms.
        times: its pace divides cooldowns and intervals.
    """

    def __init__(
        self,
        state: Record,
        save: Callable[[Record], None],
        sagemaker: Callable[[str, Record], Record],
        book: AlarmBook,
        times: Callable[[], Times],
    ) -> None:
        self._state = state
        self._save = save
        self._sagemaker = sagemaker
        self._book = book
        self._times = times
        self._lock = RLock()
        self._looked = time.time()  # when scheduled actions were last looked for
        self._operations: dict[str, Callable[[Record], Record]] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "PutScalingPolicy": self._put_policy,
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingPolicies": self._describe_policies,
            "PutScheduledAction": self._put_action,
            "DeleteScheduledAction": self._delete_action,
            "DescribeScheduledActions": self._describe_actions,
            "DescribeScalingActivities": self._describe_activities,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    def serves(self, request: Record) -> bool:
        """Tell whether a request is about SageMaker's variants; others are moto's."""
        arn = request.get("ResourceARN")
        return request.get("ServiceNamespace") == NAMESPACE or any(
            target["ScalableTargetARN"] == arn for target in list(self._state["targets"].values())
        )

    def call(self, name: str, request: Record) -> Record:
        """Carry out one operation, such as `RegisterScalableTarget`.

        Raises:
            AwsError: as AWS would answer; `UnknownOperationException` for what is not served here.
        """
        operation = self._operations.get(name)
        if operation is None:
            served = ", ".join(sorted(self._operations))
            raise AwsError("UnknownOperationException", f"The local AWS has no {name} for SageMaker. It has: {served}.")
        check(service("application-autoscaling").operation_model(name), request)
        with self._lock:
            answer = operation(copy.deepcopy(request))
            if not name.startswith(("Describe", "List")):
                self._save(self._state)
        return answer

    def registered(self, endpoint: str) -> set[str]:
        """Give the variants of an endpoint that are scalable targets. It takes no lock, so call it from anywhere."""
        return self.scaled().get(endpoint, set())

    def scaled(self) -> dict[str, set[str]]:
        """Give all variants that are scalable targets, by endpoint."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for target in list(self._state["targets"].values()):
            endpoint, variant = _variant_of(target)
            found[endpoint].add(variant)
        return dict(found)

    def forget(self, endpoint: str) -> None:
        """Deregister an endpoint's variants: it is deleted.

        SageMaker's guide, "Delete endpoints configured for automatic scaling": those are deregistered with it.
        """
        with self._lock:
            keys = [key for key, target in self._state["targets"].items() if _variant_of(target)[0] == endpoint]
            for key in keys:
                self._remove_target(key)
            if keys:
                self._save(self._state)

    # Scaling

    def scale(self, asking: Iterable[tuple[Rule, Finding]]) -> None:
        """Do what alarms ask of their policies; the largest capacity that one wants is taken.

        Source: PutScalingPolicy, "Application Auto Scaling gives precedence to the policy that provides the largest
        capacity".
        """
        with self._lock:
            triggers: defaultdict[str, list[tuple[Record, Rule, Finding]]] = defaultdict(list)
            for rule, finding in asking:
                for key, policy in self._policies_of(rule):
                    triggers[key].append((policy, rule, finding))
            for key, each in triggers.items():
                self._scale_target(key, each)

    def tick(self, now: float) -> None:
        """Carry out scheduled actions, and see which changes of capacity are done."""
        with self._lock:
            since, self._looked = self._looked, now
            changed = self._settle(now)
            for key, actions in self._state["actions"].items():
                for action in actions.values():
                    if self._is_due(action, since, now):
                        self._carry_out(key, action, now)
                        changed = True
            for key, target in self._state["targets"].items():
                if target.get("unfit") and self._fit(key):
                    del target["unfit"]
                    changed = True
            if changed:
                self._save(self._state)

    def _scale_target(self, key: str, triggers: list[tuple[Record, Rule, Finding]]) -> None:
        target = self._state["targets"][key]
        current = self._current(target)
        if current is None:
            return
        now = time.time()
        low = {policy["PolicyName"] for policy, rule, _ in triggers if _scales_in(policy, rule)}
        wanted: list[tuple[int, Record, Rule]] = []
        for policy, rule, finding in triggers:
            if finding.values and not (policy["PolicyName"] in low and self._others_hold(key, low)):
                capacity = self._wanted(policy, rule, finding, current, now)
                wanted.append((bounded(capacity, target["MinCapacity"], target["MaxCapacity"]), policy, rule))
        out = [each for each in wanted if each[0] > current]
        chosen = out or [each for each in wanted if each[0] < current]
        suspended = "DynamicScalingOutSuspended" if out else "DynamicScalingInSuspended"
        if not chosen or target["SuspendedState"][suspended]:
            return
        capacity, policy, rule = max(chosen, key=lambda each: each[0])
        policy["scaled"] = {"time": now, "from": current, "to": capacity}
        cause = f"monitor alarm {rule.name} in state {rule.state} triggered policy {policy['PolicyName']}"
        self._change(target, capacity, cause)
        self._save(self._state)

    def _wanted(self, policy: Record, rule: Rule, finding: Finding, current: int, now: float) -> int:
        """Give what a policy wants, the current capacity during its cooldown.

        "Define cooldown periods": during a scale-out cooldown what was added counts as part of the next scale-out;
        during a scale-in cooldown the capacity does not sink, and may rise.
        """
        values = [value for _, value in finding.values]
        last = policy.get("scaled", {"time": 0.0, "from": 0, "to": 0})
        rose = last["to"] > last["from"]
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
        config = tracking or policy["StepScalingPolicyConfiguration"]
        cooldown = config.get(("ScaleOutCooldown" if rose else "ScaleInCooldown") if tracking else "Cooldown", COOLDOWN)
        cooling = now - last["time"] < cooldown / self._times().pace
        base = last["from"] if cooling and rose else current
        if tracking:
            capacity = tracked(base, values[0], tracking["TargetValue"])
        else:
            capacity = stepped(base, values, rule.threshold, config)
        if cooling and capacity < current:
            return current
        return capacity

    def _others_hold(self, key: str, low: set[str]) -> bool:
        """Tell whether a target tracking policy does not want to scale in yet: it takes all of them.

        Source: "Target tracking scaling policies", considerations on several policies.
        """
        return any(
            "TargetTrackingScalingPolicyConfiguration" in policy
            and not policy["TargetTrackingScalingPolicyConfiguration"].get("DisableScaleIn")
            and name not in low
            for name, policy in self._state["policies"].get(key, {}).items()
        )

    def _policies_of(self, rule: Rule) -> list[tuple[str, Record]]:
        actions = rule.actions.get(rule.state, ())
        return [
            (key, policy)
            for key, policies in self._state["policies"].items()
            for policy in policies.values()
            if any(arn.startswith(policy["PolicyARN"]) for arn in actions)
        ]

    def _fit(self, key: str) -> bool:
        """Bring a variant's capacity within its target's bounds; tell whether that was possible now."""
        target = self._state["targets"][key]
        current = self._current(target)
        if current is None:
            return False
        capacity = bounded(current, target["MinCapacity"], target["MaxCapacity"])
        if capacity != current:
            bound = "minimum" if capacity > current else "maximum"
            self._change(target, capacity, f"{bound} capacity was set to {capacity}")
        return True

    def _current(self, target: Record) -> int | None:
        """Give a variant's capacity, None while it cannot be changed."""
        endpoint, name = _variant_of(target)
        try:
            described = self._sagemaker("DescribeEndpoint", {"EndpointName": endpoint})
        except AwsError:
            return None
        found = [each for each in described.get("ProductionVariants", []) if each["VariantName"] == name]
        if described["EndpointStatus"] != "InService" or not found:
            return None
        return _capacity(found[0], target["ScalableDimension"])

    def _change(self, target: Record, capacity: int, cause: str) -> None:
        """Ask SageMaker for a capacity, and note it as an activity."""
        endpoint, name = _variant_of(target)
        size: Record = {"DesiredInstanceCount": capacity}
        if target["ScalableDimension"] == CONCURRENCY:
            size = {"ServerlessUpdateConfig": {"ProvisionedConcurrency": capacity}}
        request = {"EndpointName": endpoint, "DesiredWeightsAndCapacities": [{"VariantName": name, **size}]}
        words = f"{WORDS[target['ScalableDimension']]} to {capacity}."
        status, message = "InProgress", f"Successfully set {words} Waiting for change to be fulfilled by sagemaker."
        try:
            self._sagemaker("UpdateEndpointWeightsAndCapacities", request)
        except AwsError as error:
            failure = f"(Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
            status, message = "Failed", f"Failed to set {words} Reason: {error.message} {failure}"
        self._note(target, f"Setting {words}", cause, status, message)
        log.info("%s: setting %s %s", target["ResourceId"], words, cause)

    def _note(self, target: Record, description: str, cause: str, status: str, message: str) -> None:
        now = time.time()
        activity = _identity(target) | {
            "ActivityId": str(uuid.uuid4()),
            "Description": description,
            "Cause": cause,
            "StartTime": now,
            "StatusCode": status,
            "StatusMessage": message,
        }
        if status != "InProgress":
            activity["EndTime"] = now
        self._state["activities"] = [activity, *self._state["activities"]][:KEPT]

    def _settle(self, now: float) -> bool:
        """Note which activities are done; tell whether there are some."""
        done = [
            activity
            for activity in self._state["activities"]
            if activity["StatusCode"] == "InProgress" and self._current(activity) is not None
        ]
        for activity in done:
            message = activity["StatusMessage"].replace("Waiting for change to be", "Change successfully")
            activity |= {"StatusCode": "Successful", "StatusMessage": message, "EndTime": now}
        return bool(done)

    def _is_due(self, action: Record, since: float, now: float) -> bool:
        begun = max(action["CreationTime"], action.get("StartTime", 0.0))
        if not action.get("StartTime", 0.0) <= now < action.get("EndTime", math.inf):
            return False
        schedule = Schedule(action["Schedule"], action["Timezone"])
        return schedule.is_due(begun, max(since, begun), now, self._times().pace)

    def _carry_out(self, key: str, action: Record, now: float) -> None:
        target = self._state["targets"][key]
        if target["SuspendedState"]["ScheduledScalingSuspended"]:
            return
        target |= action["ScalableTargetAction"]
        target["MaxCapacity"] = max(target["MaxCapacity"], target["MinCapacity"])
        set_to = " and ".join(
            f"{word} capacity to {action['ScalableTargetAction'][member]}"
            for member, word in (("MinCapacity", "min"), ("MaxCapacity", "max"))
            if member in action["ScalableTargetAction"]
        )
        cause = f"scheduled action name {action['ScheduledActionName']} was triggered"
        self._note(target, f"Setting {set_to}", cause, "Successful", f"Successfully set {set_to}")
        target["unfit"] = True
        log.info("%s at %.0f: %s", target["ResourceId"], now, cause)

    # Scalable targets

    def _register(self, request: Record) -> Record:
        key = _key(request)
        before: Record | None = self._state["targets"].get(key)
        if before and request.get("Tags"):
            raise _invalid(
                "The scalable target that you tried to tag already exists. To update tags on an existing scalable "
                "target, use the TagResource API."
            )
        bounds = {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
        target = (before or self._new_target(request)) | bounds
        missing = {"MinCapacity", "MaxCapacity"} - target.keys()
        if missing:
            raise _invalid(f"A new scalable target needs {' and '.join(sorted(missing))}.")
        if target["MinCapacity"] > target["MaxCapacity"]:
            raise _invalid("Maximum capacity cannot be less than minimum capacity")
        self._check_variant(target)
        target["SuspendedState"] = target["SuspendedState"] | request.get("SuspendedState", {})
        self._state["targets"][key] = target
        self._fit(key)
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _new_target(self, request: Record) -> Record:
        arn = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/{uuid.uuid4().hex}"
        return _identity(request) | {
            "ScalableTargetARN": arn,
            "RoleARN": ROLE,  # custom roles are ignored where there is a service-linked one
            "CreationTime": time.time(),
            "SuspendedState": _NOT_SUSPENDED,
            "tags": request.get("Tags", {}),
        }

    def _check_variant(self, target: Record) -> None:
        """Refuse a variant that there is not, or that cannot be scaled so. The words are ours where not said."""
        resource, dimension = target["ResourceId"], target["ScalableDimension"]
        endpoint, name = _variant_of(target)
        try:
            described = self._sagemaker("DescribeEndpoint", {"EndpointName": endpoint})
        except AwsError:
            raise _invalid(f"SageMaker endpoint variant doesn't exist: {resource}") from None
        shown = described if "ProductionVariants" in described else described.get("PendingDeploymentSummary", {})
        found = [each for each in shown.get("ProductionVariants", []) if each["VariantName"] == name]
        if not found:
            raise _invalid(f"SageMaker endpoint variant doesn't exist: {resource}")
        serverless = found[0].get("CurrentServerlessConfig")
        if (dimension == CONCURRENCY) != bool(serverless and serverless.get("ProvisionedConcurrency")):
            kind = "without provisioned concurrency" if serverless else "on instances"
            raise _invalid(f"{resource} is a variant {kind}, which {dimension} does not go with.")
        if target["MinCapacity"] < 1 and "AsyncInferenceConfig" not in described:
            raise _invalid(f"Minimum capacity must be at least 1 for {resource}: its endpoint is not asynchronous.")
        kind = self._instance_type(described["EndpointConfigName"], name)
        if kind.startswith("ml.t2."):  # AWS's words
            raise _invalid(
                f"You cannot register a variant with {kind} instance type as a scalable target. This is because the "
                "burstable performance of these instances can lead to unpredictable behavior with Auto Scaling."
            )

    def _instance_type(self, config: str, variant: str) -> str:
        try:
            described = self._sagemaker("DescribeEndpointConfig", {"EndpointConfigName": config})
        except AwsError:  # it may be deleted while its endpoint serves
            return ""
        found = [each for each in described["ProductionVariants"] if each["VariantName"] == variant]
        return str(found[0].get("InstanceType", "")) if found else ""

    def _deregister(self, request: Record) -> Record:
        self._find_target(request)
        self._remove_target(_key(request))
        return {}

    def _remove_target(self, key: str) -> None:
        for policy in self._state["policies"].pop(key, {}).values():
            self._book.delete(alarm["AlarmName"] for alarm in policy["Alarms"])
        self._state["actions"].pop(key, None)
        del self._state["targets"][key]

    def _find_target(self, request: Record) -> Record:
        try:
            target: Record = self._state["targets"][_key(request)]
        except KeyError:
            raise _missing("No scalable target registered", request) from None
        return target

    def _describe_targets(self, request: Record) -> Record:
        found = [
            target
            for target in self._state["targets"].values()
            if _is_asked(target, request) and target["ResourceId"] in request.get("ResourceIds", [target["ResourceId"]])
        ]
        return _page("ScalableTargets", "ScalableTarget", found, request)

    # Policies

    def _put_policy(self, request: Record) -> Record:
        self._find_target(request)
        policies = self._state["policies"].setdefault(_key(request), {})
        before = policies.get(request["PolicyName"], {})
        policy = before | request
        policy.setdefault("PolicyType", "StepScaling")
        _check_policy(policy)
        if not before:
            arn = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{uuid.uuid4()}:"
            arn += f"resource/{NAMESPACE}/{policy['ResourceId']}:policyName/{policy['PolicyName']}"
            policy |= {"PolicyARN": arn, "CreationTime": time.time(), "Alarms": []}
        config = "TargetTrackingScalingPolicyConfiguration"
        if policy.get(config) != before.get(config):
            self._book.delete(alarm["AlarmName"] for alarm in policy["Alarms"])
            policy["Alarms"] = self._make_alarms(policy)
        policies[request["PolicyName"]] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def _make_alarms(self, policy: Record) -> list[Record]:
        """Make the alarms of a target tracking policy: AWS's names, three periods above, 15 well below."""
        action = f"{policy['PolicyARN']}:createdBy/{uuid.uuid4()}"
        config = policy["TargetTrackingScalingPolicyConfiguration"]
        target = config["TargetValue"]
        kinds = [("AlarmHigh", "GreaterThanThreshold", HIGH, target, _metric(policy))]
        if not config.get("DisableScaleIn"):
            # "Scale-in with high-resolution metrics takes as long as with standard ones": periods of a minute
            kinds.append(("AlarmLow", "LessThanThreshold", LOW_PERIODS, target * LOW, _metric(policy, 60)))
        alarms = []
        for kind, comparison, periods, threshold, metric in kinds:
            name = f"TargetTracking-{policy['ResourceId']}-{kind}-{uuid.uuid4()}"
            arn = self._book.put(
                {
                    "AlarmName": name,
                    "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}.",
                    "AlarmActions": [action],
                    "ComparisonOperator": comparison,
                    "EvaluationPeriods": periods,
                    "Threshold": threshold,
                    **metric,
                }
            )
            alarms.append({"AlarmName": name, "AlarmARN": arn})
        return alarms

    def _delete_policy(self, request: Record) -> Record:
        policy = self._pop("policies", "PolicyName", request)
        self._book.delete(alarm["AlarmName"] for alarm in policy["Alarms"])
        return {}

    def _pop(self, kind: str, named: str, request: Record) -> Record:
        try:
            found: Record = self._state[kind].get(_key(request), {}).pop(request[named])
        except KeyError:
            word = {"PolicyName": "policy name", "ScheduledActionName": "scheduled action name"}[named]
            raise _missing(f"No {_KINDS[kind]} found", request, f", {word}: {request[named]}") from None
        return found

    def _describe_policies(self, request: Record) -> Record:
        rules = self._book.rules()
        found = []
        for policy in self._of_all("policies", "PolicyName", request):
            users = [
                {"AlarmName": rule.name, "AlarmARN": rule.arn}
                for rule in rules
                if policy["PolicyARN"] in rule.actions.get("ALARM", ())
            ]
            found.append(policy | {"Alarms": policy["Alarms"] or users})
        return _page("ScalingPolicies", "ScalingPolicy", found, request)

    # Scheduled actions

    def _put_action(self, request: Record) -> Record:
        self._find_target(request)
        actions = self._state["actions"].setdefault(_key(request), {})
        kept = dict(actions.get(request["ScheduledActionName"], {}))
        for member in ("StartTime", "EndTime"):  # PutScheduledAction: "the old values are deleted"
            kept.pop(member, None)
        action: Record = {"CreationTime": time.time(), "Timezone": "UTC"} | kept | request
        if not action.get("ScalableTargetAction") or "Schedule" not in action:
            raise _invalid("A new scheduled action needs Schedule and ScalableTargetAction.")
        try:
            Schedule(action["Schedule"], action["Timezone"])
        except ValueError as error:
            raise _invalid(f"Invalid schedule expression: {error}.") from error
        prefix = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scheduledAction:{uuid.uuid4()}:resource/{NAMESPACE}"
        name = request["ScheduledActionName"]
        action.setdefault("ScheduledActionARN", f"{prefix}/{request['ResourceId']}:scheduledActionName/{name}")
        actions[name] = action
        return {}

    def _delete_action(self, request: Record) -> Record:
        self._pop("actions", "ScheduledActionName", request)
        return {}

    def _describe_actions(self, request: Record) -> Record:
        found = self._of_all("actions", "ScheduledActionName", request)
        return _page("ScheduledActions", "ScheduledAction", found, request)

    def _of_all(self, kind: str, named: str, request: Record) -> list[Record]:
        names = request.get(f"{named}s")
        return [
            each
            for things in self._state[kind].values()
            for each in things.values()
            if _is_asked(each, request) and (not names or each[named] in names)
        ]

    def _describe_activities(self, request: Record) -> Record:
        found = [activity for activity in self._state["activities"] if _is_asked(activity, request)]
        return _page("ScalingActivities", "ScalingActivity", found, request)

    # Tags

    def _tags(self, request: Record) -> Record:
        for target in self._state["targets"].values():
            if target["ScalableTargetARN"] == request["ResourceARN"]:
                tags: Record = target["tags"]
                return tags
        arn = request["ResourceARN"]
        raise AwsError("ResourceNotFoundException", f"No scalable target found for {arn}.", ResourceName=arn)

    def _tag(self, request: Record) -> Record:
        self._tags(request).update(request["Tags"])
        return {}

    def _untag(self, request: Record) -> Record:
        tags = self._tags(request)
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _list_tags(self, request: Record) -> Record:
        return {"Tags": dict(self._tags(request))}


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _missing(what: str, request: Record, more: str = "") -> AwsError:
    return AwsError(
        "ObjectNotFoundException",
        f"{what} for service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}{more}",
    )


def _identity(record: Record) -> Record:
    return {name: record[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}


def _key(request: Record) -> str:
    """Name the scalable target that a request is about.

    Raises:
        AwsError: `ValidationException`, in moto's words for AWS's.
    """
    parts = request["ResourceId"].split("/")
    if request["ScalableDimension"] not in WORDS or len(parts) != 4 or parts[::2] != ["endpoint", "variant"]:  # noqa: PLR2004 - endpoint/NAME/variant/NAME
        raise _invalid("Unsupported service namespace, resource type or scalable dimension")
    return f"{request['ResourceId']} {request['ScalableDimension']}"


def _variant_of(record: Record) -> tuple[str, str]:
    _, endpoint, _, variant = record["ResourceId"].split("/")
    return endpoint, variant


def _capacity(variant: Record, dimension: str) -> int:
    if dimension == CONCURRENCY:
        return int(variant.get("CurrentServerlessConfig", {}).get("ProvisionedConcurrency", 0))
    return int(variant["CurrentInstanceCount"])


def _scales_in(policy: Record, rule: Rule) -> bool:
    return "TargetTrackingScalingPolicyConfiguration" in policy and rule.comparison.startswith("Less")


def _check_policy(policy: Record) -> None:
    """Refuse what a policy cannot be. The words are ours; the rules those of botocore's documentation."""
    config = f"{policy['PolicyType']}PolicyConfiguration"
    others = {"StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration"} - {config}
    if policy["PolicyType"] == "PredictiveScaling":
        raise _invalid("Predictive scaling is for ECS services only.")
    if config not in policy or others & policy.keys():
        raise _invalid(f"A policy of type {policy['PolicyType']} needs {config}, and no other configuration.")
    if policy["PolicyType"] == "StepScaling":
        if not {"AdjustmentType", "StepAdjustments"} <= policy[config].keys() or not policy[config]["StepAdjustments"]:
            raise _invalid("A step scaling policy needs AdjustmentType and at least one of StepAdjustments.")
        _check_steps(policy[config]["StepAdjustments"])
        return
    tracking = policy[config]
    if ("PredefinedMetricSpecification" in tracking) == ("CustomizedMetricSpecification" in tracking):
        raise _invalid("A target tracking policy needs either PredefinedMetricSpecification or a customized one.")
    predefined = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if predefined and predefined not in PREDEFINED:
        raise _invalid(f"{predefined} is no metric of SageMaker's variants, which have: {', '.join(PREDEFINED)}.")
    if tracking["TargetValue"] <= 0:
        raise _invalid("TargetValue must be greater than 0.")


def _check_steps(steps: list[Record]) -> None:
    """Refuse steps that overlap or leave a gap: botocore, StepAdjustment."""
    spans = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf))
        for step in steps
    )
    if any(lower >= upper for lower, upper in spans):
        raise _invalid("The upper bound of a step adjustment must be greater than its lower bound.")
    if any(before[1] != after[0] for before, after in pairwise(spans)):
        raise _invalid("Step adjustments must neither overlap nor leave a gap.")


def _metric(policy: Record, least_period: int = 1) -> Record:
    """Give what the alarms of a target tracking policy watch, as members of PutMetricAlarm."""
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    if custom := tracking.get("CustomizedMetricSpecification"):
        if "Metrics" not in custom:
            return {"Period": 60, **custom}
        return {
            "Metrics": [
                each | ({"MetricStat": {"Period": 60} | each["MetricStat"]} if "MetricStat" in each else {})
                for each in custom["Metrics"]
            ]
        }
    name, statistic, period = PREDEFINED[tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]]
    endpoint, variant = _variant_of(policy)
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": name,
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        "Statistic": statistic,
        "Period": max(period, least_period),
    }


def _is_asked(record: Record, request: Record) -> bool:
    return all(request.get(member) in (None, record[member]) for member in ("ResourceId", "ScalableDimension"))


def _page(member: str, shape: str, found: list[Record], request: Record) -> Record:
    """Give one page of an answer, of each item what AWS shows."""
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise AwsError("InvalidNextTokenException", "The next token supplied was invalid.")
    shown: Any = service("application-autoscaling").shape_for(shape)
    start = int(token)
    end = start + min(request.get("MaxResults", PAGE), PAGE)
    items = [{name: item[name] for name in shown.members if name in item} for item in found[start:end]]
    return {member: items} | ({"NextToken": str(end)} if end < len(found) else {})
