"""Application Auto Scaling: its API and its scaler, alone and on a server."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control
from sagebridge.local.cloudwatch.alarms import Finding, Rule
from sagebridge.local.cloudwatch.metrics import metric
from sagebridge.local.cloudwatch.queries import Query
from sagebridge.local.scaling.api import Api
from sagebridge.local.scaling.scaler import Scaler
from sagebridge.local.scaling.targets import Targets
from sagebridge.local.shapes import AwsError
from sagebridge.local.times import Times
from tests.local.account import ECHO, Account, echo, pack, until
from tests.local.scaling.test_policies import STEPS

INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/it/variant/v",
    "ScalableDimension": INSTANCES,
}
TRACKING = {
    "TargetValue": 10.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}
UP = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
}


# The service, with a SageMaker and alarms in memory


class Book:
    """Alarms in memory."""

    def __init__(self) -> None:
        self.alarms: dict[str, Any] = {}

    def put(self, members: Any) -> str:
        self.alarms[members["AlarmName"]] = members
        return f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{members['AlarmName']}"

    def delete(self, names: Any) -> None:
        for name in names:
            del self.alarms[name]

    def rules(self) -> list[Rule]:
        return [self.rule(name, "ALARM") for name in self.alarms]

    def rule(self, name: str, state: str) -> Rule:
        members = self.alarms[name]
        query = Query("m", metric=metric("Test", "Value", {}))
        actions = {"ALARM": tuple(members["AlarmActions"])}
        return Rule(
            name, "arn", (query,), members["ComparisonOperator"], members["Threshold"], 1, 1, "missing",
            enabled=True, actions=actions, state=state, reason="", notice_members={},
        )  # fmt: skip


class Lab:
    """An Application Auto Scaling, and the one endpoint that it scales."""

    def __init__(self, count: int = 2, *, queue: bool = False, status: str = "InService") -> None:
        self.count, self.queue, self.status = count, queue, status
        self.kind = "ml.m5.large"
        self.serverless: dict[str, int] | None = None
        self.asked: list[Any] = []
        book: Any = Book()
        self.book = book
        self.saved = 0
        self.pace = 1.0
        self.targets = Targets({}, self._save, self.book)
        self.scaler = Scaler(self.targets, self.sagemaker, lambda: Times(pace=self.pace))
        self.api = Api(self.targets, self.scaler, self.sagemaker, self.book)

    def _save(self, _: Any) -> None:
        self.saved += 1

    def sagemaker(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeEndpointConfig":
            return {"ProductionVariants": [{"VariantName": "v", "InstanceType": self.kind}]}
        if request["EndpointName"] != "it":
            raise AwsError("ValidationException", "Could not find endpoint")
        if operation == "DescribeEndpoint":
            variant: dict[str, Any] = {"VariantName": "v", "CurrentInstanceCount": self.count}
            variant |= {"CurrentServerlessConfig": self.serverless} if self.serverless else {}
            members: dict[str, Any] = {"AsyncInferenceConfig": {}} if self.queue else {}
            shown = {"ProductionVariants": [variant], "EndpointConfigName": "config", **members}
            return {"EndpointStatus": self.status, **shown}
        assert operation == "UpdateEndpointWeightsAndCapacities"
        if self.status == "Throttled":
            raise AwsError("ResourceLimitExceeded", "The account-level service limit is 0.")
        (change,) = request["DesiredWeightsAndCapacities"]
        self.asked.append(change)
        self.count = change.get("DesiredInstanceCount", self.count)
        return {}

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        return self.api.call(operation, TARGET | members)

    def register(self, least: int = 1, most: int = 10, **members: Any) -> dict[str, Any]:
        return self.call("RegisterScalableTarget", MinCapacity=least, MaxCapacity=most, **members)

    def track(self, name: str = "p", **members: Any) -> list[str]:
        """Puts a target tracking policy; returns the names of its alarms."""
        config = TRACKING | {"ScaleInCooldown": 0, "ScaleOutCooldown": 0} | members
        answer = self.call(
            "PutScalingPolicy",
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=config,
        )
        return [alarm["AlarmName"] for alarm in answer["Alarms"]]

    def alarm(self, name: str, value: float, *others: str) -> int:
        """Makes alarms ask for their policies; returns the count that results."""
        rules = [self.book.rule(alarm_name, "ALARM") for alarm_name in (name, *others)]
        self.scaler.scale([(rule, Finding("ALARM", "", ((0.0, value),))) for rule in rules])
        return self.count

    def step(self, config: dict[str, Any], threshold: float = 0.0) -> str:
        """Puts a step scaling policy and an alarm for it; returns the alarm's name."""
        answer = self.call("PutScalingPolicy", PolicyName="step", StepScalingPolicyConfiguration=config)
        arn, comparison = answer["PolicyARN"], "GreaterThanOrEqualToThreshold"
        members = {"AlarmName": "mine", "AlarmActions": [arn], "ComparisonOperator": comparison, "Threshold": threshold}
        self.book.put(members)
        return "mine"


