"""An invocation's way, on a running server, and on a fleet in this process where the server has no switch for it."""

import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from sagebridge.containers.archive import unpack
from sagebridge.local import control
from sagebridge.local.serving import container
from sagebridge.local.serving.fleet import Fleet
from sagebridge.local.serving.forks import Forks
from sagebridge.local.serving.instances import NO_MODEL
from sagebridge.local.serving.model_data import DeployError
from sagebridge.local.serving.request import Request
from sagebridge.local.serving.variant import Variant
from sagebridge.local.settings import Settings
from sagebridge.local.times import Times
from tests.local.account import HANDLER, IMAGE, INSTANCE, Account, echo, pack, until

pytestmark = pytest.mark.server

# Does what the request's body, a line of Python, says; answers with what that calls `answer`.
PUPPET = """
import json, os, subprocess, sys, time
from flask import Response, request

def model_fn(model_dir):
    exec(os.environ.get("ON_LOAD", ""))
    return model_dir

def input_fn(body, content_type):
    found = {"request": request, "Response": Response, "answer": os.getpid()}
    exec(body, globals(), found)
    return found["answer"]

def predict_fn(data, model):
    return data

def output_fn(prediction, accept):
    return prediction if isinstance(prediction, Response) else Response(json.dumps(prediction), 200)
"""
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}


class NoAws:
    """The services of an account that has nothing."""

    def open_object(self, bucket: str, key: str) -> None:
        pass

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        raise NotImplementedError

    def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        raise NotImplementedError

    def trust_policy(self, role_arn: str) -> None:
        pass

    def publish(self, topic_arn: str, message: str) -> None:
        raise NotImplementedError


@pytest.fixture(scope="module")
def puppet(account: Account) -> str:
    """A model for the endpoints that tests make."""
    return account.model(account.upload(pack({"inference.py": PUPPET})))


@pytest.fixture(scope="module")
def endpoint(account: Account, puppet: str) -> str:
    """An endpoint for tests that leave it as it is."""
    return account.serve(puppet)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    """Makes a fleet of one variant `v` in this process."""
    made: list[Fleet] = []

    def make(
        environment: dict[str, str] | None = None, times: Times | None = None, code: str = PUPPET, **variant: object
    ) -> Fleet:
        home = tmp_path / "home"
        unpack(io.BytesIO(pack({"inference.py": code})), home / "v-1")
        primary = {"Image": IMAGE, "Environment": HANDLER | (environment or {})}
        record = {"VariantName": "v", "ModelName": "m", "InitialVariantWeight": 1, "InitialInstanceCount": 1, **variant}
        deployment = {"config": {"ProductionVariants": [record]}, "models": {"m": {"PrimaryContainer": primary}}}
        settings = Settings(lambda: times or Times(), lambda _: None)
        made.append(Fleet(deployment, home, NoAws(), lambda _: len, settings))
        return made[-1]

    yield make
    for new_fleet in made:
        new_fleet.retire(remove=True)
    assert not (tmp_path / "home").exists()


def ask(variant: Variant, code: str, seconds: float = 60.0) -> Any:
    """Makes a puppet do something; returns its answer, or the bytes of a failure."""
    request = Request("e", code.encode(), {"content-type": "text/csv"})
    _, answer = variant.invoke(request, time.monotonic() + seconds)
    return json.loads(answer.body) if answer.good else answer.body


def tell(account: Account, endpoint: str, code: str, **members: str) -> Any:
    """Makes an endpoint's puppet do something; returns its answer."""
    return account.invoke(endpoint, code.encode(), ContentType="text/csv", **members)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file for which a puppet waits with `held`, until the test, or its end, makes it."""
    path = tmp_path / "gate"
    yield path
    path.touch()


def held(gate: Path) -> str:
    """Give the code with which a puppet waits at a gate."""
    return f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"


def refusal(account: Account, endpoint: str, **members: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        account.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"", **members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def is_gone(pid: int) -> bool:
    """Returns whether a process has ended, also when its parent has not waited for it."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


# Processes


