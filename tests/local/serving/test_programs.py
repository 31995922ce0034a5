"""Programs that run instead of an image: started, asked, logged and ended as AWS does with a container."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control, images
from sagebridge.local.serving.fleet import Fleet
from sagebridge.local.serving.request import Request
from sagebridge.local.settings import Settings
from sagebridge.local.times import Times
from tests.local.account import COMMAND, HANDLER, IMAGE, INSTANCE, Account, echo, lives, pack, until
from tests.local.serving.programs import NODE, PYTHON
from tests.local.serving.test_invocations import NoAws

pytestmark = pytest.mark.server

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NO_PING = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
PAGE = (Path(control.__file__).parent / "README.md").read_text()
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")

LIBRARYS_SIGNALS = 0b11 << 31
"""Signals 32 and 33, which belong to the C library: a process cannot set them by its functions."""


class Programs:
    """Deploys a program on the server of a directory.

    Args:
        account: the caller of the server.
        directory: the server's folder.
        folder: a folder for the programs.
    """

    def __init__(self, account: Account, directory: Path, folder: Path) -> None:
        self.account = account
        self.directory = directory
        self.notes = folder / "notes"
        self.notes.touch()
        self._python = folder / "program.py"
        self._python.write_text(PYTHON)

    def image(self, *command: str) -> str:
        """Returns a new image, instead of which a command runs."""
        name = self.account.name("image")
        images.put(self.directory, images.program(f"{name}:*", command or (sys.executable, str(self._python))))
        return f"{REGISTRY}/{name}:1"

    def model(self, image: str, files: dict[str, str | bytes] | None = None, **environment: str) -> str:
        """Makes a model of an image; returns its name."""
        url = self.account.upload(pack(files or {"model.txt": "weights"}))
        variables = {"NOTES": str(self.notes), **environment}
        return self.account.model(url, container={"Image": image, "Environment": variables})

    def deploy(self, model: str, **variant: object) -> dict[str, Any]:
        """Makes an endpoint of a model; returns its description when it is InService or Failed."""
        name = self.account.name("config")
        production = {"VariantName": "AllTraffic", "ModelName": model, **INSTANCE, **variant}
        self.account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[production])
        return self.account.deploy(name)

    def serve(self, **environment: str) -> str:
        """Makes an endpoint of the Python program; returns its name when it serves."""
        return self.account.serve(self.model(self.image(), None, **environment))

    def delete(self, endpoint: str) -> None:
        """Deletes an endpoint, and waits until it is gone."""
        self.account.sagemaker.delete_endpoint(EndpointName=endpoint)
        until(lambda: is_gone(self.account, endpoint))


@pytest.fixture
def programs(account: Account, shared_directory: Path, tmp_path: Path) -> Programs:
    return Programs(account, shared_directory, tmp_path)


@pytest.fixture
def quick(owner: Account, place: Path, tmp_path: Path) -> Iterator[Programs]:
    """Programs on a server on which a minute of AWS's passes in a second."""
    control.set_times(place, pace=60)
    yield Programs(owner, place, tmp_path)
    control.set_times(place, pace=1)


def is_gone(account: Account, endpoint: str) -> bool:
    try:
        account.sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError:
        return True
    return False


