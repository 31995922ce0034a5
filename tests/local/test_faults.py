"""Each fault on a running server, as botocore and a caller see it."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from sagebridge.errors import UserError
from sagebridge.local import FAULTS, control
from sagebridge.local.faults import Faults
from tests.local.account import COMMAND, Account, echo

ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


@pytest.fixture(scope="module")
def old(owner: Account) -> str:
    return owner.config(owner.upload(echo("old")))


@pytest.fixture(scope="module")
def endpoint(owner: Account, old: str) -> str:
    name: str = owner.deploy(old)["EndpointName"]
    return name


@pytest.fixture(autouse=True)
def cleared(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "place" in request.fixturenames:
        control.clear_faults(request.getfixturevalue("place"))


def refusal(call: Callable[[], object]) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: Any = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


SERVICES: list[tuple[str, str, dict[str, Any], tuple[str, int], tuple[str, int]]] = [
    # service, operation, members, throttled, broken
    ("sagemaker", "ListModels", {}, ("ThrottlingException", 400), ("InternalFailure", 500)),
    ("s3", "ListBuckets", {}, ("SlowDown", 503), ("InternalError", 500)),
    ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, ("SlowDown", 503), ("InternalError", 500)),
    ("iam", "ListRoles", {}, ("Throttling", 400), ("InternalFailure", 500)),
    ("sts", "GetCallerIdentity", {}, ("Throttling", 400), ("InternalFailure", 500)),
    ("cloudwatch", "DescribeAlarms", {}, ("ThrottlingException", 400), ("InternalFailure", 500)),
    (
        "application-autoscaling",
        "DescribeScalableTargets",
        {"ServiceNamespace": "sagemaker"},
        ("ThrottlingException", 400),
        ("InternalFailure", 500),
    ),
    (
        "sagemaker-runtime",
        "InvokeEndpoint",
        {"EndpointName": "e", "Body": b""},
        ("ThrottlingException", 400),
        ("InternalFailure", 500),
    ),
]


@pytest.mark.server
@pytest.mark.parametrize("case", SERVICES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_an_operation_is_throttled_or_breaks_in_the_form_of_its_service(
    owner: Account, place: Path, case: tuple[str, str, dict[str, Any], tuple[str, int], tuple[str, int]]
) -> None:
    service, operation, members, throttled, broken = case
    call = getattr(owner.client(service, ONCE), xform_name(operation))
    control.fault(place, "throttle", operation=operation, times=1)
    assert refusal(lambda: call(**members)) == throttled
    control.fault(place, "error", operation=operation, times=1)
    assert refusal(lambda: call(**members)) == broken
    assert control.faults(place) == []


@pytest.mark.server
def test_a_fault_strikes_its_operation_and_its_endpoint_only(owner: Account, place: Path, endpoint: str) -> None:
    control.fault(place, "throttle", operation="PutObject")
    s3, sagemaker, runtime = (owner.client(name, ONCE) for name in ("s3", "sagemaker", "sagemaker-runtime"))
    assert refusal(lambda: s3.put_object(Bucket="models", Key="k", Body=b""))[0] == "SlowDown"
    upload = s3.create_multipart_upload(Bucket="models", Key="k")["UploadId"]
    s3.upload_part(Bucket="models", Key="k", UploadId=upload, PartNumber=1, Body=b"1")
    s3.list_objects_v2(Bucket="models")
    control.clear_faults(place)
    control.fault(place, "error", endpoint=endpoint)
    assert refusal(lambda: sagemaker.describe_endpoint(EndpointName=endpoint))[1] == 500
    assert refusal(lambda: runtime.invoke_endpoint(EndpointName=endpoint, Body=b"{}"))[1] == 500
    assert refusal(lambda: sagemaker.describe_endpoint(EndpointName="other"))[0] == "ValidationException"
    sagemaker.list_endpoints()


@pytest.mark.server
def test_clients_retry_through_a_few_faults(owner: Account, place: Path, endpoint: str) -> None:
    control.fault(place, "throttle", times=2)
    assert owner.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"
    assert control.faults(place) == []


@pytest.mark.server
def test_latency_comes_before_the_answer(owner: Account, place: Path) -> None:
    control.fault(place, "latency", operation="ListModels", seconds=0.4)
    started = time.monotonic()
    owner.sagemaker.list_models()
    assert time.monotonic() - started >= 0.4


@pytest.mark.server
def test_s3_refuses_callers_and_the_fetch_of_a_model(owner: Account, place: Path) -> None:
    config = owner.config(owner.upload(echo("x")))
    control.fault(place, "s3")
    s3 = owner.client("s3", ONCE)
    assert refusal(lambda: s3.get_object(Bucket="models", Key="k")) == ("AccessDenied", 403)
    assert refusal(lambda: s3.head_object(Bucket="models", Key="k")) == ("403", 403)
    description = owner.deploy(config)
    assert description["EndpointStatus"] == "Failed"
    assert "the role passed to CreateModel has permissions to download the model" in description["FailureReason"]
    control.clear_faults(place)
    assert owner.deploy(config)["EndpointStatus"] == "InService"


@pytest.mark.server
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("ping", "The primary container for production variant AllTraffic did not pass the ping health check."),
        ("capacity", "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."),
    ],
)
def test_a_deployment_fails_and_an_update_rolls_back(
    owner: Account, place: Path, old: str, kind: str, reason: str
) -> None:
    control.fault(place, kind, times=1)
    failed = owner.deploy(old)
    assert failed["EndpointStatus"] == "Failed"
    assert failed["FailureReason"].startswith(reason)
    name = owner.deploy(old)["EndpointName"]
    control.fault(place, kind, endpoint=name, times=1)
    description = owner.update(name, owner.config(owner.upload(echo("new"))))
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", old)
    assert description["FailureReason"].startswith(reason)
    assert owner.invoke(name)["word"] == "old"


@pytest.mark.server
def test_more_instances_may_not_be_had(owner: Account, place: Path, endpoint: str) -> None:
    control.fault(place, "capacity", endpoint=endpoint, times=1)

    def scale(count: int) -> dict[str, Any]:
        capacities = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
        owner.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=capacities
        )
        return owner.settled(endpoint)

    description = scale(3)
    assert description["FailureReason"].startswith("Unable to provision")
    assert description["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert scale(3)["ProductionVariants"][0]["CurrentInstanceCount"] == 3


@pytest.mark.server
def test_a_silent_rollback_looks_like_success_but_for_the_configuration(owner: Account, place: Path, old: str) -> None:
    name = owner.deploy(old)["EndpointName"]
    control.fault(place, "rollback", endpoint=name, times=1)
    new = owner.config(owner.upload(echo("new")))
    owner.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    statuses = set()
    while (description := owner.sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] != "InService":
        statuses.add(description["EndpointStatus"])
    assert statuses <= {"Updating"}  # Terraform's provider fails at any other
    assert "FailureReason" not in description
    assert description["EndpointConfigName"] == old
    assert owner.invoke(name)["word"] == "old"
    assert owner.update(name, new)["EndpointConfigName"] == new


@pytest.mark.server
def test_a_slow_deployment_takes_longer(owner: Account, place: Path, old: str) -> None:
    control.fault(place, "slow", seconds=0.5, times=1)
    started = time.monotonic()
    owner.deploy(old)
    assert time.monotonic() - started >= 0.5


@pytest.mark.server
def test_faults_by_the_command_line(directory: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"LOCAL_AWS_DIR": str(directory)}
        command = [COMMAND, "local", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert "The local AWS is not running" in run("fault").stderr
    run("start")
    assert run("fault").stdout == "Nothing goes wrong.\n"
    run("fault", "latency", "--operation", "ListModels", "--seconds", "0.5")
    shown = run("fault", "rollback", "--endpoint", "e", "--times", "2").stdout
    assert shown == "latency   operation ListModels, seconds 0.5\nrollback  endpoint e, times 2\n"
    latency, rollback = json.loads(run("fault", "--json").stdout)
    assert (latency["operation"], rollback["endpoint"], rollback["times"]) == ("ListModels", "e", 2)
    assert "There is no fault 'flood'. There are: throttle, latency" in run("fault", "flood").stderr
    assert run("fault", "clear").stdout == "Nothing goes wrong.\n"
    shown = run("fault", "--help").stdout
    assert [kind for kind in FAULTS if f"\n  {kind} " not in shown] == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "There is no fault None"),
        ({"kind": "ping", "operation": "X"}, "Operations go with throttle"),
        ({"kind": "throttle", "operation": "UpdateEndpiont"}, "no operation 'UpdateEndpiont' in sagemaker"),
        ({"kind": "s3", "endpoint": "e"}, "s3 goes with no endpoint"),
        ({"kind": "throttle", "seconds": 1}, "Seconds go with latency, slow"),
        ({"kind": "slow", "seconds": -1}, "seconds must be a number, 0 or more; got -1"),
        ({"kind": "slow", "seconds": "1"}, "seconds must be a number"),
        ({"kind": "ping", "times": 0}, "times must be a whole number, 1 or more; got 0"),
        ({"kind": "ping", "time": 1}, "A fault has no time"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(members: dict[str, Any], message: str) -> None:
    faults = Faults()
    with pytest.raises(UserError, match=message):
        faults.add(members)
    assert faults.listed() == []
