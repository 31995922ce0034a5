"""The logs of endpoints as CloudWatch Logs has them, with boto3 against running servers."""

import os
import re
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.endpoint_log import log_group
from sagebridge.local import control
from sagebridge.local.cloudwatch import moto_logs
from sagebridge.local.cloudwatch.logs import EVENT_BYTES, SEGMENT_BYTES, Logs
from sagebridge.local.serving.output import LINE_BYTES
from sagebridge.local.store import Moto
from tests.local.account import HANDLER, IMAGE, INSTANCE, Account, pack, until

pytestmark = pytest.mark.server

# Prints what the request says, and answers with its number of lines.
PRINTER = """
import os, signal, sys

def model_fn(model_dir):
    print("loads", os.environ.get("WORD", ""))
    return None

def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    print(text)
    if text == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if text.startswith("many"):
        for number in range(int(text.split()[1])):
            print(f"line {number}")
    return "[1]"
"""


@pytest.fixture(scope="module")
def archive(account: Account) -> str:
    return account.upload(pack({"inference.py": PRINTER}))


@pytest.fixture(scope="module")
def endpoint(account: Account, archive: str) -> str:
    return account.serve(account.model(archive))


@pytest.fixture(scope="module")
def logs(account: Account) -> Any:
    return account.client("logs")


def say(account: Account, endpoint: str, text: str, **members: str) -> None:
    account.runtime.invoke_endpoint(EndpointName=endpoint, Body=text.encode(), ContentType="text/plain", **members)


PYTHON = "The container runs with "
"""What the server notes of each container, before the container prints anything."""


def lines(account: Account, endpoint: str, least: int = 1) -> list[str]:
    """Returns what the handler of an endpoint has printed, once it has some lines."""

    def printed() -> list[str] | None:
        lines = [line for line in account.log(endpoint).splitlines() if not line.startswith(PYTHON)]
        return lines if len(lines) >= least else None

    return until(printed, 20)


def streams(logs: Any, endpoint: str, **asked: Any) -> list[str]:
    return [
        stream["logStreamName"]
        for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=log_group(endpoint), **asked)
        for stream in page["logStreams"]
    ]


def test_what_a_container_prints_is_in_its_group_and_stream(account: Account, endpoint: str, logs: Any) -> None:
    before = int(time.time() * 1000)
    say(account, endpoint, "<b>größer</b>")
    until(lambda: "größer" in account.log(endpoint), 20)
    (group,) = logs.describe_log_groups(logGroupNamePrefix=log_group(endpoint))["logGroups"]
    assert group["arn"] == f"arn:aws:logs:us-east-1:123456789012:log-group:{log_group(endpoint)}:*"
    assert group["storedBytes"] > 0
    (stream,) = logs.describe_log_streams(logGroupName=log_group(endpoint))["logStreams"]
    assert re.fullmatch(r"AllTraffic/i-[0-9a-f]{17}", stream["logStreamName"])
    (event,) = logs.filter_log_events(logGroupName=log_group(endpoint), startTime=before)["events"]
    assert (event["message"], event["logStreamName"]) == ("<b>größer</b>", stream["logStreamName"])
    assert before <= event["timestamp"] == stream["lastEventTimestamp"] <= time.time() * 1000
    assert stream["firstEventTimestamp"] < before


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, range(300)),
        ({"filterPattern": "line"}, range(300)),
        ({"filterPattern": '"line 29"'}, [29, *range(290, 300)]),
        ({"logStreamNamePrefix": "AllTraffic/"}, range(300)),
        ({"logStreamNamePrefix": "Other/"}, []),
        ({"logStreamNames": ["AllTraffic/i-0"]}, []),
        ({"endTime": 1000}, []),
    ],
)
def test_events_are_filtered_and_come_in_pages(
    account: Account, archive: str, logs: Any, asked: dict[str, Any], numbers: Sequence[int]
) -> None:
    name = account.serve(account.model(archive))
    say(account, name, "many 300")
    lines(account, name, 302)
    pages = list(
        logs.get_paginator("filter_log_events").paginate(
            logGroupName=log_group(name), interleaved=True, PaginationConfig={"PageSize": 70}, **asked
        )
    )
    events = [event for page in pages for event in page["events"] if event["message"].startswith("line")]
    assert [event["message"] for event in events] == [f"line {number}" for number in numbers]
    assert len({event["eventId"] for event in events}) == len(numbers)
    assert max(len(page["events"]) for page in pages) <= 70


