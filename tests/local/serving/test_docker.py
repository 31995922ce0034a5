"""Images that Docker runs, with a stand-in for the `docker` command: no engine of Docker is needed, and none is tried.

The stand-in notes how it is called, and runs a program at the port that `docker run` was to publish.
"""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from sagebridge.local import control, images
from sagebridge.local.serving import docker
from tests.local.account import INSTANCE, Account, lives, pack, until
from tests.local.serving.programs import PYTHON

pytestmark = pytest.mark.server

STAND_IN = """#!{python}
import json, os, sys
folder = {folder!r}
words = sys.argv[1:]
with open(folder + "/calls", "a") as calls:
    calls.write(json.dumps({{"words": words, "environment": dict(os.environ)}}) + "\\n")
if words[0] == "ps":
    print("left-1\\nleft-2")
if words[0] == "run":
    if "engine" in os.environ.get("DOCKER_HOST", ""):
        sys.exit("Cannot connect to the Docker daemon at the stand-in's engine. Is the docker daemon running?")
    values = {{word: words[place + 1] for place, word in enumerate(words) if word in ("--publish", "--volume")}}
    variables = [words[place + 1].partition("=") for place, word in enumerate(words) if word == "--env"]
    port = values["--publish"].split(":")[1]
    environment = {{**os.environ, **{{name: value for name, _, value in variables}}}}
    os.execve(sys.executable, [sys.executable, folder + "/program.py", port], environment)
"""
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/served-by-docker:1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in, which is first on the PATH."""
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "program.py").write_text(PYTHON)
    (folder / "docker").write_text(STAND_IN.format(python=sys.executable, folder=str(folder)))
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("SECRET", "of the shell")
    return folder


def calls(folder: Path, word: str) -> list[list[str]]:
    """Returns the arguments of the calls of a subcommand, and checks their environments."""
    noted = [json.loads(line) for line in (folder / "calls").read_text().splitlines()]
    assert not any("SECRET" in call["environment"] for call in noted)
    assert {call["environment"]["DOCKER_HOST"] for call in noted} == {os.environ["DOCKER_HOST"]}
    return [call["words"] for call in noted if call["words"][0] == word]


def deploy(account: Account, folder: Path) -> dict[str, str]:
    account.base()
    url = account.upload(pack({"model.txt": "weights"}))
    variables = {"NOTES": str(folder / "notes"), "WORD": "with a\nsecond line", "MODE": "parent"}
    name = account.model(url, container={"Image": IMAGE, "Environment": variables})
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{"VariantName": "v", "ModelName": name, **INSTANCE}]
    )
    return account.deploy(name)


def test_docker_runs_the_image_and_its_container_is_removed(directory: Path, folder: Path) -> None:
    running, _ = control.start(directory)
    account = Account(running.url)
    images.put(directory, images.docker("served-by-docker"))
    endpoint = deploy(account, folder)["EndpointName"]
    answer = account.invoke(endpoint)
    (words,) = calls(folder, "run")
    home = next((directory / "endpoints" / endpoint).iterdir())
    name = words[words.index("--name") + 1]
    assert words == [
        *("run", "--rm", "--name", name, "--label", f"{docker.LABEL}={home}"),
        *("--publish", f"127.0.0.1:{answer['port']}:8080", "--volume", f"{home}/v-1:/opt/ml/model:ro"),
        *("--env", f"NOTES={folder}/notes", "--env", "WORD=with a\nsecond line", "--env", "MODE=parent"),
        *(IMAGE, "serve"),
    ]
    assert (home / "v-1" / "model.txt").read_text() == "weights"
    account.sagemaker.delete_endpoint(EndpointName=endpoint)
    until(lambda: not home.exists())
    assert calls(folder, "rm") == [["rm", "--force", name]]
    assert (folder / "notes").read_text() == "asked to end\n"
    assert not lives(answer["pid"])


def test_what_a_killed_server_left_behind_is_removed(directory: Path, folder: Path) -> None:
    running, _ = control.start(directory)
    images.put(directory, images.docker("*"))
    endpoint = deploy(Account(running.url), folder)["EndpointName"]
    answer = Account(running.url).invoke(endpoint)
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: not lives(answer["pid"]))
    until(lambda: calls(folder, "rm"))
    assert len(calls(folder, "rm")) == 1
    images.remove(directory, "*")
    again = Account(control.start(directory)[0].url)
    home = next((directory / "endpoints" / endpoint).iterdir())
    assert calls(folder, "ps") == [["ps", "--all", "--quiet", "--filter", f"label={docker.LABEL}={home}"]]
    assert calls(folder, "rm")[1:] == [["rm", "--force", "left-1", "left-2"]]
    assert again.invoke(endpoint)["pid"] != answer["pid"]


def test_an_engine_that_does_not_answer_is_said(directory: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no-engine")
    images.put(directory, images.docker("*"))
    reason = deploy(Account(control.start(directory)[0].url), folder)["FailureReason"]
    assert reason.endswith(
        "The container's command ended with status 1. Its last lines: "
        "Cannot connect to the Docker daemon at the stand-in's engine. Is the docker daemon running?"
    )
