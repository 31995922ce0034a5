"""How updates reach an endpoint: each strategy at work, alarms that roll back, and what must not roll out at all."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sagebridge.endpoint.args import DeploymentConfigArgs
from sagebridge.local import control
from tests.conftest import Aws, Base
from tests.engine.lives import everything, invoke, put_echo, under_way
from tests.local.account import pack, put_manual_alarm, until
from tests.stacks import Declared

pytestmark = pytest.mark.engine

HELD, LET_GO = 1.0, 1e6
HALF = {"type": "CAPACITY_PERCENT", "value": 50}
API_HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}


@pytest.fixture
def pace(aws: Aws) -> Iterator[Callable[[float], object]]:
    """Sets how many of AWS's seconds pass in one."""
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    yield lambda pace: control.set_times(folder, pace=pace)
    control.set_times(folder, pace=1)


def baking(aws: Aws, endpoint: str) -> str:
    """Returns what a deployment under way is waiting for, "" if it is not."""
    pending: Any = described(aws, endpoint).get("PendingDeploymentSummary", {})
    (variant,) = pending.get("ProductionVariants", [{}])
    (status,) = variant.get("VariantStatus", [{}])
    return str(status.get("StatusMessage", ""))


def described(aws: Aws, endpoint: str) -> Any:
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)


def words(aws: Aws, endpoint: str, count: int = 30) -> set[str]:
    """Returns the words with which a number of requests are answered."""
    return {invoke(aws, endpoint)["word"] for _ in range(count)}


STRATEGIES: list[tuple[DeploymentConfigArgs, Any, str, bool]] = [
    (
        {
            "blue_green_update_policy": {
                "type": "CANARY",
                "canary_size": {"value": 50},
                "wait_interval_in_seconds": 600,
                "maximum_execution_timeout_in_seconds": 1200,
            }
        },
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "WaitIntervalInSeconds": 600,
                    "CanarySize": API_HALF,
                },
                "TerminationWaitInSeconds": 0,
                "MaximumExecutionTimeoutInSeconds": 1200,
            }
        },
        "Baking for 600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 2 instance(s).",
        True,
    ),
    (
        {
            "blue_green_update_policy": {
                "type": "LINEAR",
                "linear_step_size": {"type": "INSTANCE_COUNT", "value": 1},
                "wait_interval_in_seconds": 300,
            }
        },
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "LINEAR",
                    "WaitIntervalInSeconds": 300,
                    "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                },
                "TerminationWaitInSeconds": 0,
            }
        },
        "Baking for 300 seconds (WaitIntervalInSeconds) with traffic enabled on linear capacity of 1 instance(s).",
        True,
    ),
    (
        {
            "rolling_update_policy": {
                "maximum_batch_size": HALF,  # type: ignore[typeddict-item] # a plain dict
                "rollback_maximum_batch_size": {"value": 100},
                "wait_interval_in_seconds": 120,
            }
        },
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": API_HALF,
                "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
                "WaitIntervalInSeconds": 120,
            }
        },
        "Baking for 120 seconds (WaitIntervalInSeconds) with traffic enabled on batch capacity of 2 instance(s).",
        True,
    ),
    (
        {"blue_green_update_policy": {"termination_wait_in_seconds": 900}},
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
                "TerminationWaitInSeconds": 900,
            }
        },
        "Baking for 900 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 instance(s).",
        False,
    ),
]