def test_target_tracking_makes_awss_alarms() -> None:
    lab = Lab()
    lab.register()
    high, low = lab.track()
    assert high.startswith("TargetTracking-endpoint/it/variant/v-AlarmHigh-")
    assert low.startswith("TargetTracking-endpoint/it/variant/v-AlarmLow-")
    above, below = lab.book.alarms[high], lab.book.alarms[low]
    assert (above["EvaluationPeriods"], above["Period"], above["Threshold"]) == (3, 60, 10)
    assert (below["EvaluationPeriods"], below["Period"], below["Threshold"]) == (15, 60, 9)
    assert (above["MetricName"], above["Statistic"]) == ("InvocationsPerInstance", "Sum")
    high, low = lab.track(
        PredefinedMetricSpecification={
            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
        }
    )
    assert (lab.book.alarms[high]["Period"], lab.book.alarms[low]["Period"]) == (10, 60)
    assert len(lab.book.alarms) == 2  # the former two went
    assert len(lab.track(DisableScaleIn=True)) == 1
    lab.call("DeleteScalingPolicy", PolicyName="p")
    assert lab.book.alarms == {}


def test_target_tracking_follows_the_metric_within_bounds() -> None:
    lab = Lab(2)
    lab.register(1, 10)
    high, low = lab.track()
    assert lab.alarm(high, 25) == 5
    assert lab.alarm(high, 1000) == 10
    assert lab.alarm(low, 3) == 3
    assert lab.alarm(low, 0) == 1
    assert [change["DesiredInstanceCount"] for change in lab.asked] == [5, 10, 3, 1]


def test_a_cooldown_holds_scaling_in_back_and_counts_what_was_added() -> None:
    lab = Lab(4)
    lab.register(1, 20)
    high, low = lab.track(ScaleOutCooldown=300, ScaleInCooldown=300)
    assert lab.alarm(high, 20) == 8
    assert lab.alarm(high, 20) == 8  # the four that were added count
    assert lab.alarm(high, 30) == 12  # a larger scale-out, from four
    lab.pace = 1e6  # a cooldown of 0.3 ms
    time.sleep(0.01)
    assert lab.alarm(low, 5) == 6
    lab.pace = 1.0
    assert lab.alarm(low, 5) == 6
    assert lab.alarm(high, 20) == 12


def test_it_takes_all_policies_to_scale_in_and_one_to_scale_out() -> None:
    lab = Lab(8)
    lab.register(1, 20)
    _, low = lab.track("one")
    high, other = lab.track("two")
    assert lab.alarm(low, 5) == 8
    assert lab.alarm(low, 5, other) == 4
    assert lab.alarm(high, 20, low) == 8


def test_what_is_suspended_does_not_happen() -> None:
    lab = Lab(4)
    lab.register(1, 20, SuspendedState={"DynamicScalingOutSuspended": True})
    high, low = lab.track()
    assert lab.alarm(high, 100) == 4
    assert lab.alarm(low, 5) == 2
    lab.register(1, 20, SuspendedState={"DynamicScalingInSuspended": True})
    assert lab.alarm(low, 5) == 2
    assert lab.alarm(high, 100) == 2  # what was not named stays
    (target,) = lab.call("DescribeScalableTargets", ResourceIds=[TARGET["ResourceId"]])["ScalableTargets"]
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": True,
        "ScheduledScalingSuspended": False,
    }


