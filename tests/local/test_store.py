"""moto on disk: what is kept, what it costs, and what it offers to the rest of `local/`."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control
from tests.local.account import Account
from tests.warm import WarmPython, warm_python

BUCKET = "a-bucket"
SERVICES = ("cloudwatch", "s3", "sns", "sqs")
# moto's backends are one for the process, so each of these runs in a process of its own
OPENED = f"""
import sys
from pathlib import Path
from sagebridge.local.shapes import AwsError
from sagebridge.local.store import Moto
from moto.cloudwatch.models import cloudwatch_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

moto = Moto(Path(sys.argv[1]))
s3 = s3_backends["123456789012"]["aws"]
cloudwatch, sns, sqs = (b["123456789012"]["us-east-1"] for b in (cloudwatch_backends, sns_backends, sqs_backends))
if "{BUCKET}" not in s3.buckets:
    s3.create_bucket("{BUCKET}", "us-east-1")

def alarm(name):
    cloudwatch.put_metric_alarm(
        name, namespace="N", metric_name="M", comparison_operator="GreaterThanThreshold", evaluation_periods=1,
        period=60, threshold=1.0, statistic="Sum", description="", dimensions=[], alarm_actions=[],
    )
"""


Run = Callable[[str], str]
"""Runs a script on the store of a test's folder, and returns what it prints."""


@pytest.fixture(scope="module")
def python() -> Iterator[WarmPython]:
    with warm_python("sagebridge.local.store", *(f"moto.{name}.models" for name in SERVICES)) as python:
        yield python


@pytest.fixture
def run(python: WarmPython, tmp_path: Path) -> Run:
    def run_script(script: str) -> str:
        done = python.complete([sys.executable, "-c", OPENED + script, str(tmp_path)], env=os.environ)
        assert not done.returncode, done.stderr.decode()
        output: str = done.stdout.decode()
        return output

    return run_script


@pytest.mark.process
@pytest.mark.xdist_group("forked-store")
def test_what_is_put_for_the_account_is_there_afterwards(run: Run) -> None:
    run(
        f"""
topic = sns.create_topic("t").arn
sqs.create_queue("q")
sns.subscribe(topic, "arn:aws:sqs:us-east-1:123456789012:q", "sqs")
moto.put_object("{BUCKET}", "out/1", b"result", "text/csv")
moto.publish(topic, "done")
""",
    )
    output = run(
        f"""
print(moto.open_object("{BUCKET}", "out/1").read().decode())
print(s3.get_object("{BUCKET}", "out/1").metadata["content-type"])
print(sqs.queues["q"].messages[0].body)
""",
    )
    assert output.startswith("result\ntext/csv\n")
    assert json.loads(output.split("\n", 2)[2])["Message"] == "done"


@pytest.mark.process
@pytest.mark.xdist_group("forked-store")
def test_what_is_not_there_is_refused_and_alarms_that_are_not_are_absent(run: Run) -> None:
    output = run(
        """
for call in (lambda: moto.put_object("none", "k", b"", "a/b"), lambda: moto.publish("arn:aws:sns:us-east-1:1:t", "")):
    try:
        call()
    except AwsError as error:
        print(error.code)
alarm("mine")
print(moto.alarm_states(["mine", "none"]))
""",
    )
    assert output.splitlines() == ["NoSuchBucket", "NotFound", "{'mine': 'OK'}"]


@pytest.mark.process
@pytest.mark.xdist_group("forked-store")
def test_a_change_to_one_service_leaves_what_is_kept_of_the_others(run: Run) -> None:
    run(f'moto.put_object("{BUCKET}", "k", b"kept", "a/b")')
    run('with moto.changing("monitoring"): alarm("mine")')  # says nothing of S3
    output = run(f'print(moto.open_object("{BUCKET}", "k").read(), moto.alarm_states(["mine"]))')
    assert output == "b'kept' {'mine': 'OK'}\n"


@pytest.mark.process
@pytest.mark.xdist_group("forked-store")
def test_alarms_do_not_make_s3_slow(run: Run) -> None:
    output = run(
        f"""
import time
def put():
    started = time.perf_counter()
    for number in range(30):
        moto.put_object("{BUCKET}", "k", str(number).encode(), "a/b")
    return time.perf_counter() - started
put()
before = put()
with moto.changing("monitoring"):
    for number in range(2000):
        alarm(f"alarm-{{number}}")
print(min(put() for _ in range(3)) / before)
""",
    )
    assert float(output) < 5  # it was 40 when every change wrote down every service