def test_each_strategy_shifts_the_traffic_as_declared(
    aws: Aws, base: Base, declared: Declared, pace: Callable[[float], object]
) -> None:
    name = declared.endpoint
    declared.args |= {"initial_instance_count": 4, "model_data_url": put_echo(aws, base, f"{name}/0.tar.gz", "0")}
    declared.up()
    created = described(aws, name)["CreationTime"]
    for number, (config, expected, message, split) in enumerate(STRATEGIES, 1):
        old, new = str(number - 1), str(number)
        declared.args["model_data_url"] = put_echo(aws, base, f"{name}/{number}.tar.gz", new)
        declared.args["deployment_config"] = config
        pace(HELD)
        with under_way(declared.up):
            try:
                until(lambda said=message: baking(aws, name) == said)  # type: ignore[misc] # mypy cannot infer it
                assert words(aws, name) == ({old, new} if split else {new})
            finally:
                pace(LET_GO)
        assert words(aws, name) == {new}
        found = described(aws, name)
        assert found["LastDeploymentConfig"] == expected
        assert found["CreationTime"] == created
        assert set(declared.preview()) == {"same"}

    declared.args["deployment_config"] = STRATEGIES[0][0]  # alone, it is rolled out too: AWS takes it only so
    declared.up()
    assert described(aws, name)["LastDeploymentConfig"] == STRATEGIES[0][1]
    del declared.args["deployment_config"]
    declared.up()
    assert described(aws, name)["CreationTime"] == created
    assert set(declared.preview()) == {"same"}


FAILING = """
from flask import Response

def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    raise RuntimeError("the new model is broken")
"""


class Alarms:
    """The alarms of the account, and one of a test's own."""

    def __init__(self, aws: Aws) -> None:
        self._client = aws.client("cloudwatch")

    def make(self, name: str) -> None:
        """Makes an alarm that rings only when it is told to."""
        put_manual_alarm(self._client, name)
        self.ring(name, "OK")

    def ring(self, name: str, state: str = "ALARM") -> None:
        self._client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="asked for")

    def state(self, name: str) -> str:
        (found,) = self._client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found["StateValue"])

    def remove(self, *names: str) -> None:
        self._client.delete_alarms(AlarmNames=names)


@pytest.mark.usefixtures("nothing_stays")
def test_a_broken_model_is_rolled_back_by_the_endpoints_own_alarms(
    aws: Aws, base: Base, declared: Declared, pace: Callable[[float], object]
) -> None:
    name, good = declared.endpoint, put_echo(aws, base, f"{declared.endpoint}/good.tar.gz", "good")
    broken = good.replace("good.tar.gz", "broken.tar.gz")
    key = broken.partition(f"{base.bucket_name}/")[2]
    aws.s3.put_object(Bucket=base.bucket_name, Key=key, Body=pack({"inference.py": FAILING}))
    canary: DeploymentConfigArgs = {
        "blue_green_update_policy": {
            "type": "CANARY",
            "canary_size": {"value": 50},
            "wait_interval_in_seconds": 3000,  # 50 seconds at the pace below, for the alarm to ring on a busy machine
        }
    }
    alarms = Alarms(aws)
    declared.args |= {
        "initial_instance_count": 2,
        "model_data_url": good,
        "alarms": {},
        "deployment_config": canary,
    }
    declared.up()
    serving = declared.outputs()
    assert set(declared.preview()) == {"same"}

    pace(60)
    declared.args["model_data_url"] = broken
    answered: list[str] = []
    with under_way(declared.up_fails) as done:
        while not done.done():
            with suppress(aws.runtime.exceptions.ModelError):
                answered.append(invoke(aws, name)["word"])
    said = str(done.result())
    assert f"{name}-AllTraffic-5xx" in said
    assert f"Logs: /aws/sagemaker/Endpoints/{name}." in said
    assert set(answered) == {"good"}
    assert words(aws, name) == {"good"}
    aws.sagemaker.describe_endpoint_config(EndpointConfigName=serving["endpointConfigName"])
    aws.sagemaker.describe_model(ModelName=serving["modelName"])

    pace(LET_GO)
    until(lambda: alarms.state(f"{name}-AllTraffic-5xx") == "OK")
    declared.args |= {"model_data_url": good, "environment": {"GENERATION": "2"}}
    declared.up()
    assert invoke(aws, name)["environment"]["GENERATION"] == "2"
    assert set(declared.preview()) == {"same"}