def test_a_stream_is_read_forwards_and_backwards(account: Account, archive: str, logs: Any) -> None:
    name = account.serve(account.model(archive))
    say(account, name, "many 100")
    lines(account, name, 102)
    everything = account.log(name).splitlines()
    stream = {"logGroupName": log_group(name), "logStreamName": streams(logs, name)[0]}

    def page(**asked: Any) -> tuple[list[str], Any]:
        answer = logs.get_log_events(**stream, **asked)
        return [event["message"] for event in answer["events"]], answer

    last, answer = page(limit=10)
    assert last == everything[-10:]
    before, _ = page(limit=10, nextToken=answer["nextBackwardToken"])
    assert before == everything[-20:-10]
    nothing, end = page(nextToken=answer["nextForwardToken"])
    assert (nothing, end["nextForwardToken"]) == ([], answer["nextForwardToken"])
    say(account, name, "more")  # as somebody sees who follows the log
    until(lambda: page(nextToken=end["nextForwardToken"])[0] == ["more"], 20)
    first, answer = page(limit=30, startFromHead=True)
    assert first == everything[:30]
    assert page(limit=30, nextToken=answer["nextForwardToken"])[0] == everything[30:60]
    assert page(startTime=int(time.time() * 1000) + 1000)[0] == []
    with pytest.raises(ClientError, match="nextToken is invalid"):
        page(nextToken="page 2")


def test_a_line_over_the_limit_is_split_and_a_page_is_not_too_long(account: Account, archive: str, logs: Any) -> None:
    name = account.serve(account.model(archive))
    text = "x" * (3 * 1024**2)
    say(account, name, text)
    events = [line for line in lines(account, name, 4) if line.startswith("x")]
    assert "".join(events) == text
    assert max(map(len, events)) <= EVENT_BYTES
    page = logs.filter_log_events(logGroupName=log_group(name), filterPattern="x")
    assert sum(len(event["message"]) for event in page["events"]) <= 1024**2


def test_a_group_of_ones_own_is_used_and_a_removed_one_comes_again(account: Account, archive: str, logs: Any) -> None:
    config = account.config(archive)
    name = account.name("endpoint")
    logs.create_log_group(logGroupName=log_group(name), tags={"team": "ml"})
    logs.put_retention_policy(logGroupName=log_group(name), retentionInDays=7)
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    account.settled(name)
    lines(account, name)
    (group,) = logs.describe_log_groups(logGroupNamePrefix=log_group(name))["logGroups"]
    assert group["retentionInDays"] == 7
    with pytest.raises(ClientError, match="The local AWS writes AllTraffic/i-"):
        logs.put_log_events(
            logGroupName=log_group(name),
            logStreamName=streams(logs, name)[0],
            logEvents=[{"timestamp": int(time.time() * 1000), "message": "mine"}],
        )
    logs.delete_log_group(logGroupName=log_group(name))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.log(name)
    say(account, name, "again")
    until(lambda: logs.describe_log_groups(logGroupNamePrefix=log_group(name))["logGroups"], 20)
    assert lines(account, name) == ["again"]
    logs.delete_log_stream(logGroupName=log_group(name), logStreamName=streams(logs, name)[0])
    assert account.log(name) == ""


def test_each_instance_container_and_deployment_has_a_stream(account: Account, archive: str, logs: Any) -> None:
    containers = [
        {"Image": IMAGE, "ModelDataUrl": archive, "Environment": {**HANDLER, "WORD": word}, "ContainerHostname": word}
        for word in ("first", "second")
    ]
    name = account.serve(account.model(Containers=containers), {**INSTANCE, "InitialInstanceCount": 2})
    for number in range(20):  # until both instances have had one
        say(account, name, f"number {number}")
    until(lambda: len(streams(logs, name)) == 4, 20)
    names = streams(logs, name)
    assert {stream.split("/")[0] for stream in names} == {"AllTraffic"}
    assert len({stream.split("/")[1] for stream in names}) == 2
    assert {stream.split("/")[2] for stream in names} == {"first", "second"}
    for stream in names:
        events = logs.get_log_events(logGroupName=log_group(name), logStreamName=stream, startFromHead=True)["events"]
        messages = [event["message"] for event in events if not event["message"].startswith(PYTHON)]
        assert messages[0] == f"loads {stream.rpartition('/')[2]}"
    account.update(name, account.config(archive))
    assert set(streams(logs, name)) > set(names)
    assert streams(logs, name, orderBy="LastEventTime", descending=True)[0] not in names
    merged = [event["timestamp"] for event in logs.filter_log_events(logGroupName=log_group(name))["events"]]
    assert merged == sorted(merged)