@pytest.mark.server
def test_what_was_acknowledged_survives_kill_9_at_any_time(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.s3.create_bucket(Bucket=BUCKET)
    for turn in range(3):
        acknowledged: list[str] = []

        def work(acknowledged: list[str] = acknowledged, turn: int = turn, account: Account = account) -> None:
            cloudwatch = account.client("cloudwatch")
            for number in range(10_000):
                name = f"{turn}-{number}"
                try:
                    account.s3.put_object(Bucket=BUCKET, Key=name, Body=name.encode())
                    _put_alarm(cloudwatch, name)
                    data = [{"MetricName": name, "Value": 1.0}]
                    cloudwatch.put_metric_data(Namespace="Mine", MetricData=data)
                except (ClientError, OSError, Exception):  # noqa: BLE001 - the server is gone
                    return
                acknowledged.append(name)

        worker = threading.Thread(target=work)
        worker.start()
        deadline = time.monotonic() + 20
        while len(acknowledged) < 5 + turn and time.monotonic() < deadline:
            time.sleep(0.001)
        running = control.find(directory)
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        worker.join()
        account = Account(control.start(directory)[0].url)
        cloudwatch = account.client("cloudwatch")
        for name in acknowledged:
            assert account.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() == name.encode()
        alarms = {alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}
        metrics = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="Mine")["Metrics"]}
        assert alarms >= set(acknowledged)
        assert metrics >= set(acknowledged)


def _put_alarm(cloudwatch: Any, name: str, threshold: float = 1.0) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Mine",
        MetricName="None",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
    )


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


@pytest.mark.server
def test_a_thousand_changes_do_not_make_the_state_grow(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.s3.create_bucket(Bucket=BUCKET)
    cloudwatch = account.client("cloudwatch")

    def change(times: int) -> int:
        for number in range(times):
            account.s3.put_object(Bucket=BUCKET, Key="k", Body=f"{number:05d}".encode())
            _put_alarm(cloudwatch, "alarm", number)
        return _size(directory / "state")

    before = change(20)
    assert change(490) < before * 1.1
    assert len(list((directory / "state" / "bodies").iterdir())) == 1


@pytest.mark.server
def test_keys_outlive_the_server(directory: Path) -> None:
    kms: Any = Account(control.start(directory)[0].url).client("kms")
    secret = kms.create_key(KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    encrypted = kms.encrypt(KeyId=secret, Plaintext=b"a secret")["CiphertextBlob"]
    signing = [
        kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        for spec in ("RSA_2048", "ECC_NIST_P256")
    ]
    public = [kms.get_public_key(KeyId=key)["PublicKey"] for key in signing]
    control.stop(directory)
    kms = Account(control.start(directory)[0].url).client("kms")
    assert kms.decrypt(KeyId=secret, CiphertextBlob=encrypted)["Plaintext"] == b"a secret"
    assert [kms.get_public_key(KeyId=key)["PublicKey"] for key in signing] == public


@pytest.mark.server
def test_policies_that_aws_manages_are_there_when_they_are_asked_for(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.base()
    iam: Any = account.client("iam")
    arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    trust = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName="scientist", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="scientist", PolicyArn=arn)
    size = _size(directory / "state")
    for turn in range(2):
        attached = iam.list_attached_role_policies(RoleName="scientist")["AttachedPolicies"]
        assert attached == [{"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": arn}]
        policy = iam.get_policy(PolicyArn=arn)["Policy"]
        assert policy["AttachmentCount"] == 1
        version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        assert "sagemaker:*" in json.dumps(version["Document"])
        if not turn:
            control.stop(directory)
            iam = Account(control.start(directory)[0].url).client("iam")
    service = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert iam.get_policy(PolicyArn=service)["Policy"]["Path"] == "/service-role/"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.attach_role_policy(RoleName="scientist", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    assert len([policy for page in pages for policy in page["Policies"]]) > 1000
    assert not iam.list_policies(Scope="Local")["Policies"]
    assert _size(directory / "state") < size + 200_000


@pytest.mark.server
def test_who_waits_for_a_message_holds_up_nobody(account: Account) -> None:
    sqs, name = account.client("sqs"), account.name("queue")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    received: list[Any] = []

    def receive() -> None:
        received.extend(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []))

    waiting = threading.Thread(target=receive)
    waiting.start()
    started = time.monotonic()
    time.sleep(0.3)  # for the wait to begin; were it to begin later, nothing would be shown
    account.client("sqs").send_message(QueueUrl=queue, MessageBody="come")
    waiting.join()
    assert [message["Body"] for message in received] == ["come"]
    assert time.monotonic() - started < 10