def test_alarms_that_roll_back_come_and_go_only_with_leave_to_replace(
    aws: Aws, base: Base, declared: Declared, pace: Callable[[float], object]
) -> None:
    name, alarms = declared.endpoint, Alarms(aws)
    mine = [f"{name}-one", f"{name}-two"]
    for alarm in mine:
        alarms.make(alarm)
    pace(LET_GO)
    declared.args |= {"model_data_url": put_echo(aws, base, f"{name}/model.tar.gz", "a"), "deployment_config": {}}
    declared.up()
    created = described(aws, name)["CreationTime"]

    declared.args["deployment_config"] = {"auto_rollback_alarms": mine[:1]}
    refused = declared.preview_fails()
    assert "deployment_config.auto_rollback_alarms cannot get its first alarm, because" in refused
    assert "that replaces the endpoint, an outage. Set allow_replacement" in refused
    declared.args |= {"alarms": {}, "deployment_config": {}}
    assert "deployment_config.auto_rollback_alarms cannot get its first alarm" in declared.preview_fails()
    del declared.args["deployment_config"]
    declared.up()  # plain alarms roll nothing back
    assert described(aws, name)["CreationTime"] == created
    del declared.args["alarms"]

    declared.args |= {"deployment_config": {"auto_rollback_alarms": mine[:1]}, "allow_replacement": True}
    assert ("delete-replaced", "Endpoint") in declared.steps()
    replaced = described(aws, name)["CreationTime"]
    assert replaced > created
    assert words(aws, name, 1) == {"a"}
    del declared.args["allow_replacement"]
    assert set(declared.preview()) == {"same"}

    declared.args |= {"deployment_config": {"auto_rollback_alarms": mine}, "environment": {"WORD": "b"}}
    declared.up()
    found = described(aws, name)
    assert found["CreationTime"] == replaced
    watched = found["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert sorted(alarm["AlarmName"] for alarm in watched) == mine
    alarms.ring(mine[1])
    declared.args["environment"] = {"WORD": "c"}
    assert mine[1] in declared.up_fails()
    assert invoke(aws, name)["environment"]["WORD"] == "b"
    alarms.ring(mine[1], "OK")
    declared.up()
    assert invoke(aws, name)["environment"]["WORD"] == "c"

    declared.args["deployment_config"] = {}
    assert "deployment_config.auto_rollback_alarms cannot lose its last alarm" in declared.preview_fails()
    alarms.remove(*mine)


def test_after_any_number_of_failed_updates_what_serves_is_there_and_what_it_left_is_not(
    aws: Aws, declared: Declared
) -> None:
    """Guards 2 and 3."""
    name, folder = declared.endpoint, Path(aws.environment["LOCAL_AWS_DIR"])
    declared.config(**{"aws:maxRetries": "3"})  # of a call that AWS throttles, which takes a minute with the usual 25
    declared.up()
    before, serving = everything(aws), declared.outputs()
    faults = {
        "ping": "did not pass the ping health check",
        "capacity": "InsufficientInstanceCapacity",
        "rollback": "no reason given",
    }
    for generation, (fault, reason) in enumerate([*faults.items(), *faults.items()]):
        control.fault(folder, fault, endpoint=name, times=1)
        declared.args["environment"] = {"GENERATION": str(generation)}  # another model each time
        said = declared.up_fails()
        assert reason in said
        assert f"Logs: /aws/sagemaker/Endpoints/{name}." in said
        assert described(aws, name)["EndpointConfigName"] == serving["endpointConfigName"]
        aws.sagemaker.describe_endpoint_config(EndpointConfigName=serving["endpointConfigName"])
        aws.sagemaker.describe_model(ModelName=serving["modelName"])
        assert len(everything(aws)) == len(before) + 2 * (generation + 1)

    del declared.args["environment"]  # rolling back is the old values
    declared.up()
    assert set(declared.preview()) == {"same"}
    assert len(everything(aws)) == len(before)
    assert described(aws, name)["EndpointConfigName"] == declared.outputs()["endpointConfigName"]

    control.fault(folder, "throttle", operation="UpdateEndpoint")
    declared.args["instance_type"] = "ml.m5.large"
    assert "ThrottlingException" in declared.up_fails()
    control.clear_faults(folder)
    declared.up()  # although the provider took it for done
    assert set(declared.preview()) == {"same"}
    assert len(everything(aws)) == len(before)