def test_neither_the_handler_nor_any_process_above_it_has_the_callers_secrets(tmp_path: Path) -> None:
    """A handler runs as the server's user, so it can read what its parents were started with."""
    start = (
        "import sys; from pathlib import Path; from sagebridge.local import control; control.start(Path(sys.argv[1]))"
    )
    environment = {**os.environ, "MY_SECRET": "hush-hush", "AWS_SECRET_ACCESS_KEY": "hush-hush"}
    subprocess.run([sys.executable, "-c", start, str(tmp_path)], env=environment, check=True)
    try:
        running = control.find(tmp_path)
        assert running is not None
        account = Account(running.url)
        account.base()
        endpoint = account.serve(account.model(account.upload(pack({"inference.py": PUPPET}))))
        parents = """
import contextlib
answer, pid = dict(os.environ), os.getpid()
for _ in range(3):  # this process, the fork server, the server
    answer[pid] = ""
    with contextlib.suppress(PermissionError):  # its user namespace, which it has without root's rights, hides them
        answer[pid] = open(f"/proc/{pid}/environ").read()
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
"""
        seen = tell(account, endpoint, parents)
        assert str(running.pid) in seen
        assert seen["SAGEMAKER_PROGRAM"] == "inference.py"
        assert "hush-hush" not in str(seen)
    finally:
        control.reset(tmp_path)


def test_a_process_that_was_killed_takes_its_own_processes_with_it(fleet: Callable[..., Fleet]) -> None:
    variant = fleet().choose(None)
    child = ask(variant, "answer = subprocess.Popen(['sleep', '600']).pid")
    assert not is_gone(child)
    assert b"gave no response" in ask(variant, "os._exit(3)")
    until(lambda: is_gone(child))
    assert isinstance(ask(variant, ""), int)


def test_a_handler_that_ends_the_fork_server_hurts_nobody(fleet: Callable[..., Fleet]) -> None:
    variant = fleet(InitialInstanceCount=2, RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}).choose(
        None
    )
    first = ask(variant, "answer = [os.getpid(), os.getppid()]; os.kill(os.getppid(), 9)")
    until(lambda: is_gone(first[1]))
    assert ask(variant, "") == first[0]  # it serves on
    assert b"gave no response" in ask(variant, "os._exit(3)")
    again = ask(variant, "answer = [os.getpid(), os.getppid()]")
    assert again[0] != first[0]
    assert again[1] != first[1]


def test_a_stopped_fork_server_is_replaced(fleet: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch) -> None:
    variant = fleet().choose(None)
    server = ask(variant, "answer = os.getppid()")
    monkeypatch.setattr("sagebridge.local.serving.forks.FORK_SECONDS", 3.0)
    monkeypatch.setattr("sagebridge.local.serving.forks.KILL_SECONDS", 0.1)
    os.kill(server, signal.SIGSTOP)
    assert b"gave no response" in ask(variant, "os._exit(3)")
    assert ask(variant, "answer = os.getppid()") != server


def test_variables_that_python_reads_at_its_start_count(fleet: Callable[..., Fleet]) -> None:
    environment = {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "3"}
    variant = fleet(environment).choose(None)
    code = "answer = [hash('a'), open('/proc/self/environ').read().count('OMP_NUM_THREADS=3')]"
    command = [sys.executable, "-c", "print(hash('a'))"]
    output = subprocess.run(command, env={"PYTHONHASHSEED": "7"}, capture_output=True, check=True, text=True).stdout
    assert ask(variant, code) == [int(output), 1]


def test_processes_draw_different_numbers(fleet: Callable[..., Fleet]) -> None:
    variant = fleet().choose(None)
    draw = "import random, numpy; answer = [random.random(), numpy.random.rand()]"
    first = ask(variant, draw)
    ask(variant, "os._exit(3)")
    second = ask(variant, draw)
    assert first[0] != second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize(
    ("comment", "is_shared"), [("", False), ("# reads a model of joblib's", True), ("# reads a cloudpickle", True)]
)
def test_scikit_learn_is_imported_before_the_fork_if_the_code_names_it(
    fleet: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch, comment: str, *, is_shared: bool
) -> None:
    monkeypatch.setattr(container, "FORKS", Forks())  # that of the other tests may have imported it already
    variant = fleet(code=PUPPET + comment).choose(None)
    code = "answer = [name in sys.modules for name in ('numpy', 'sklearn.ensemble', 'pandas')]"
    assert ask(variant, code) == [True, is_shared, is_shared]