def test_a_queue_scales_from_zero_by_steps() -> None:
    lab = Lab(0, queue=True)
    lab.register(0, 3)
    high, low = lab.track()
    assert lab.alarm(high, 100) == 0  # target tracking cannot leave zero
    alarm = lab.step(UP, threshold=1)
    assert lab.alarm(alarm, 1) == 1
    assert lab.alarm(low, 0) == 0


def test_an_endpoint_under_way_is_left_alone() -> None:
    lab = Lab(2)
    lab.register()
    high, _ = lab.track()
    lab.status = "Updating"
    assert lab.alarm(high, 100) == 2
    assert lab.call("DescribeScalingActivities")["ScalingActivities"] == []


def test_a_change_is_an_activity_until_it_is_done_and_one_that_fails_too() -> None:
    lab = Lab(2)
    lab.register()
    high, _ = lab.track()
    lab.alarm(high, 20)
    (activity,) = lab.call("DescribeScalingActivities")["ScalingActivities"]
    assert (activity["StatusCode"], activity["Description"]) == ("InProgress", "Setting desired instance count to 4.")
    assert activity["Cause"] == f"monitor alarm {high} in state ALARM triggered policy p"
    lab.status = "Updating"
    lab.scaler.tick(time.time())
    assert lab.call("DescribeScalingActivities")["ScalingActivities"][0]["StatusCode"] == "InProgress"
    lab.status = "InService"
    lab.scaler.tick(time.time())
    (activity,) = lab.call("DescribeScalingActivities")["ScalingActivities"]
    assert activity["StatusCode"] == "Successful"
    assert activity["StatusMessage"] == (
        "Successfully set desired instance count to 4. Change successfully fulfilled by sagemaker."
    )
    sagemaker = lab.scaler._sagemaker  # noqa: SLF001 - what fails

    def refuses(operation: str, request: Any) -> Any:
        if operation.startswith("Update"):
            raise AwsError("ResourceLimitExceeded", "The account-level service limit is 4 Instances.")
        return sagemaker(operation, request)

    lab.scaler._sagemaker = refuses  # noqa: SLF001 - what fails
    lab.alarm(high, 20)
    failed = lab.call("DescribeScalingActivities")["ScalingActivities"][0]
    assert failed["StatusCode"] == "Failed"
    assert failed["StatusMessage"].startswith("Failed to set desired instance count to 8. Reason: The account-level")


def test_provisioned_concurrency_is_scaled_by_its_own_member() -> None:
    lab = Lab(0)
    lab.serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 20, "ProvisionedConcurrency": 2}
    with pytest.raises(AwsError, match="does not go with"):
        lab.register()
    lab.register(3, 10, ScalableDimension=CONCURRENCY)
    assert lab.asked == [{"VariantName": "v", "ServerlessUpdateConfig": {"ProvisionedConcurrency": 3}}]


def test_a_scheduled_action_sets_the_bounds_and_the_count_follows() -> None:
    lab = Lab(2)
    lab.register(1, 4)
    lab.pace = 3600.0
    lab.call(
        "PutScheduledAction",
        ScheduledActionName="a",
        Schedule="rate(1 hour)",
        ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 6},
    )
    now = time.time()
    lab.scaler.tick(now + 0.5)
    assert lab.count == 2
    lab.status = "Updating"
    lab.scaler.tick(now + 1.5)
    assert lab.count == 2
    lab.status = "InService"  # what could not be done then is done now
    lab.scaler.tick(now + 1.6)
    assert lab.count == 3
    (target,) = lab.call("DescribeScalableTargets")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 6)
    first, second = lab.call("DescribeScalingActivities")["ScalingActivities"]
    assert first["Cause"] == "minimum capacity was set to 3"
    assert second["Description"] == "Setting min capacity to 3 and max capacity to 6"


