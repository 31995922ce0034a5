"""Starting, stopping and finding the server, and what survives its end."""

import contextlib
import fcntl
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import CredentialRetrievalError

from sagebridge import extras
from sagebridge.errors import UserError
from sagebridge.local import control, credentials, server, store
from tests.local.account import COMMAND, Account, echo, lives, pack, until

pytestmark = pytest.mark.server

NOT_RUNNING = "The local AWS is not running. Start it with: sagebridge local start"


def begin(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, "local", *arguments],
        env={**os.environ, "LOCAL_AWS_DIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(directory: Path, *arguments: str) -> tuple[int, str]:
    process = begin(directory, *arguments)
    output, _ = process.communicate(timeout=2 * control.START_SECONDS)
    return process.returncode, output


def started(directory: Path) -> Account:
    running, before = control.start(directory)
    assert not before
    return Account(running.url)


def crash(directory: Path) -> None:
    """Ends the server's process as a power switch would."""
    running = control.find(directory)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    while credentials.is_locked(str(directory)):  # the kernel's word that the process is gone
        time.sleep(0.01)


def commands() -> list[str]:
    """Returns the command lines of all processes."""
    texts = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            texts.append(file.read_text(errors="replace").replace("\0", " "))
    return texts


def test_the_commands_from_start_to_reset(directory: Path) -> None:
    assert run(directory, "status") == (3, NOT_RUNNING + "\n")
    status, output = run(directory, "start")
    running = control.find(directory)
    assert running is not None
    assert status == 0
    assert output == (
        f"The local AWS runs at {running.url} (process {running.pid}).\n"
        f"Log: {directory}/server.log\n"
        'To use it from this shell: eval "$(sagebridge local env)"\n'
    )
    Account(running.url).base()
    status, output = run(directory, "status")
    assert status == 0
    assert f"runs at {running.url} (process {running.pid})" in output
    assert "Endpoints: 0, buckets: 1" in output
    assert json.loads(run(directory, "status", "--json")[1]) == {
        "running": True,
        "directory": str(directory),
        "url": running.url,
        "pid": running.pid,
        "endpoints": 0,
        "buckets": 1,
        "regions": ["us-east-1"],
    }
    assert "already running" in run(directory, "start")[1]
    assert control.find(directory) == control.Running(
        running.url, running.pid, endpoints=0, buckets=1, regions=("us-east-1",)
    )
    assert run(directory, "stop") == (0, "The local AWS is stopped.\n")
    assert run(directory, "stop") == (0, "The local AWS was not running.\n")
    assert run(directory, "status")[0] == 3
    assert run(directory, "reset")[0] == 0
    assert {path.name for path in directory.iterdir()} == {"config", "lock", "pulumi"}


def test_an_interrupted_start_leaves_no_server(directory: Path) -> None:
    process = begin(directory, "start")
    until((directory / "server.log").exists, 30)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    command = f"-m sagebridge.local.server {directory}"
    assert not [name for name in commands() if command in name]
    assert control.find(directory) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_start_that_is_interrupted_before_the_servers_number_is_known_leaves_no_server(
    directory: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    servers = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            servers.append(self)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        control.start(directory)
    assert [server.returncode for server in servers] == [-signal.SIGKILL]


def test_two_starts_at_once_make_one_server(directory: Path) -> None:
    processes = [begin(directory, "start") for _ in range(3)]
    outputs = [process.communicate(timeout=2 * control.START_SECONDS)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    running = control.find(directory)
    assert running is not None
    assert all(f"{running.url} (process {running.pid})" in output for output in outputs)
    assert (directory / "server.log").read_text().count("serving at") == 1


def test_a_free_port_is_taken_when_the_usual_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(server, "PORT", taken)
        with server._listen() as listener:  # noqa: SLF001 - the usual port itself may be any other test's
            host, port = listener.getsockname()
    assert host == "127.0.0.1"
    assert port not in (0, taken)


def test_a_reset_ends_the_server_and_forgets(directory: Path) -> None:
    (directory / "somebody's").write_text("own file")
    started(directory).base()
    assert control.reset(directory)
    assert control.find(directory) is None
    assert (directory / "somebody's").exists()
    assert started(directory).s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("end", [control.stop, crash])
def test_what_was_acknowledged_survives(directory: Path, end: object) -> None:
    assert callable(end)
    account = started(directory)
    role = account.base()
    account.s3.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    big = os.urandom(9 * 2**20)
    account.s3.put_object(Bucket="models", Key="big", Body=b"before")
    account.s3.put_object(Bucket="models", Key="big", Body=big, Metadata={"a_b": "c"}, Tagging="d=e")
    account.s3.put_object(Bucket="models", Key="gone", Body=b"still a version")
    account.s3.delete_object(Bucket="models", Key="gone")
    upload = account.s3.create_multipart_upload(Bucket="models", Key="parts")["UploadId"]
    part = {"Bucket": "models", "Key": "parts", "UploadId": upload}
    tag = account.s3.upload_part(**part, PartNumber=1, Body=b"first")["ETag"]
    config = account.config(account.upload(echo("old")))
    endpoint = account.deploy(config)["EndpointName"]
    pid = account.invoke(endpoint)["pid"]
    before = account.settled(endpoint)
    end(directory)
    while lives(pid):  # it may stay as a zombie where nobody waits for it, as in a container
        time.sleep(0.01)

    again = started(directory)
    content = again.s3.get_object(Bucket="models", Key="big")
    assert content["Body"].read() == big
    assert content["Metadata"] == {"a_b": "c"}
    assert again.s3.get_object_tagging(Bucket="models", Key="big")["TagSet"] == [{"Key": "d", "Value": "e"}]
    versions = again.s3.list_object_versions(Bucket="models", Prefix="big")["Versions"]
    assert [version["Size"] for version in versions] == [len(big), len(b"before")]
    old = again.s3.get_object(Bucket="models", Key="big", VersionId=versions[1]["VersionId"])
    assert old["Body"].read() == b"before"
    gone = again.s3.list_object_versions(Bucket="models", Prefix="gone")
    assert (len(gone["Versions"]), len(gone["DeleteMarkers"])) == (1, 1)
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    again.s3.complete_multipart_upload(**part, MultipartUpload=parts)
    assert again.s3.get_object(Bucket="models", Key="parts")["Body"].read() == b"first"
    assert again.iam.get_role(RoleName="sagemaker")["Role"]["Arn"] == role
    after = again.settled(endpoint)
    before.pop("ResponseMetadata")
    after.pop("ResponseMetadata")
    assert after == before
    assert again.invoke(endpoint)["word"] == "old"
    assert again.invoke(endpoint)["pid"] != pid
    again.update(endpoint, again.config(again.upload(echo("new"))))
    assert again.invoke(endpoint)["word"] == "new"


def test_an_endpoint_under_way_goes_on_after_a_crash(directory: Path) -> None:
    account = started(directory)
    account.base()
    slow = "import time\ndef model_fn(d): time.sleep(1)\ndef transform_fn(*_): return '{}', 'application/json'\n"
    config = account.config(account.upload(pack({"inference.py": slow})))
    account.sagemaker.create_endpoint(EndpointName="slow", EndpointConfigName=config)
    assert account.sagemaker.describe_endpoint(EndpointName="slow")["EndpointStatus"] == "Creating"
    crash(directory)
    again = started(directory)
    assert again.settled("slow")["EndpointStatus"] == "InService"
    assert again.invoke("slow") == {}


def test_bodies_of_objects_that_are_gone_are_removed(directory: Path) -> None:
    account = started(directory)
    account.base()
    for body in (b"one", b"two"):
        account.s3.put_object(Bucket="models", Key="key", Body=body)
        files = list((directory / "state" / "bodies").iterdir())
        assert [file.read_bytes() for file in files] == [body]
    account.s3.delete_object(Bucket="models", Key="key")
    assert list((directory / "state" / "bodies").iterdir()) == []


REFUSED_STATES = [
    (pickle.dumps({"moto": "5.0.0", "backends": []}), "was written by moto 5.0.0, and moto 5.2.5 is installed"),
    (b"\x80 not a pickle", "cannot be read"),
    # as a version before sagebridge was a package wrote it
    (
        pickle.dumps({"moto": moto.__version__, "backends": [("1", "us-east-1", b"clocal.store\nx\n.")]}),
        "cannot be read",
    ),
]
"""States that cannot be used, with what is said of each."""


def test_a_state_that_cannot_be_used_is_refused(directory: Path) -> None:
    (directory / "state").mkdir()
    for content, message in REFUSED_STATES:
        (directory / "state" / "moto.pickle").write_bytes(content)
        status, output = run(directory, "start")
        assert status == 1
        assert message in output
        assert "Start afresh with: sagebridge local reset" in output
        assert "Traceback" not in output
    assert run(directory, "reset")[0] == 0
    assert run(directory, "start")[0] == 0


def test_another_moto_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto, "__version__", "6.0.0")
    with pytest.raises(UserError, match=r"written for moto 5\.2\.5, and moto 6\.0\.0 is installed"):
        store.check_moto()


@pytest.fixture
def profile(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    control.prepare(directory)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(directory / "config"))
    monkeypatch.setenv("AWS_PROFILE", "local")
    return directory


def test_the_profile_leads_to_the_server(profile: Path) -> None:
    started(profile).base()
    assert boto3.Session().region_name == "us-east-1"
    assert [bucket["Name"] for bucket in boto3.Session().client("s3").list_buckets()["Buckets"]] == ["models"]


def test_without_a_server_the_profile_says_so_at_once(profile: Path) -> None:
    start = time.monotonic()
    with pytest.raises(CredentialRetrievalError, match=NOT_RUNNING):
        boto3.Session().client("s3").list_buckets()
    assert time.monotonic() - start < 15
    control.start(profile)
    crash(profile)  # which leaves its server.json behind
    with pytest.raises(CredentialRetrievalError, match=NOT_RUNNING):
        boto3.Session().client("s3").list_buckets()


def test_another_directorys_server_is_not_taken_for_ones_own(profile: Path, account: Account) -> None:
    port = int(account.url.rpartition(":")[2])
    (profile / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": account.url, "port": port}))
    with pytest.raises(CredentialRetrievalError, match=NOT_RUNNING):
        boto3.Session().client("s3").list_buckets()
    assert control.find(profile) is None
    assert not control.stop(profile)
    assert account.s3.list_buckets()["Buckets"]


def test_a_busy_server_is_not_taken_for_one_that_does_not_run(profile: Path) -> None:
    running, _ = control.start(profile)
    os.kill(running.pid, signal.SIGSTOP)
    try:
        found = boto3.Session().get_credentials()
        assert found
        assert found.access_key == "local"
    finally:
        os.kill(running.pid, signal.SIGCONT)


def test_a_server_that_has_not_said_where_it_listens_does_not_run_yet(directory: Path) -> None:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not credentials.is_running(str(directory))
        (directory / "server.json").touch()
        assert credentials.is_running(str(directory))


def test_credentials_take_little_more_than_the_start_of_python(directory: Path) -> None:
    """Each tool asks for them at each start."""

    def imported(*arguments: str) -> set[str]:
        command = [sys.executable, "-IS", "-X", "importtime", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert imported(credentials.__file__, str(directory)) - imported("-c", "") <= {"fcntl"}


def test_a_start_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.MODULES, "local", ("json", "no_such_package"))
    with pytest.raises(UserError, match=r"needs no_such_package, which come with: pip install 'sagebridge\[local\]'"):
        control.start(tmp_path)