def test_the_fork_server_has_one_thread_and_nothing_of_this_process_open(
    fleet: Callable[..., Fleet], tmp_path: Path
) -> None:
    with (tmp_path / "lock").open("w") as lock:
        variant = fleet().choose(None)
        server = ask(variant, "answer = os.getppid()")
        os.kill(server, signal.SIGKILL)  # so that the next one is started while the file is open
        until(lambda: is_gone(server))
        assert b"gave no response" in ask(variant, "os._exit(3)")
        server = ask(variant, "answer = os.getppid()")
        assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1
        opened = [str(file.readlink()) for file in Path(f"/proc/{server}/fd").iterdir()]
        assert lock.name not in opened


def test_processes_end_with_the_server_that_is_killed(directory: Path) -> None:
    running, _ = control.start(directory)
    account = Account(running.url)
    account.base()
    endpoint = account.serve(account.model(account.upload(pack({"inference.py": PUPPET}))))
    pids = tell(account, endpoint, "answer = [os.getpid(), os.getppid()]")
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: all(is_gone(pid) for pid in pids))
    assert not list((directory / "endpoints").rglob(".home-*"))


def test_an_idle_process_ends_and_starts_again_unless_its_concurrency_is_provisioned(directory: Path) -> None:
    running, _ = control.start(directory)
    account = Account(running.url)
    account.base()
    control.set_times(directory, idle=0.1)
    model = account.model(account.upload(pack({"inference.py": PUPPET})))
    cold = account.serve(model, {"ServerlessConfig": SERVERLESS})
    warm = account.serve(model, {"ServerlessConfig": {**SERVERLESS, "ProvisionedConcurrency": 1}})
    before = [tell(account, endpoint, "") for endpoint in (cold, warm)]
    until(lambda: is_gone(before[0]))
    after = [tell(account, endpoint, "") for endpoint in (cold, warm)]
    assert after[0] != before[0]
    assert after[1] == before[1]


# Time and failure


def test_a_container_that_takes_too_long_is_killed_and_started_again(fleet: Callable[..., Fleet]) -> None:
    variant = fleet().choose(None)
    first = ask(variant, "")
    assert ask(variant, "time.sleep(600)", 0.3).startswith(
        b"Your invocation timed out while waiting for a response from container primary."
    )
    assert is_gone(first)
    assert isinstance(ask(variant, ""), int)


def test_a_request_that_waits_behind_another_one_times_out_alone(fleet: Callable[..., Fleet], gate: Path) -> None:
    variant = fleet().choose(None)
    ask(variant, "")
    answers: list[Any] = []
    long = threading.Thread(target=lambda: answers.append(ask(variant, held(gate))))
    long.start()
    until(lambda: variant._outstanding)  # noqa: SLF001 - the request is on its way
    assert ask(variant, "", 0.2).startswith(b"Your invocation timed out")
    gate.touch()
    long.join()
    assert isinstance(answers[0], int)


def test_an_answer_that_dribbles_does_not_outlive_its_time(fleet: Callable[..., Fleet]) -> None:
    code = "answer = Response((time.sleep(0.05) or b'x' for _ in range(1000)))"
    started = time.monotonic()
    assert ask(fleet().choose(None), code, 0.5).startswith(b"Your invocation timed out")
    assert time.monotonic() - started < 20


def test_a_model_that_does_not_load_in_time_fails_the_deployment(fleet: Callable[..., Fleet]) -> None:
    slow = fleet({"ON_LOAD": "time.sleep(600)"}, ContainerStartupHealthCheckTimeoutInSeconds=0.3)
    with pytest.raises(DeployError, match="did not pass the ping health check") as caught:
        slow.start()
    assert "No answer to /ping within" in caught.value.cause


def test_a_hanging_model_delays_no_other_endpoint(account: Account, endpoint: str, puppet: str, gate: Path) -> None:
    hangs = account.serve(puppet)
    caller = threading.Thread(target=lambda: tell(account, hangs, held(gate)), daemon=True)
    caller.start()
    for _ in range(20):
        tell(account, endpoint, "")
    assert caller.is_alive()
    assert isinstance(tell(account, account.serve(puppet), ""), int)  # nor a new one
    gate.touch()
    caller.join()


