"""The life of endpoints on a running server: traffic that shifts, alarms that undo it, capacities that stay.

A wait of AWS's is held at pace 1, where it takes an hour, and let go by a pace at which an hour is nothing.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control
from tests.local.account import COMMAND, HANDLER, Account, echo, pack, put_manual_alarm, until

pytestmark = pytest.mark.server

HELD, LET_GO = 1.0, 1e6
HOURS = 1e4  # more than a test takes
FOUR = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 4}
HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}


@pytest.fixture(autouse=True)
def held(owner: Account, place: Path) -> Iterator[None]:
    assert owner
    control.set_times(place, pace=HELD)
    yield
    control.set_times(place, creating=0, updating=0, rolling_back=0, deleting=0, pace=LET_GO)


@pytest.fixture
def endpoint(owner: Account) -> str:
    """An endpoint that answers with `old`."""
    name: str = owner.deploy(owner.config(owner.upload(echo("old")), variant=FOUR))["EndpointName"]
    return name


def new_config(owner: Account, word: str = "new", **variant: object) -> str:
    return owner.config(owner.upload(echo(word)), variant=FOUR | variant)


def blue_green(kind: str, wait: int = 3600, **members: object) -> dict[str, Any]:
    size = {"CANARY": {"CanarySize": HALF}, "LINEAR": {"LinearStepSize": HALF}}.get(kind, {})
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **members}}


def update(owner: Account, endpoint: str, policy: dict[str, Any], config: str | None = None, **members: object) -> str:
    config = config or new_config(owner)
    owner.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=policy, **members
    )
    return config


def message(owner: Account, endpoint: str) -> str:
    """Returns what a deployment under way is doing."""
    pending = owner.sagemaker.describe_endpoint(EndpointName=endpoint).get("PendingDeploymentSummary", {})
    (status,) = pending.get("ProductionVariants", [{}])[0].get("VariantStatus", [{}])
    text: str = status.get("StatusMessage", "")
    return text


def until_doing(owner: Account, endpoint: str, words: str) -> None:
    """Waits until a deployment under way is doing something."""
    until(lambda: words in message(owner, endpoint))


def answers(owner: Account, endpoint: str, count: int = 60) -> list[str]:
    return [owner.invoke(endpoint)["word"] for _ in range(count)]


def alarm(owner: Account, state: str) -> tuple[str, Any]:
    """Makes an alarm in a state; returns its name and a client to change it."""
    client = owner.client("cloudwatch")
    name = owner.name("alarm")
    put_manual_alarm(client, name)
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="asked for")
    return name, client


def watched(policy: dict[str, Any], name: str) -> dict[str, Any]:
    return {**policy, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]}}


def test_a_canary_takes_its_share_of_the_traffic_until_the_rest_follows(
    owner: Account, place: Path, endpoint: str
) -> None:
    config = update(owner, endpoint, blue_green("CANARY"))
    until_doing(owner, endpoint, "canary")
    assert message(owner, endpoint) == (
        "Baking for 3600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 2 instance(s)."
    )
    seen = answers(owner, endpoint)
    assert 10 < seen.count("new") < 50  # half of 60
    assert seen.count("old") + seen.count("new") == len(seen)
    control.set_times(place, pace=LET_GO)
    description = owner.settled(endpoint)
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)
    assert "PendingDeploymentSummary" not in description
    assert set(answers(owner, endpoint, 20)) == {"new"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (blue_green("LINEAR", 600), ["linear capacity of 2", "full capacity of 4"]),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": HALF, "WaitIntervalInSeconds": 600}},
            ["batch capacity of 2", "full capacity of 4"],
        ),
    ],
)
def test_traffic_shifts_step_by_step(
    owner: Account, place: Path, endpoint: str, policy: dict[str, Any], expected: list[str]
) -> None:
    if "BlueGreenUpdatePolicy" in policy:
        policy["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 3600
    update(owner, endpoint, policy)
    until_doing(owner, endpoint, expected[0])
    assert set(answers(owner, endpoint)) == {"old", "new"}
    control.set_times(place, pace=300)  # the rest of this wait takes 2 s, and so does the next one at least
    until_doing(owner, endpoint, expected[1])
    control.set_times(place, pace=HELD)
    if message(owner, endpoint):  # else it is done already
        assert set(answers(owner, endpoint, 20)) == {"new"}
    control.set_times(place, pace=LET_GO)
    owner.settled(endpoint)
    assert set(answers(owner, endpoint, 20)) == {"new"}


def test_no_request_is_lost_while_traffic_shifts(owner: Account, place: Path, endpoint: str) -> None:
    control.set_times(place, pace=20_000)
    update(owner, endpoint, blue_green("LINEAR"))
    seen = []
    while owner.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating":
        seen += answers(owner, endpoint, 5)
    assert set(seen) <= {"old", "new"}
    assert set(answers(owner, endpoint, 5)) == {"new"}


@pytest.mark.parametrize(
    ("policy", "stage"),
    [(blue_green("CANARY"), "canary"), (blue_green("ALL_AT_ONCE", TerminationWaitInSeconds=3600), "full capacity")],
)
def test_an_alarm_during_the_bake_rolls_back(owner: Account, endpoint: str, policy: dict[str, Any], stage: str) -> None:
    before = owner.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    name, cloudwatch = alarm(owner, "OK")
    update(owner, endpoint, watched(policy, name))
    until_doing(owner, endpoint, stage)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="asked for")
    description = owner.settled(endpoint)
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", before)
    assert name in description["FailureReason"]
    assert set(answers(owner, endpoint, 20)) == {"old"}


def test_an_alarm_before_the_deployment_rolls_back(owner: Account, endpoint: str) -> None:
    name, _ = alarm(owner, "ALARM")
    update(owner, endpoint, watched(blue_green("ALL_AT_ONCE", 0), name))
    description = owner.settled(endpoint)
    assert name in description["FailureReason"]
    assert set(answers(owner, endpoint, 5)) == {"old"}


def test_a_deployment_that_takes_too_long_rolls_back(owner: Account, place: Path, endpoint: str) -> None:
    control.set_times(place, pace=LET_GO)
    update(owner, endpoint, blue_green("CANARY", MaximumExecutionTimeoutInSeconds=600))
    description = owner.settled(endpoint)
    assert "MaximumExecutionTimeoutInSeconds, 600" in description["FailureReason"]
    assert set(answers(owner, endpoint, 5)) == {"old"}
    assert "FailureReason" not in owner.update(endpoint, new_config(owner))


def test_while_it_is_updated_an_endpoint_is_neither_updated_nor_deleted(
    owner: Account, place: Path, endpoint: str
) -> None:
    config = update(owner, endpoint, blue_green("CANARY"))
    weight = [{"VariantName": "AllTraffic", "DesiredWeight": 2}]
    calls: dict[str, dict[str, Any]] = {
        "update_endpoint": {"EndpointConfigName": config},
        "delete_endpoint": {},
        "update_endpoint_weights_and_capacities": {"DesiredWeightsAndCapacities": weight},
    }
    for operation, members in calls.items():
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint") as caught:
            getattr(owner.sagemaker, operation)(EndpointName=endpoint, **members)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
    control.set_times(place, pace=LET_GO)
    owner.settled(endpoint)
    with pytest.raises(ClientError, match="already has endpoint configuration"):
        owner.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_server_that_ends_amid_a_shift_does_it_anew_when_it_starts(directory: Path, how: str) -> None:
    running, _ = control.start(directory)
    owner = Account(running.url)
    owner.base()
    name = owner.deploy(new_config(owner, "old"))["EndpointName"]
    config = update(owner, name, blue_green("CANARY"))
    until_doing(owner, name, "canary")
    if how == "kill":
        os.kill(running.pid, signal.SIGKILL)
        control.stop(directory)
    else:
        control.stop(directory)
    owner = Account(control.start(directory)[0].url)
    description = owner.sagemaker.describe_endpoint(EndpointName=name)
    assert description["EndpointStatus"] == "Updating"
    assert owner.invoke(name)["word"] in ("old", "new")
    control.set_times(directory, pace=LET_GO)
    description = owner.settled(name)
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)
    assert set(answers(owner, name, 10)) == {"new"}


def status(owner: Account, endpoint: str) -> str:
    try:
        description = owner.sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError:
        return "gone"
    return str(description["EndpointStatus"])


def ended(owner: Account, endpoint: str) -> float:
    """Waits until nothing is under way for an endpoint; returns the moment."""
    until(lambda: status(owner, endpoint) in ("InService", "Failed", "gone"))
    return time.monotonic()


def test_each_status_lasts_as_long_as_asked_for(owner: Account, place: Path) -> None:
    """Measured from before the request until after the end, so that a busy machine only makes it longer."""
    control.set_times(place, creating=0.5, updating=0.5, rolling_back=0.5, deleting=0.5)
    name, config = owner.name("endpoint"), new_config(owner)
    broken = owner.config(owner.upload(pack({"inference.py": "1 / 0"})), variant=FOUR)
    began = time.monotonic()
    owner.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert ended(owner, name) - began >= 0.5
    began = time.monotonic()
    owner.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=broken)
    assert ended(owner, name) - began >= 1.0  # Updating and RollingBack
    began = time.monotonic()
    owner.sagemaker.delete_endpoint(EndpointName=name)
    assert ended(owner, name) - began >= 0.5


def test_a_status_under_way_goes_by_the_time_that_holds_now(owner: Account, place: Path) -> None:
    control.set_times(place, creating=HOURS, updating=HOURS, rolling_back=HOURS, deleting=HOURS)
    name, config = owner.name("endpoint"), new_config(owner)
    broken = owner.config(owner.upload(pack({"inference.py": "1 / 0"})), variant=FOUR)
    owner.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert status(owner, name) == "Creating"
    control.set_times(place, creating=0)
    until(lambda: status(owner, name) == "InService")
    owner.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=broken)
    assert status(owner, name) == "Updating"
    control.set_times(place, updating=0)
    until(lambda: status(owner, name) == "RollingBack")
    control.set_times(place, rolling_back=0)
    until(lambda: status(owner, name) == "InService")
    owner.sagemaker.delete_endpoint(EndpointName=name)
    assert status(owner, name) == "Deleting"
    control.set_times(place, deleting=0)
    until(lambda: status(owner, name) == "gone")


def test_weights_and_counts_change_while_it_serves(owner: Account) -> None:
    models = [owner.config(owner.upload(echo(word))) for word in ("one", "two")]
    config = owner.name("config")
    variants = [
        {"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, **FOUR}
        for name, model, weight in zip(("One", "Two"), models, (1, 0), strict=True)
    ]
    owner.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    endpoint = owner.deploy(config)["EndpointName"]
    assert set(answers(owner, endpoint, 10)) == {"one"}
    owner.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "One", "DesiredWeight": 0, "DesiredInstanceCount": 2},
            {"VariantName": "Two", "DesiredWeight": 3},
        ],
    )
    description = owner.settled(endpoint)
    assert [(v["CurrentWeight"], v["DesiredInstanceCount"]) for v in description["ProductionVariants"]] == [
        (0, 2),
        (3, 4),
    ]
    assert set(answers(owner, endpoint, 10)) == {"two"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, (1.0, 4)),
        ({"RetainAllVariantProperties": True}, (5.0, 7)),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            (5.0, 4),
        ),
    ],
)
def test_an_update_keeps_live_capacities_when_asked(
    owner: Account, endpoint: str, members: dict[str, Any], expected: tuple[float, int]
) -> None:
    owner.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredWeight": 5, "DesiredInstanceCount": 7}],
    )
    owner.settled(endpoint)
    owner.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=new_config(owner), **members)
    (variant,) = owner.settled(endpoint)["ProductionVariants"]
    assert (variant["CurrentWeight"], variant["CurrentInstanceCount"]) == expected
    assert (variant["DesiredWeight"], variant["DesiredInstanceCount"]) == expected


def test_a_model_package_serves(owner: Account) -> None:
    url = owner.upload(echo("packaged"))
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    container = {"Image": image, "ModelDataUrl": url, "Environment": HANDLER}
    group, name = owner.name("group"), owner.name("model")
    owner.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = owner.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    role = owner.base()
    with pytest.raises(ClientError, match="is not approved"):
        owner.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"ModelPackageName": arn})
    owner.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    primary = {"ModelPackageName": arn, "Environment": {"WORD": "set"}}
    owner.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=primary)
    assert owner.sagemaker.describe_model(ModelName=name)["PrimaryContainer"] == primary
    owner.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, **FOUR}]
    )
    endpoint = owner.deploy(name)["EndpointName"]
    answer = owner.invoke(endpoint)
    assert (answer["word"], answer["environment"]["WORD"]) == ("packaged", "set")


def test_times_are_set_by_the_command_line_and_kept(directory: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"LOCAL_AWS_DIR": str(directory)}
        command = [COMMAND, "local", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert "The local AWS is not running" in run("times").stderr
    run("start")
    assert "rolling-back  1.5\n" in run("times", "--rolling-back", "1.5").stdout
    assert json.loads(run("times", "--json").stdout)["rolling_back"] == 1.5
    assert "pace must be more than 0" in run("times", "--pace", "0").stderr
    assert "must be a number of seconds, 0 or more" in run("times", "--creating", "nan").stderr
    run("stop")
    run("start")
    shown = run("times").stdout
    assert "rolling-back  1.5\n" in shown
    assert "pace          1\n" in shown
    run("reset")
    run("start")
    assert "rolling-back  0\n" in run("times").stdout