def test_an_asynchronous_request_is_in_the_data_log_of_its_instance(account: Account, archive: str, logs: Any) -> None:
    output = {"S3OutputPath": "s3://models/out/"}
    name = account.serve(account.model(archive), INSTANCE, AsyncInferenceConfig={"OutputConfig": output})
    account.s3.put_object(Bucket="models", Key="in/row", Body=b"a row")
    for inference_id in ("number-1", "number-2"):
        account.runtime.invoke_endpoint_async(
            EndpointName=name, InputLocation="s3://models/in/row", InferenceId=inference_id, ContentType="text/plain"
        )
    container, data_log = until(lambda: names if len(names := streams(logs, name)) == 2 else None, 20)
    assert data_log == f"{container}/data-log"
    stream = {"logGroupName": log_group(name), "logStreamName": data_log}
    outcomes = until(lambda: events if len(events := logs.get_log_events(**stream)["events"]) == 2 else None, 20)
    assert sorted(event["message"].split(":", 3)[3] for event in outcomes) == [
        "[sagemaker logs] [number-1] primary answered 200.",
        "[sagemaker logs] [number-2] primary answered 200.",
    ]
    assert lines(account, name).count("a row") == 2


def test_the_log_stays_when_the_endpoint_goes(account: Account, archive: str) -> None:
    name = account.serve(account.model(archive))
    say(account, name, "the last words")
    lines(account, name, 2)
    account.sagemaker.delete_endpoint(EndpointName=name)

    def is_gone() -> bool:
        return name not in [endpoint["EndpointName"] for endpoint in account.sagemaker.list_endpoints()["Endpoints"]]

    until(is_gone, 20)
    assert lines(account, name) == ["loads ", "the last words"]


def test_a_killed_process_has_its_last_words(account: Account, archive: str) -> None:
    name = account.serve(account.model(archive))
    with pytest.raises(ClientError, match="ModelError"):
        say(account, name, "die")
    assert lines(account, name, 2) == ["loads ", "die"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_log_outlives_the_server(directory: Path, end: signal.Signals) -> None:
    server = control.start(directory)[0]
    account = Account(server.url)
    account.base()
    name = account.serve(account.model(account.upload(pack({"inference.py": PRINTER}))))
    say(account, name, "before")
    before = lines(account, name, 2)
    os.kill(server.pid, end)
    until(lambda: not Path(f"/proc/{server.pid}").exists() or "Z" in Path(f"/proc/{server.pid}/stat").read_text(), 20)
    account = Account(control.start(directory)[0].url)
    assert lines(account, name) == before
    say(account, name, "after")
    assert lines(account, name, 4) == [*before, "loads ", "after"]
    assert len(streams(account.client("logs"), name)) == 1


def test_the_state_does_not_grow_with_the_log(owner: Account, place: Path) -> None:
    name = owner.serve(owner.model(owner.upload(pack({"inference.py": PRINTER}))))
    size = (place / "state" / "moto.pickle").stat().st_size
    say(owner, name, "many 300000")
    logs = owner.client("logs")
    asked = {"logGroupName": log_group(name), "filterPattern": '"line 299999"'}
    until(lambda: logs.filter_log_events(**asked)["events"], 60)
    logs.create_log_group(logGroupName="other")  # so that moto writes its state
    assert (place / "state" / "moto.pickle").stat().st_size < size + 5000
    kept = sum(file.stat().st_size for file in (place / "logs").rglob("*.log"))
    assert SEGMENT_BYTES < kept < 2 * SEGMENT_BYTES + LINE_BYTES


def test_a_log_keeps_the_streams_that_were_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_logs, "STREAMS", 3)
    moto = Moto(tmp_path / "state")
    store = Logs(tmp_path / "logs", partial(moto_logs.register, moto))
    moto_logs.install(store)
    for number in range(5):
        store.stream("boston", f"AllTraffic/i-{number}").append(b"a line")
        time.sleep(0.01)
    assert list(store.streams("boston")) == [f"AllTraffic/i-{number}" for number in (4, 3, 2)]
