"""Asynchronous invocations on a running server: S3 in, S3 out, topics told."""

import base64
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control
from tests.local.account import INSTANCE, Account, pack, until

pytestmark = pytest.mark.server

# Answers in capitals; refuses "bad"; waits while the file that the body names is there.
HANDLER = """
import os, time
from flask import Response

def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    while os.path.exists(body):
        time.sleep(0.01)
    return body

def predict_fn(data, model):
    return data.upper()

def output_fn(prediction, accept):
    return Response("no such thing", 400) if prediction == "BAD" else (prediction, accept)
"""


def serve(account: Account, **output: object) -> str:
    """Makes an asynchronous endpoint."""
    config = {
        "OutputConfig": {"S3OutputPath": "s3://models/out/", "S3FailurePath": "s3://models/failed", **output},
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1},
    }
    model = account.model(account.upload(pack({"inference.py": HANDLER})))
    return account.serve(model, INSTANCE, AsyncInferenceConfig=config)


def call(account: Account, endpoint: str, body: str, **members: object) -> dict[str, Any]:
    """Queues a request whose input is in S3."""
    key = f"in/{account.name('input')}"
    account.s3.put_object(Bucket="models", Key=key, Body=body.encode())
    asked = {"ContentType": "text/csv", "Accept": "text/plain", "InputLocation": f"s3://models/{key}", **members}
    answer: dict[str, Any] = account.runtime.invoke_endpoint_async(EndpointName=endpoint, **asked)
    return answer


def awaited(account: Account, url: str) -> tuple[str, str]:
    """Waits for an object; returns its text and content type."""

    def read() -> tuple[str, str] | None:
        try:
            content = account.s3.get_object(Bucket="models", Key=url.removeprefix("s3://models/"))
        except ClientError:
            return None
        return content["Body"].read().decode(), content["ContentType"]

    outcome: tuple[str, str] = until(read)
    return outcome


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    return serve(account)


def test_the_answer_goes_to_the_output_path(account: Account, endpoint: str) -> None:
    accepted = call(account, endpoint, "text", InferenceId="mine")
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert accepted["InferenceId"] == "mine"
    assert accepted["OutputLocation"] == "s3://models/out/mine.out"
    assert accepted["FailureLocation"] == "s3://models/failed/mine-error.out"
    assert awaited(account, accepted["OutputLocation"]) == ("TEXT", "text/plain; charset=utf-8")


def test_the_input_may_come_with_the_request_and_the_output_be_named(account: Account, endpoint: str) -> None:
    accepted = account.runtime.invoke_endpoint_async(
        EndpointName=endpoint,
        Body=b"inline",
        ContentType="text/csv",
        Accept="text/plain",
        S3OutputPathExtension="some/where",
        Filename="answer.txt",
    )
    assert accepted["OutputLocation"] == "s3://models/out/some/where/answer.txt"
    assert awaited(account, accepted["OutputLocation"])[0] == "INLINE"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Provide exactly one"),
        ({"Body": b"x", "InputLocation": "s3://models/x"}, "Provide exactly one"),
        ({"Body": b"x" * 128_001}, "Member must have length less than or equal to 128000"),
        ({"InputLocation": "s3://models/x", "RequestTTLSeconds": 5}, "greater than or equal to 60"),
        ({"InputLocation": "models/x"}, "regular expression"),
    ],
)
def test_what_is_not_allowed_is_refused(account: Account, endpoint: str, members: dict[str, Any], message: str) -> None:
    from botocore.config import Config  # noqa: PLC0415 - here only: the server's checks, not the client's

    client = account.client("sagemaker-runtime", Config(parameter_validation=False))
    with pytest.raises(ClientError, match=message) as caught:
        client.invoke_endpoint_async(EndpointName=endpoint, **members)
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_each_kind_of_endpoint_has_its_own_operation(account: Account, endpoint: str) -> None:
    with pytest.raises(ClientError, match="InvokeEndpointAsync only"):
        account.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x")
    waits = account.serve(account.model(account.upload(pack({"inference.py": HANDLER}))))
    with pytest.raises(ClientError, match="InvokeEndpoint only"):
        call(account, waits, "x")
    with pytest.raises(ClientError, match="not found"):
        call(account, "none", "x")


def test_a_failure_goes_to_the_failure_path(account: Account, endpoint: str) -> None:
    refused = call(account, endpoint, "bad")
    assert awaited(account, refused["FailureLocation"])[0] == "no such thing"
    missing = account.runtime.invoke_endpoint_async(EndpointName=endpoint, InputLocation="s3://models/missing")
    assert "s3://models/missing" in awaited(account, missing["FailureLocation"])[0]
    assert awaited(account, call(account, endpoint, "next")["OutputLocation"])[0] == "NEXT"


def test_topics_are_told_in_awss_form(account: Account) -> None:
    sns, sqs = account.client("sns"), account.client("sqs")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics = [sns.create_topic(Name=name)["TopicArn"] for name in ("good", "bad")]
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    notices = {
        "SuccessTopic": topics[0],
        "ErrorTopic": topics[1],
        "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
    }
    endpoint = serve(account, NotificationConfig=notices)
    calls = [call(account, endpoint, body) for body in ("good", "bad")]

    def receive() -> dict[str, Any] | None:
        messages = sqs.receive_message(QueueUrl=queue).get("Messages")
        if not messages:
            return None
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        message: dict[str, Any] = json.loads(messages[0]["Body"])
        return message

    messages = {message["invocationStatus"]: message for message in (until(receive), until(receive))}
    good, bad = messages["Completed"], messages["Failed"]
    for message, asked in ((good, calls[0]), (bad, calls[1])):
        assert message["eventSource"] == "aws:sagemaker"
        assert message["eventName"] == "InferenceResult"
        assert message["eventVersion"] == "1.0"
        assert message["awsRegion"] == "us-east-1"
        assert message["inferenceId"] == asked["InferenceId"]
        assert message["requestParameters"]["endpointName"] == endpoint
        assert message["requestParameters"]["contentType"] == "text/csv"
        assert message["requestParameters"]["inputLocation"].startswith("s3://models/in/")
        assert message["receivedTime"] <= message["eventTime"]
        assert message["eventTime"][-1] == "Z"
    assert good["responseParameters"] == {
        "contentType": "text/plain; charset=utf-8",
        "outputLocation": calls[0]["OutputLocation"],
    }
    assert base64.b64decode(good["responseBody"]["content"]) == b"GOOD"
    assert "Received server error (400) from model." not in good
    assert bad["failureReason"].startswith("ClientError: Received client error (400) from model.")
    assert "responseBody" not in bad


def test_the_queue_survives_the_server(directory: Path) -> None:
    running, _ = control.start(directory)
    account = Account(running.url)
    account.base()
    endpoint = serve(account)
    gate = directory / "gate"
    gate.touch()
    calls = [call(account, endpoint, body) for body in (str(gate), "second", "third")]
    assert len(list((directory / "state" / "queue").iterdir())) == 3
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: control.find(directory) is None)
    gate.unlink()
    account = Account(control.start(directory)[0].url)
    assert awaited(account, calls[0]["OutputLocation"])[0] == str(gate).upper()
    assert awaited(account, calls[1]["OutputLocation"])[0] == "SECOND"
    assert awaited(account, calls[2]["OutputLocation"])[0] == "THIRD"
    until(lambda: not list((directory / "state" / "queue").iterdir()))
