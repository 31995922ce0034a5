"""The API of Application Auto Scaling for SageMaker's variants, in place of moto's, which scales nothing.

A target tracking policy makes alarms of its own. A step scaling policy is the action of alarms that the user makes.
Alarms ask for their policies by `Scaler.scale`.

Source: Application Auto Scaling's user guide and API reference, as botocore quotes it, and the chapters on
automatic scaling of SageMaker's guide.
"""

import copy
import time
import uuid
from collections.abc import Callable
from typing import Any

from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.cloudwatch.moto import AlarmBook
from sagebridge.local.scaling import rules
from sagebridge.local.scaling.scaler import Scaler
from sagebridge.local.scaling.targets import NAMESPACE, Targets, identity, key_of, variant_of
from sagebridge.local.scaling.tracking import tracking_alarms
from sagebridge.local.shapes import AwsError, Record, check, invalid, service
from sagebridge.schedules import Schedule

PAGE = 50
"""Items of the largest page."""
ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
"""The role of every target: AWS ignores custom roles where there is a service-linked one."""
_NOT_SUSPENDED = dict.fromkeys(
    ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"], False
)


class Api:
    """The account's Application Auto Scaling, for the namespace `sagemaker`.

    Args:
        targets: the account's scalable targets.
        scaler: brings the capacity of a new target within its bounds.
        sagemaker: carries out a SageMaker operation.
        book: the account's alarms.
        region: the region.
    """

    def __init__(
        self,
        targets: Targets,
        scaler: Scaler,
        sagemaker: Callable[[str, Record], Record],
        book: AlarmBook,
        region: str = REGION,
    ) -> None:
        self._region = region
        self._targets = targets
        self._scaler = scaler
        self._sagemaker = sagemaker
        self._book = book
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
        """Returns whether a request is about SageMaker's variants; the others are moto's."""
        arn = request.get("ResourceARN")
        return request.get("ServiceNamespace") == NAMESPACE or any(
            target["ScalableTargetARN"] == arn for target in list(self._targets.targets.values())
        )

    def call(self, name: str, request: Record) -> Record:
        """Carries out an operation, such as `RegisterScalableTarget`.

        Raises:
            AwsError: as AWS would answer; `UnknownOperationException` for what is not served here.
        """
        operation = self._operations.get(name)
        if operation is None:
            served = ", ".join(sorted(self._operations))
            raise AwsError("UnknownOperationException", f"The local AWS has no {name} for SageMaker. It has: {served}.")
        check(service("application-autoscaling").operation_model(name), request)
        with self._targets.lock:
            answer = operation(copy.deepcopy(request))
            if not name.startswith(("Describe", "List")):
                self._targets.save()
        return answer

    # Scalable targets

    def _register(self, request: Record) -> Record:
        key = key_of(request)
        before = self._targets.targets.get(key)
        if before and request.get("Tags"):
            raise invalid(
                "The scalable target that you tried to tag already exists. To update tags on an existing scalable "
                "target, use the TagResource API."
            )
        bounds = {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
        target = (before or self._new_target(request)) | bounds
        rules.check_bounds(target)
        self._check_variant(target)
        target["SuspendedState"] = target["SuspendedState"] | request.get("SuspendedState", {})
        self._targets.targets[key] = target
        self._scaler.fit(key)
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _new_target(self, request: Record) -> Record:
        prefix = f"arn:aws:application-autoscaling:{self._region}:{ACCOUNT}:scalable-target"
        return identity(request) | {
            "ScalableTargetARN": f"{prefix}/{uuid.uuid4().hex}",
            "RoleARN": ROLE,
            "CreationTime": time.time(),
            "SuspendedState": _NOT_SUSPENDED,
            "tags": request.get("Tags", {}),
        }

    def _check_variant(self, target: Record) -> None:
        """Refuses a variant that does not exist, or that cannot be scaled so."""
        endpoint, name = variant_of(target)
        not_found = invalid(f"SageMaker endpoint variant doesn't exist: {target['ResourceId']}")
        try:
            described = self._sagemaker("DescribeEndpoint", {"EndpointName": endpoint})
        except AwsError:
            raise not_found from None
        shown = described if "ProductionVariants" in described else described.get("PendingDeploymentSummary", {})
        variants = {variant["VariantName"]: variant for variant in shown.get("ProductionVariants", [])}
        if name not in variants:
            raise not_found
        rules.check_variant(target, variants[name], is_asynchronous="AsyncInferenceConfig" in described)
        rules.check_instance_type(self._instance_type(described["EndpointConfigName"], name))

    def _instance_type(self, config: str, name: str) -> str:
        try:
            described = self._sagemaker("DescribeEndpointConfig", {"EndpointConfigName": config})
        except AwsError:  # it may be deleted while its endpoint serves
            return ""
        types = {variant["VariantName"]: variant.get("InstanceType", "") for variant in described["ProductionVariants"]}
        return str(types.get(name, ""))

    def _deregister(self, request: Record) -> Record:
        self._check_registered(request)
        self._targets.remove(key_of(request))
        return {}

    def _check_registered(self, request: Record) -> None:
        if key_of(request) not in self._targets.targets:
            raise _not_found("No scalable target registered", request)

    def _describe_targets(self, request: Record) -> Record:
        targets = [
            target
            for target in self._targets.targets.values()
            if _is_asked(target, request) and target["ResourceId"] in request.get("ResourceIds", [target["ResourceId"]])
        ]
        return _page("ScalableTargets", "ScalableTarget", targets, request)

    # Policies

    def _put_policy(self, request: Record) -> Record:
        self._check_registered(request)
        policies = self._targets.policies.setdefault(key_of(request), {})
        before = policies.get(request["PolicyName"], {})
        policy = before | request
        policy.setdefault("PolicyType", "StepScaling")
        rules.check_policy(policy)
        if not before:
            arn = f"arn:aws:autoscaling:{self._region}:{ACCOUNT}:scalingPolicy:{uuid.uuid4()}:"
            arn += f"resource/{NAMESPACE}/{policy['ResourceId']}:policyName/{policy['PolicyName']}"
            policy |= {"PolicyARN": arn, "CreationTime": time.time(), "Alarms": []}
        config = "TargetTrackingScalingPolicyConfiguration"
        if policy.get(config) != before.get(config):
            self._book.delete(alarm["AlarmName"] for alarm in policy["Alarms"])
            policy["Alarms"] = [
                {"AlarmName": alarm["AlarmName"], "AlarmARN": self._book.put(alarm)}
                for alarm in tracking_alarms(policy)
            ]
        policies[request["PolicyName"]] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def _delete_policy(self, request: Record) -> Record:
        try:
            policy = self._targets.policies.get(key_of(request), {}).pop(request["PolicyName"])
        except KeyError:
            name = f", policy name: {request['PolicyName']}"
            raise _not_found("No scaling policy found", request, name) from None
        self._book.delete(alarm["AlarmName"] for alarm in policy["Alarms"])
        return {}

    def _describe_policies(self, request: Record) -> Record:
        rules_of_alarms = self._book.rules()
        policies = []
        for policy in _asked(self._targets.policies, "PolicyName", request):
            users = [
                {"AlarmName": rule.name, "AlarmARN": rule.arn}
                for rule in rules_of_alarms
                if policy["PolicyARN"] in rule.actions.get("ALARM", ())
            ]
            policies.append(policy | {"Alarms": policy["Alarms"] or users})
        return _page("ScalingPolicies", "ScalingPolicy", policies, request)

    # Scheduled actions

    def _put_action(self, request: Record) -> Record:
        self._check_registered(request)
        actions = self._targets.actions.setdefault(key_of(request), {})
        before = dict(actions.get(request["ScheduledActionName"], {}))
        for member in ("StartTime", "EndTime"):  # PutScheduledAction: "the old values are deleted"
            before.pop(member, None)
        action: Record = {"CreationTime": time.time(), "Timezone": "UTC"} | before | request
        if not action.get("ScalableTargetAction") or "Schedule" not in action:
            raise invalid("A new scheduled action needs Schedule and ScalableTargetAction.")
        try:
            Schedule(action["Schedule"], action["Timezone"])
        except ValueError as error:
            raise invalid(f"Invalid schedule expression: {error}.") from error
        prefix = f"arn:aws:autoscaling:{self._region}:{ACCOUNT}:scheduledAction:{uuid.uuid4()}:resource/{NAMESPACE}"
        name = request["ScheduledActionName"]
        action.setdefault("ScheduledActionARN", f"{prefix}/{request['ResourceId']}:scheduledActionName/{name}")
        actions[name] = action
        return {}

    def _delete_action(self, request: Record) -> Record:
        try:
            del self._targets.actions.get(key_of(request), {})[request["ScheduledActionName"]]
        except KeyError:
            name = f", scheduled action name: {request['ScheduledActionName']}"
            raise _not_found("No scheduled action found", request, name) from None
        return {}

    def _describe_actions(self, request: Record) -> Record:
        actions = _asked(self._targets.actions, "ScheduledActionName", request)
        return _page("ScheduledActions", "ScheduledAction", actions, request)

    def _describe_activities(self, request: Record) -> Record:
        activities = [activity for activity in self._targets.activities if _is_asked(activity, request)]
        return _page("ScalingActivities", "ScalingActivity", activities, request)

    # Tags

    def _tags(self, request: Record) -> Record:
        arn = request["ResourceARN"]
        for target in self._targets.targets.values():
            if target["ScalableTargetARN"] == arn:
                tags: Record = target["tags"]
                return tags
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


def _not_found(problem: str, request: Record, name: str = "") -> AwsError:
    return AwsError(
        "ObjectNotFoundException",
        f"{problem} for service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}{name}",
    )


def _is_asked(record: Record, request: Record) -> bool:
    """Returns whether a Describe operation asks for what belongs to the target of a record."""
    return all(request.get(member) in (None, record[member]) for member in ("ResourceId", "ScalableDimension"))


def _asked(records: dict[str, dict[str, Record]], name_member: str, request: Record) -> list[Record]:
    """Returns the policies or scheduled actions that a Describe operation asks for."""
    names = request.get(f"{name_member}s")
    return [
        record
        for records_of_target in records.values()
        for record in records_of_target.values()
        if _is_asked(record, request) and (not names or record[name_member] in names)
    ]


def _page(member: str, shape: str, records: list[Record], request: Record) -> Record:
    """Returns a page of an answer, with the members that AWS shows.

    Raises:
        AwsError: `InvalidNextTokenException`.
    """
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise AwsError("InvalidNextTokenException", "The next token supplied was invalid.")
    structure: Any = service("application-autoscaling").shape_for(shape)
    start = int(token)
    end = start + min(request.get("MaxResults", PAGE), PAGE)
    items = [{name: record[name] for name in structure.members if name in record} for record in records[start:end]]
    return {member: items} | ({"NextToken": str(end)} if end < len(records) else {})