# Instances


def test_instances_answer_side_by_side_and_go_when_there_are_fewer(fleet: Callable[..., Fleet]) -> None:
    made = fleet(RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"})
    variant = made.choose(None)
    made.resize("v", 3)
    meet = """
os.chdir(os.environ['SM_MODEL_DIR'])
open(str(os.getpid()), 'w').close()
while len([name for name in os.listdir() if name.isdigit()]) < 3: time.sleep(0.01)
"""
    pids: list[int] = []
    callers = [threading.Thread(target=lambda: pids.append(ask(variant, meet))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(set(pids)) == 3
    made.resize("v", 1)
    assert sum(is_gone(pid) for pid in pids) == 2
    assert ask(variant, "") in pids
    made.resize("v", 1000)
    assert len(variant._instances) == 4  # noqa: SLF001 - the documented cap


def test_a_serverless_variant_throttles_beyond_its_concurrency(account: Account, puppet: str, gate: Path) -> None:
    endpoint = account.serve(puppet, {"ServerlessConfig": SERVERLESS})
    client = account.client("sagemaker-runtime", Config(retries={"max_attempts": 0}))
    caller = threading.Thread(target=lambda: tell(account, endpoint, held(gate)))
    caller.start()
    refused: list[ClientError] = []

    def is_throttled() -> bool:
        try:
            client.invoke_endpoint(EndpointName=endpoint, Body=b"", ContentType="text/csv")
        except ClientError as error:
            refused.append(error)
        return bool(refused)

    until(is_throttled)
    gate.touch()
    caller.join()
    assert refused[0].response["Error"]["Code"] == "ThrottlingException"
    assert refused[0].response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert isinstance(tell(account, endpoint, ""), int)


# Shadows, containers, models


def test_a_shadow_variant_gets_copies_and_its_answers_go_nowhere(account: Account, puppet: str, tmp_path: Path) -> None:
    url = account.upload(pack({"inference.py": PUPPET}))
    noted = tmp_path / "noted"
    environment = {**HANDLER, "NOTED": str(noted)}
    shadow = account.model(url, container={"Environment": environment})
    variants = [{"VariantName": "Shadow", "ModelName": shadow, "InitialVariantWeight": 1, **INSTANCE}]
    endpoint = account.serve(puppet, {"InitialVariantWeight": 1, **INSTANCE}, ShadowProductionVariants=variants)
    code = "noted = os.environ.get('NOTED')\nif noted: open(noted, 'a').write('x'); os._exit(1)"
    for _ in range(3):
        assert isinstance(tell(account, endpoint, code), int)
    until(lambda: noted.exists() and noted.read_text() == "xxx")
    with pytest.raises(ClientError, match="Variant Shadow not found"):
        tell(account, endpoint, "", TargetVariant="Shadow")


def test_a_container_can_be_invoked_directly(account: Account) -> None:
    url = account.upload(pack({"inference.py": PUPPET}))
    containers = [
        {
            "Image": IMAGE,
            "ModelDataUrl": url,
            "ContainerHostname": name,
            "Environment": {**HANDLER, "NAME": name},
        }
        for name in ("one", "two")
    ]
    model = account.model(Containers=containers, InferenceExecutionConfig={"Mode": "Direct"})
    endpoint = account.serve(model)
    for name in ("one", "two"):
        assert tell(account, endpoint, "answer = os.environ['NAME']", TargetContainerHostname=name) == name
    code, message = refusal(account, endpoint, TargetContainerHostname="three")
    assert (code, "one, two" in message) == ("ValidationError", True)
    assert refusal(account, endpoint)[0] == "ValidationError"


def test_a_container_of_a_row_cannot_be_invoked_directly(account: Account, endpoint: str) -> None:
    code, message = refusal(account, endpoint, TargetContainerHostname="primary")
    assert (code, "not configured for direct invocation" in message) == ("ValidationError", True)


def test_a_multi_model_endpoint_loads_the_model_that_is_asked_for(account: Account) -> None:
    for word in ("red", "blue"):
        account.s3.put_object(Bucket="models", Key=f"many/{word}.tar.gz", Body=echo(word))
    environment = {**HANDLER, "SAGEMAKER_SUBMIT_DIRECTORY": account.upload(echo("that of all"))}
    model = account.model("s3://models/many/", container={"Mode": "MultiModel", "Environment": environment})
    endpoint = account.serve(model)
    assert account.invoke(endpoint, TargetModel="red.tar.gz")["word"] == "red"
    blue = account.invoke(endpoint, TargetModel="blue.tar.gz")
    assert blue["word"] == "blue"
    account.s3.put_object(Bucket="models", Key="many/late.tar.gz", Body=echo("late"))
    assert account.invoke(endpoint, TargetModel="late.tar.gz")["word"] == "late"
    assert account.invoke(endpoint, TargetModel="/blue.tar.gz")["word"] == "blue"
    assert refusal(account, endpoint, TargetModel="green.tar.gz") == (
        "ValidationError",
        NO_MODEL.format(bucket="models", key="many/green.tar.gz"),
    )
    code, message = refusal(account, endpoint)
    assert (code, message.endswith("is missing a target model header.")) == ("ValidationError", True)


def test_another_endpoint_has_no_target_models(account: Account, endpoint: str) -> None:
    assert refusal(account, endpoint, TargetModel="x.tar.gz") == (
        "ValidationError",
        f"Endpoint {endpoint} is not a multi-model endpoint and does not support target model header.",
    )


@pytest.mark.parametrize(
    ("kind", "url"),
    [("S3Prefix", "s3://models/plain/"), ("S3Object", "s3://models/plain/inference.py")],
)
def test_model_data_may_be_uncompressed(account: Account, kind: str, url: str) -> None:
    account.s3.put_object(Bucket="models", Key="plain/inference.py", Body=PUPPET.encode())
    account.s3.put_object(Bucket="models", Key="plain/deep/er/file.txt", Body=b"deep")
    source = {"S3DataSource": {"S3Uri": url, "S3DataType": kind, "CompressionType": "None"}}
    endpoint = account.serve(account.model(container={"ModelDataSource": source}))
    names = tell(
        account, endpoint, "answer = sorted(n for n in os.listdir(os.environ['SM_MODEL_DIR']) if '__' not in n)"
    )
    assert names == (["deep", "inference.py"] if kind == "S3Prefix" else ["inference.py"])


@pytest.mark.parametrize("name", ["../escaped", "a//b", "./x"])
def test_uncompressed_model_data_cannot_reach_outside(account: Account, shared_directory: Path, name: str) -> None:
    prefix = account.name("escape")
    account.s3.put_object(Bucket="models", Key=f"{prefix}/{name}", Body=b"evil")
    source = {"S3DataSource": {"S3Uri": f"s3://models/{prefix}/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    with pytest.raises(AssertionError, match="Failed to download model data"):
        account.serve(account.model(container={"ModelDataSource": source}))
    assert not list((shared_directory / "endpoints").rglob("*escaped*"))


# What goes with a request and an answer


def test_headers_reach_the_container_and_come_back(account: Account, endpoint: str) -> None:
    code = """
names = ("Custom-Attributes", "Inference-Id", "Session-Id")
answer = Response(json.dumps({
    "seen": [request.headers.get(f"X-Amzn-SageMaker-{name}") for name in names],
    "all": sorted(name.lower() for name in request.headers.keys()),
}), headers={"X-Amzn-SageMaker-Custom-Attributes": "given", "X-Secret": "kept",
             "X-Amzn-SageMaker-New-Session-Id": "abc; Expires=2030-01-01T00:00:00Z"})
"""
    answer = account.runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=code.encode(),
        ContentType="text/csv",
        CustomAttributes="trace=1",
        InferenceId="id-1",
        SessionId="NEW_SESSION",
    )
    received = json.loads(answer["Body"].read())
    assert received["seen"] == ["trace=1", "id-1", "NEW_SESSION"]
    assert "authorization" not in received["all"]
    assert answer["CustomAttributes"] == "given"
    assert answer["NewSessionId"] == "abc; Expires=2030-01-01T00:00:00Z"
    assert "x-secret" not in answer["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"TargetVariant": "-no"}, "Value '-no' at 'targetVariant' failed to satisfy constraint"),
        ({"InferenceId": "x" * 65}, "at 'inferenceId' failed to satisfy constraint: Member must have length"),
        ({"CustomAttributes": "x" * 1025}, "Value at 'customAttributes' failed to satisfy constraint"),
        ({"InferenceComponentName": "any"}, "has no inference components"),
    ],
)
def test_a_request_that_botocores_model_does_not_allow_is_refused(
    account: Account, endpoint: str, members: dict[str, str], message: str
) -> None:
    code, text = refusal(account, endpoint, **members)
    assert (code, message in text) == ("ValidationError", True), text


def test_a_connection_serves_on_after_every_kind_of_request(account: Account, endpoint: str) -> None:
    connection = http.client.HTTPConnection(account.url.removeprefix("http://"), timeout=20)
    scope = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{}/aws4_request, Signature=x"
    sagemaker = {"Authorization": scope.format("sagemaker"), "Content-Type": "text/csv"}
    connection.connect()
    used = connection.sock
    for method, path, body, headers, status in (
        ("POST", f"/endpoints/{endpoint}/invocations", b"answer = 1", sagemaker, 200),
        ("POST", "/endpoints/none/invocations", b"x" * 1000, sagemaker, 400),
        ("GET", "/_local", b"", {}, 200),
        ("GET", "/models", b"", {"Origin": "http://example.com"}, 403),
        ("PUT", "/models/kept", b"x" * 70_000, {"Authorization": scope.format("s3")}, 200),
        ("HEAD", "/models/kept", b"", {"Authorization": scope.format("s3")}, 200),
        ("DELETE", "/models/kept", b"", {"Authorization": scope.format("s3")}, 204),
        ("POST", f"/endpoints/{endpoint}/invocations", b"answer = 2", sagemaker, 200),
    ):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == status, (path, content)
        assert connection.sock is used, path
    assert content == b"2"
    connection.close()


# Streams


def stream(account: Account, endpoint: str, code: str) -> Any:
    return account.runtime.invoke_endpoint_with_response_stream(
        EndpointName=endpoint, Body=code.encode(), ContentType="text/csv", Accept="text/plain"
    )


def test_a_stream_comes_as_the_container_sends_it(account: Account, endpoint: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = f"""
def words():
    yield b"first"
    while not os.path.exists({str(gate)!r}): time.sleep(0.01)
    yield b"second"
answer = Response(words(), mimetype="text/plain")
"""
    answer = stream(account, endpoint, code)
    assert answer["ContentType"].startswith("text/plain")
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    events = iter(answer["Body"])
    assert next(events)["PayloadPart"]["Bytes"] == b"first"
    gate.touch()
    assert b"".join(event["PayloadPart"]["Bytes"] for event in events) == b"second"
    assert isinstance(tell(account, endpoint, ""), int)


@pytest.mark.parametrize("end", ["os._exit(1)", "raise ValueError"])
def test_a_stream_that_breaks_off_says_so(account: Account, endpoint: str, end: str) -> None:
    code = f"def words():\n    yield b'first'\n    {end}\nanswer = Response(words())"
    events = iter(stream(account, endpoint, code)["Body"])
    assert next(events)["PayloadPart"]["Bytes"] == b"first"
    with pytest.raises(EventStreamError, match="ModelStreamError"):
        next(events)
    assert isinstance(tell(account, endpoint, ""), int)


def test_a_container_that_refuses_a_stream_is_a_model_error(account: Account, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        stream(account, endpoint, "answer = Response('no', 418)")
    assert caught.value.response["Error"]["Code"] == "ModelError"
    answer: Any = caught.value.response
    assert answer["OriginalStatusCode"] == 418


def test_a_caller_that_leaves_a_stream_leaves_the_endpoint_free(account: Account, endpoint: str) -> None:
    code = "answer = Response((time.sleep(0.01) or b'x' * 100 for _ in range(100000)))"
    answer = stream(account, endpoint, code)
    next(iter(answer["Body"]))
    answer["Body"].close()
    assert isinstance(tell(account, endpoint, ""), int)


def test_the_time_limit_is_awss() -> None:
    assert container.INVOKE_SECONDS == 60