def kill(pid: int) -> None:
    """Kills a process, and waits until it is dead."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not lives(pid))


def events(account: Account, endpoint: str, body: bytes) -> Iterator[bytes]:
    stream = account.runtime.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=body)["Body"]
    return (event["PayloadPart"]["Bytes"] for event in stream)


@needs_node
def test_a_program_serves_as_a_container_does(programs: Programs, tmp_path: Path) -> None:
    script = tmp_path / "server.js"
    script.write_text(NODE)
    endpoint = programs.account.serve(programs.model(programs.image("node", str(script)), WORD="set"))
    answer = programs.account.invoke(endpoint, CustomAttributes="custom", SessionId="session", Accept="text/csv")
    assert (answer["method"], answer["url"], answer["cwd"]) == ("POST", "/invocations", "/")
    assert answer["model"] == "weights"
    headers = answer["headers"]
    assert (headers["content-type"], headers["accept"]) == ("application/json", "text/csv")
    assert headers["x-amzn-sagemaker-custom-attributes"] == "custom"
    assert headers["x-amzn-sagemaker-session-id"] == "session"
    environment = answer["environment"]
    assert environment.keys() <= {
        *("PATH", "LANG", "HOME", "TMPDIR", "PYTHONUNBUFFERED", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"),
        *("MKL_NUM_THREADS", "SM_MODEL_DIR", "SAGEBRIDGE_PORT", "SAGEMAKER_BIND_TO_PORT", "WORD", "NOTES"),
    }
    assert environment["WORD"] == "set"
    assert environment["PATH"] == os.environ["PATH"]
    assert answer["at_opt"] == (environment["SM_MODEL_DIR"] == "/opt/ml/model")
    assert "node listens\n" in programs.account.log(endpoint)


@needs_node
def test_the_program_of_the_page_serves_by_the_command_of_the_page(
    account: Account, shared_directory: Path, tmp_path: Path
) -> None:
    (command,) = re.findall(r"^sagebridge (local image my-image .*?) +#", PAGE, re.MULTILINE)
    (program,) = re.findall(r"^```js\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "server.js").write_text(program)
    environment = {**os.environ, "LOCAL_AWS_DIR": str(shared_directory)}
    subprocess.run([COMMAND, *shlex.split(command)], cwd=tmp_path, env=environment, check=True)
    url = account.upload(pack({"words.txt": "apple\napricot\nbanana"}))
    model = account.model(url, container={"Image": f"{REGISTRY}/my-image:1", "Environment": {}})
    answer = account.runtime.invoke_endpoint(EndpointName=account.serve(model), Body=b'"ap"')
    assert json.loads(answer["Body"].read()) == ["apple", "apricot"]


@needs_node
def test_bytes_pass_unchanged(programs: Programs, tmp_path: Path) -> None:
    script = tmp_path / "server.js"
    script.write_text(NODE)
    endpoint = programs.account.serve(programs.model(programs.image("node", str(script))))
    body = bytes(range(256)) * 4096
    answer = programs.account.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType="image/png", Accept="application/octet-stream"
    )
    assert answer["Body"].read() == body
    assert answer["ContentType"] == "application/octet-stream"
    assert answer["CustomAttributes"] == "from-node"


@pytest.mark.parametrize(("kind", "mode"), [("chunked", ""), ("until closed", "1.0")])
def test_a_stream_passes_on_as_it_comes(programs: Programs, tmp_path: Path, kind: str, mode: str) -> None:
    endpoint = programs.serve(MODE=mode)
    go = tmp_path / "go"
    pieces = events(programs.account, endpoint, json.dumps({"stream": kind, "go": str(go)}).encode())
    assert next(pieces) == b"first"
    go.touch()
    assert b"".join(pieces) == b"second"


def test_an_error_keeps_the_programs_status_and_words(programs: Programs) -> None:
    endpoint = programs.serve()
    with pytest.raises(ClientError) as caught:
        programs.account.invoke(endpoint, b'{"status": 418}')
    answer: Any = caught.value.response
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (418, "the program's own words")


def test_requests_are_answered_at_once(programs: Programs) -> None:
    endpoint = programs.serve()
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(programs.account.invoke, endpoint, b'{"meet": 3}') for _ in range(3)]
    assert len({request.result()["pid"] for request in asked}) == 1


def test_each_instance_has_a_program_at_a_port_of_its_own(programs: Programs) -> None:
    endpoint = programs.deploy(programs.model(programs.image()), InitialInstanceCount=2)["EndpointName"]
    ports: dict[int, int] = {}
    deadline = time.monotonic() + 60
    while len(ports) < 2 and time.monotonic() < deadline:  # requests are distributed at random
        answer = programs.account.invoke(endpoint)
        ports[answer["pid"]] = answer["port"]
    assert len(ports) == len(set(ports.values())) == 2


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_a_program_may_listen_on_either_loopback_address(programs: Programs) -> None:
    endpoint = programs.serve(MODE="IPv6")
    assert programs.account.invoke(endpoint)["path"] == "/invocations"


def test_a_program_that_ends_at_once_fails_the_endpoint_with_its_last_lines(programs: Programs) -> None:
    began = time.monotonic()
    description = programs.deploy(programs.model(programs.image(), MODE="fails"))
    assert time.monotonic() - began < 30  # not the 240 s of a health check
    assert description["FailureReason"] == (
        f"{NO_PING} The container's command ended with status 3. "
        "Its last lines: a first line\nthe weights are not there"
    )
    log = programs.account.log(description["EndpointName"])
    assert "the weights are not there\nThe container's command ended with status 3.\n" in log


def test_of_much_output_the_reason_has_the_end(programs: Programs) -> None:
    reason = programs.deploy(programs.model(programs.image(), MODE="talks"))["FailureReason"]
    assert len(reason) <= 1024
    assert reason.startswith(f"{NO_PING} The container's command ended with status 1. Its last lines: ")
    assert reason.endswith("the last word")


def test_a_program_that_was_removed_is_named(programs: Programs, tmp_path: Path) -> None:
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    image = programs.image(str(program))
    program.unlink()
    reason = programs.deploy(programs.model(image))["FailureReason"]
    assert f"{program} cannot be run: No such file or directory" in reason


def test_an_environment_that_no_program_can_have_is_said(programs: Programs) -> None:
    reason = programs.deploy(programs.model(programs.image("env"), BAD="a\0b"))["FailureReason"]
    assert reason.endswith(f"Its last lines: {shutil.which('env')} cannot be run: embedded null byte")


def test_a_program_begins_with_no_signal_ignored(programs: Programs) -> None:
    image = programs.image("sh", "-c", "grep -E 'Sig(Ign|Blk)' /proc/self/status; exit 1")
    reason = programs.deploy(programs.model(image))["FailureReason"]
    blocked, ignored = (int(mask, 16) for mask in re.findall(r"Sig(?:Blk|Ign):\t(\w+)", reason))
    assert (blocked, ignored & ~LIBRARYS_SIGNALS) == (0, 0)


def test_a_program_that_goes_to_the_background_has_ended(programs: Programs) -> None:
    reason = programs.deploy(programs.model(programs.image("sh", "-c", "sleep 600 &")))["FailureReason"]
    assert reason == f"{NO_PING} The container's command ended with status 0. It printed nothing."


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("unhealthy", "The last answer had the status 503."),
        ("hangs", "The last request was not answered within 2 s."),
        ("deaf", "The last request failed: [Errno 111] Connection refused."),
    ],
)
def test_a_program_that_is_not_healthy_in_time_fails_the_endpoint(quick: Programs, mode: str, why: str) -> None:
    description = quick.deploy(quick.model(quick.image(), MODE=mode), ContainerStartupHealthCheckTimeoutInSeconds=120)
    assert description["FailureReason"] == NO_PING
    log = quick.account.log(description["EndpointName"])
    assert f"No 200 from /ping within 120 s. {why}" in log
    assert quick.notes.read_text() == "asked to end\n"


@pytest.mark.parametrize(
    "image", [f"{REGISTRY}/nobody-knows:1", "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"]
)
def test_an_image_that_is_not_known_fails_the_endpoint_and_says_what_to_do(programs: Programs, image: str) -> None:
    container = {"Image": image, "Environment": HANDLER}
    model = programs.account.model(programs.account.upload(echo("not asked")), container=container)
    assert programs.deploy(model)["FailureReason"] == (
        f"The local AWS cannot serve the image {image}, because it does not know what this image does. "
        f"Say what runs instead of it: sagebridge local image {image} -- COMMAND, or have Docker run the image itself: "
        f"sagebridge local image {image} --docker. Then deploy again."
    )


def test_a_program_runs_instead_of_an_image_that_is_known_too(programs: Programs) -> None:
    image = f"{REGISTRY}/{programs.account.name('mine')}/sagemaker-scikit-learn:1.9-0-cpu-py3"
    repository = image.partition("/")[2].partition(":")[0]
    python = images.program(repository, [sys.executable, str(programs._python)])  # noqa: SLF001
    images.put(programs.directory, python)
    endpoint = programs.account.serve(programs.model(image))
    assert programs.account.invoke(endpoint)["path"] == "/invocations"


def test_a_program_that_was_killed_comes_back_and_leaves_nothing(programs: Programs) -> None:
    endpoint = programs.serve(MODE="parent")
    first = programs.account.invoke(endpoint)
    assert all(map(lives, first["children"]))
    kill(first["pid"])
    until(lambda: not any(map(lives, first["children"])))
    second = programs.account.invoke(endpoint)
    assert second["pid"] != first["pid"]
    programs.delete(endpoint)
    assert not any(map(lives, [second["pid"], *second["children"]]))


def test_a_program_is_asked_to_end_and_killed_after_awss_grace_period(quick: Programs) -> None:
    endpoint = quick.serve(MODE="stubborn")
    answer = quick.account.invoke(endpoint)
    began = time.monotonic()
    quick.delete(endpoint)
    assert 0.5 <= time.monotonic() - began < 20  # 30 s at a pace of 60
    assert quick.notes.read_text() == "asked to end\n"
    assert not any(map(lives, [answer["pid"], *answer["children"]]))


def test_requests_are_answered_before_the_program_ends(programs: Programs) -> None:
    endpoint = programs.serve()
    programs.account.invoke(endpoint)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(programs.account.invoke, endpoint, b'{"sleep": 2}')
        time.sleep(0.5)
        programs.delete(endpoint)
        assert asked.result()["pid"]
    assert programs.notes.read_text() == "asked to end\n"


@pytest.mark.parametrize("end", ["stop", "kill -9"])
def test_no_program_survives_the_server(directory: Path, tmp_path: Path, end: str) -> None:
    running, _ = control.start(directory)
    account = Account(running.url)
    account.base()
    programs = Programs(account, directory, tmp_path)
    image = programs.image()
    endpoint = account.serve(programs.model(image, MODE="parent"))
    answer = account.invoke(endpoint)
    if end == "stop":
        control.stop(directory)
        assert not any(map(lives, [answer["pid"], *answer["children"]]))
    else:
        os.kill(running.pid, signal.SIGKILL)
        until(lambda: not any(map(lives, [answer["pid"], *answer["children"]])))
    images.remove(directory, f"{image.partition('/')[2].partition(':')[0]}:*")
    again = Account(control.start(directory)[0].url)
    assert again.settled(endpoint)["EndpointStatus"] == "InService"
    assert again.invoke(endpoint)["pid"] != answer["pid"]  # what is set later is for the next deployment
    failed = again.update(endpoint, again.config(again.upload(echo("not asked")), image=image))
    assert "does not know what this image does" in failed["FailureReason"]
    homes = list((directory / "endpoints" / endpoint).glob("*/.home-*"))
    assert len(homes) == 1


def test_settings_that_cannot_be_read_fail_the_endpoint(quick: Programs) -> None:
    model = quick.model(quick.image())
    file = quick.directory / images.FILE
    content = file.read_text()
    file.write_text("changed by hand")
    reason = quick.deploy(model)["FailureReason"]
    file.write_text(content)
    assert reason.startswith(f"{file} cannot be read: ")
    assert reason.endswith(". Remove it, and set the images again.")


def test_an_idle_program_ends_and_starts_again(quick: Programs) -> None:
    endpoint = quick.serve()
    first = quick.account.invoke(endpoint)
    control.set_times(quick.directory, idle=0)
    until(lambda: not lives(first["pid"]))
    control.set_times(quick.directory, idle=300)
    assert quick.account.invoke(endpoint)["pid"] != first["pid"]


def test_a_program_in_a_pipeline_gets_the_answer_of_a_handler(programs: Programs) -> None:
    url = programs.account.upload(echo("first"))
    handler = {"Image": IMAGE, "Environment": HANDLER, "ModelDataUrl": url, "ContainerHostname": "handler"}
    program = {"Image": programs.image(), "Environment": {"NOTES": str(programs.notes)}, "ContainerHostname": "own"}
    endpoint = programs.account.serve(programs.account.model(Containers=[handler, program]))
    assert programs.account.invoke(endpoint)["path"] == "/invocations"


@pytest.fixture
def many(programs: Programs) -> Callable[..., str]:
    """Makes a multi-model endpoint of models; returns its name."""

    def make(models: dict[str, dict[str, str | bytes]], **environment: str) -> str:
        prefix = programs.account.name("many")
        for name, files in models.items():
            programs.account.s3.put_object(Bucket="models", Key=f"{prefix}/{name}", Body=pack(files))
        container = {
            "Image": programs.image(),
            "Mode": "MultiModel",
            "ModelDataUrl": f"s3://models/{prefix}/",
            "Environment": {"NOTES": str(programs.notes), **environment},
        }
        return programs.account.serve(programs.account.model(container=container))

    return make


def test_a_program_loads_and_unloads_the_models_of_a_multi_model_endpoint(
    programs: Programs, many: Callable[..., str]
) -> None:
    endpoint = many({f"{word}.tar.gz": {"model.txt": word} for word in ("one", "two", "three")})

    def ask(word: str) -> dict[str, Any]:
        return programs.account.invoke(endpoint, TargetModel=f"{word}.tar.gz")

    answers = [ask(word) for word in ("one", "two", "one", "three")]
    assert [answer["model"][0] for answer in answers] == ["one", "two", "one", "three"]
    assert {answer["pid"] for answer in answers} == {answers[0]["pid"]}
    assert answers[0]["target"] == "one.tar.gz"
    assert answers[0]["path"] == f"/models/{answers[0]['model'][1].split('/')[-2]}/invoke"
    assert answers[0]["environment"]["SAGEMAKER_MULTI_MODEL"] == "true"
    assert programs.notes.read_text().splitlines() == ["loaded one", "loaded two", "unloaded two", "loaded three"]
    kill(answers[0]["pid"])
    assert ask("three")["model"][0] == "three"
    assert programs.notes.read_text().endswith("loaded three\nloaded three\n")


def test_a_model_that_the_program_refuses_to_load_is_a_models_error(
    programs: Programs, many: Callable[..., str]
) -> None:
    endpoint = many({"bad.tar.gz": {"broken": ""}, "good.tar.gz": {"model.txt": "good"}}, ROOM="1")
    with pytest.raises(ClientError) as caught:
        programs.account.invoke(endpoint, TargetModel="bad.tar.gz")
    answer: Any = caught.value.response
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (500, "this model is broken")
    assert programs.account.invoke(endpoint, TargetModel="good.tar.gz")["model"][0] == "good"


def test_a_program_that_does_not_answer_in_time_is_said_in_awss_words(fleet: Fleet) -> None:
    request = Request("endpoint", b'{"sleep": 30}', {})
    fleet.start()
    _, answer = fleet.choose(None).invoke(request, time.monotonic() + 0.5)
    assert answer.status == 0
    assert answer.body.startswith(b"Your invocation timed out while waiting for a response from container primary.")
    pid = json.loads(fleet.choose(None).invoke(replace(request, body=b"{}"), time.monotonic() + 20)[1].body)["pid"]
    assert lives(pid)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet, in this process, of the Python program."""
    (tmp_path / "program.py").write_text(PYTHON)
    substitute = images.program("*", [sys.executable, str(tmp_path / "program.py")])
    record = {"VariantName": "v", "ModelName": "m", "InitialVariantWeight": 1, "InitialInstanceCount": 1}
    model = {"PrimaryContainer": {"Image": "own:1", "Environment": {"NOTES": str(tmp_path / "notes")}}}
    deployment = {"config": {"ProductionVariants": [record]}, "models": {"m": model}}
    settings = Settings(Times, lambda _: substitute)
    fleet = Fleet(deployment, tmp_path / "home", NoAws(), lambda _: len, settings)
    yield fleet
    fleet.retire(remove=True)
    assert not (tmp_path / "home").exists()