def test_an_updated_scheduled_action_keeps_all_but_its_times() -> None:
    lab = Lab()
    lab.register()
    named = {"ScheduledActionName": "a"}
    lab.call(
        "PutScheduledAction",
        **named,
        Schedule="rate(1 hour)",
        StartTime=1.0,
        EndTime=2e9,
        ScalableTargetAction={"MinCapacity": 3},
    )
    lab.call("PutScheduledAction", **named, Schedule="rate(2 hours)", EndTime=3e9)
    (action,) = lab.call("DescribeScheduledActions", ScheduledActionNames=["a"])["ScheduledActions"]
    assert (action["Schedule"], action["EndTime"], action["Timezone"]) == ("rate(2 hours)", 3e9, "UTC")
    assert action["ScalableTargetAction"] == {"MinCapacity": 3}
    assert "StartTime" not in action


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"ResourceId": "endpoint/other/variant/v"}, "ValidationException", "variant doesn't exist"),
        ({"ResourceId": "endpoint/it/variant/w"}, "ValidationException", "variant doesn't exist"),
        ({"ResourceId": "it"}, "ValidationException", "Unsupported service namespace, resource type"),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "ValidationException", "Unsupported service namespace"),
        ({"ScalableDimension": "no"}, "ValidationException", "Member must satisfy enum value set"),
        ({"MinCapacity": 0}, "ValidationException", "Minimum capacity must be at least 1"),
        ({"MinCapacity": 3, "MaxCapacity": 2}, "ValidationException", "Maximum capacity cannot be less than minimum"),
        ({"MaxCapacity": None}, "ValidationException", "needs MaxCapacity"),
        ({"ScalableDimension": CONCURRENCY}, "ValidationException", "does not go with"),
    ],
)
def test_what_cannot_be_registered_is_refused(members: dict[str, Any], code: str, message: str) -> None:
    request = {"MinCapacity": 1, "MaxCapacity": 2} | members
    with pytest.raises(AwsError, match=message) as caught:
        Lab().call("RegisterScalableTarget", **{name: value for name, value in request.items() if value is not None})
    assert caught.value.code == code


def test_burstable_instances_are_refused_as_aws_refuses_them() -> None:
    lab = Lab()
    lab.kind = "ml.t2.medium"
    with pytest.raises(AwsError, match=r"You cannot register a variant with ml\.t2\.medium instance type"):
        lab.register()


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        (
            "PutScalingPolicy",
            {"PolicyName": "p", "StepScalingPolicyConfiguration": UP},
            "No scalable target registered",
        ),
        ("PutScheduledAction", {"ScheduledActionName": "a"}, "No scalable target registered"),
        ("DeregisterScalableTarget", {}, "No scalable target registered"),
        ("DeleteScalingPolicy", {"PolicyName": "p"}, "No scaling policy found"),
        ("DeleteScheduledAction", {"ScheduledActionName": "a"}, "No scheduled action found"),
    ],
)
def test_what_there_is_not_is_not_found(operation: str, members: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError, match=f"{message} for service namespace: sagemaker, resource ID: ") as caught:
        Lab().call(operation, **members)
    assert caught.value.code == "ObjectNotFoundException"


@pytest.mark.parametrize(
    "members",
    [
        {"PolicyType": "StepScaling"},
        {"PolicyType": "TargetTrackingScaling", "StepScalingPolicyConfiguration": UP},
        {"StepScalingPolicyConfiguration": {"AdjustmentType": "ExactCapacity"}},
        {"StepScalingPolicyConfiguration": UP | {"StepAdjustments": [STEPS[0], STEPS[2]]}},  # a gap
        {"StepScalingPolicyConfiguration": UP | {"StepAdjustments": [STEPS[2], STEPS[2]]}},  # an overlap
        {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.0}},
        {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 1.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            },
        },
        {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": TRACKING | {"TargetValue": 0},
        },
    ],
)
def test_what_is_no_policy_is_refused(members: dict[str, Any]) -> None:
    lab = Lab()
    lab.register()
    with pytest.raises(AwsError) as caught:
        lab.call("PutScalingPolicy", PolicyName="p", **members)
    assert caught.value.code == "ValidationException"


def test_tags() -> None:
    lab = Lab()
    arn = lab.register(Tags={"a": "1"})["ScalableTargetARN"]
    with pytest.raises(AwsError, match="The scalable target that you tried to tag already exists"):
        lab.register(Tags={"a": "1"})
    call = lab.api.call
    assert lab.api.serves({"ResourceARN": arn})
    call("TagResource", {"ResourceARN": arn, "Tags": {"b": "2", "c": "3"}})
    call("UntagResource", {"ResourceARN": arn, "TagKeys": ["a", "b"]})
    assert call("ListTagsForResource", {"ResourceARN": arn})["Tags"] == {"c": "3"}
    with pytest.raises(AwsError) as caught:
        call("ListTagsForResource", {"ResourceARN": f"{arn}x"})
    assert caught.value.code == "ResourceNotFoundException"


def test_a_deleted_endpoint_takes_its_targets_policies_and_alarms_along() -> None:
    lab = Lab()
    lab.register()
    lab.track()
    assert lab.targets.scaled_of("it") == {"v"}
    lab.targets.remove_endpoint("it")
    assert (lab.targets.scaled_of("it"), lab.book.alarms) == (set(), {})
    assert lab.call("DescribeScalingPolicies")["ScalingPolicies"] == []


def test_lists_come_in_pages() -> None:
    lab = Lab()
    lab.register()
    for number in range(7):
        lab.call("PutScalingPolicy", PolicyName=f"p{number}", StepScalingPolicyConfiguration=UP)
    names: list[str] = []
    token: dict[str, str] = {}
    for _ in range(math.ceil(7 / 3)):
        page = lab.call("DescribeScalingPolicies", MaxResults=3, **token)
        names += [policy["PolicyName"] for policy in page["ScalingPolicies"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert (names, token) == ([f"p{number}" for number in range(7)], {})
    with pytest.raises(AwsError) as caught:
        lab.call("DescribeScalingPolicies", NextToken="x")
    assert caught.value.code == "InvalidNextTokenException"


# On a server


def instances(account: Account, endpoint: str) -> int:
    (variant,) = account.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    count: int = variant["CurrentInstanceCount"]
    return count


@pytest.mark.server
def test_traffic_raises_the_instance_count_and_its_end_lowers_it(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.base()
    control.set_times(directory, pace=120)
    endpoint = account.deploy(account.config(account.upload(echo("x"))))["EndpointName"]
    scaling = account.client("application-autoscaling")
    target = TARGET | {"ResourceId": f"endpoint/{endpoint}/variant/AllTraffic"}
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **target,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING
        | {"TargetValue": 1.0, "ScaleInCooldown": 0, "ScaleOutCooldown": 0},
    )

    def raised() -> bool:
        account.invoke(endpoint)
        return instances(account, endpoint) == 3

    until(raised)
    until(lambda: instances(account, endpoint) == 1)
    activities = until(
        lambda: [
            activity["Description"]
            for activity in scaling.describe_scaling_activities(**target)["ScalingActivities"]
            if activity["StatusCode"] == "Successful"
        ]
    )
    assert activities[-1].startswith("Setting desired instance count to ")
    account.sagemaker.delete_endpoint(EndpointName=endpoint)
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.server
def test_steps_and_schedules_change_the_count_and_survive_a_restart(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.base()
    control.set_times(directory, pace=120)
    endpoint = account.deploy(account.config(account.upload(echo("x"))))["EndpointName"]
    target = TARGET | {"ResourceId": f"endpoint/{endpoint}/variant/AllTraffic"}
    scaling, cloudwatch = account.client("application-autoscaling"), account.client("cloudwatch")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3, Tags={"a": "b"})
    policy = scaling.put_scaling_policy(**target, PolicyName="s", StepScalingPolicyConfiguration=UP)
    cloudwatch.put_metric_alarm(
        AlarmName="depth",
        Namespace="Mine",
        MetricName="Depth",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Depth", "Value": 5}])
    until(lambda: instances(account, endpoint) == 2)
    control.stop(directory)
    account = Account(control.start(directory)[0].url)
    scaling = account.client("application-autoscaling")
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == ["depth"]
    assert scaling.list_tags_for_resource(
        ResourceARN=scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"][0][
            "ScalableTargetARN"
        ]
    )["Tags"] == {"a": "b"}
    moment = (datetime.now(UTC) + timedelta(seconds=5)).replace(microsecond=0, tzinfo=None)
    scaling.put_scheduled_action(
        **target,
        ScheduledActionName="now",
        Schedule=f"at({moment.isoformat()})",
        ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 4},
    )
    until(lambda: instances(account, endpoint) == 3)


@pytest.mark.server
def test_a_scaled_variant_keeps_its_name_and_instance_type(account: Account) -> None:
    url = account.upload(echo("x"))
    endpoint = account.deploy(account.config(url))["EndpointName"]
    target = TARGET | {"ResourceId": f"endpoint/{endpoint}/variant/AllTraffic"}
    scaling = account.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    bigger = account.config(url, variant={"InstanceType": "ml.m5.2xlarge", "InitialInstanceCount": 1})
    with pytest.raises(ClientError, match=r'The variant\(s\) \["AllTraffic"\] must be deregistered'):
        account.update(endpoint, bigger)
    assert account.update(endpoint, account.config(url))["EndpointStatus"] == "InService"
    scaling.deregister_scalable_target(**target)
    assert account.update(endpoint, bigger)["EndpointConfigName"] == bigger


@pytest.mark.server
def test_the_alarms_of_a_policy_on_metric_math_can_be_described(account: Account) -> None:
    endpoint = account.deploy(account.config(account.upload(echo("x"))))["EndpointName"]
    target = TARGET | {"ResourceId": f"endpoint/{endpoint}/variant/AllTraffic"}
    scaling = account.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    depth = {"Metric": {"Namespace": "Mine", "MetricName": "Depth"}, "Stat": "Average"}
    metrics = [
        {"Id": "depth", "MetricStat": depth, "ReturnData": False},
        {"Id": "half", "Expression": "depth / 2", "ReturnData": True},
    ]
    configuration = {"TargetValue": 1.0, "CustomizedMetricSpecification": {"Metrics": metrics}}
    policy = scaling.put_scaling_policy(
        **target,
        PolicyName="math",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )
    names = {alarm["AlarmName"] for alarm in policy["Alarms"]}
    assert names <= {alarm["AlarmName"] for alarm in account.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    scaling.deregister_scalable_target(**target)


@pytest.mark.server
def test_an_invocation_under_way_is_a_concurrent_request(directory: Path, tmp_path: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.base()
    control.set_times(directory, pace=10)
    gate = tmp_path / "gate"
    wait = f"while not os.path.exists({str(gate)!r}): sleep(0.01)"
    handler = ECHO.format(word="x").replace("def predict_fn(data, model):", f"def predict_fn(data, model):\n    {wait}")
    archive = pack({"inference.py": f"from time import sleep\n{handler}"})
    endpoint = account.deploy(account.config(account.upload(archive)))["EndpointName"]
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}]

    def most() -> float:
        points = account.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ConcurrentRequestsPerModel",
            Dimensions=dimensions,
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=5),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        return max((point["Maximum"] for point in points), default=0)

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(account.invoke, endpoint) for _ in range(3)]
        try:
            until(lambda: most() == 3)
        finally:
            gate.touch()
        assert [request.result()["word"] for request in waiting] == ["x"] * 3


@pytest.mark.server
def test_requests_for_other_services_are_motos(account: Account) -> None:
    scaling = account.client("application-autoscaling")
    target = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/t",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert target["ResourceId"] == "table/t"
    with pytest.raises(ClientError, match="variant doesn't exist: endpoint/nothing/variant/v"):
        scaling.register_scalable_target(
            **TARGET | {"ResourceId": "endpoint/nothing/variant/v"}, MinCapacity=1, MaxCapacity=2
        )
