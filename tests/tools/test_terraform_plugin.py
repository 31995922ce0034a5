"""The stand-in for Pulumi's terraform plugin, called as the engine calls it."""

import http.server
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.terraform_state.s3 import S3, serving
from tools import engine

pytestmark = pytest.mark.engine

STATE = {
    "version": 4,
    "outputs": {
        "bucket_name": {"value": "models", "type": "string"},
        "sizes": {"value": [1, 2.5, None], "type": ["tuple", ["number", "number", "string"]]},
        "secret": {"value": "kept as it is", "type": "string", "sensitive": True},
    },
    "resources": [],
}
OUTPUTS = {"bucket_name": "models", "sizes": [1, 2.5, None], "secret": "kept as it is"}

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def hcp(tmp_path: Path) -> Iterator[str]:
    """HCP Terraform's API as far as one workspace's state goes, on the loopback address with TLS."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=True,
    )

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"]
            workspace = {"id": "ws-1", "type": "workspaces", "attributes": {"name": "base"}}
            version = {
                "id": "sv-1",
                "type": "state-versions",
                "attributes": {"hosted-state-download-url": f"https://{host}/state"},
            }
            answers: dict[str, Any] = {
                "/api/v2/ping": {},
                "/api/v2/organizations/acme/workspaces/base": {"data": workspace},
                "/api/v2/workspaces/ws-1/current-state-version": {"data": version},
                "/state": STATE,
            }
            allowed = self.headers["Authorization"] == "Bearer token"
            found = answers.get(self.path)
            self.send_response(401 if not allowed else 404 if found is None else 200)
            self.send_header("Content-Type", "application/vnd.api+json")
            self.end_headers()
            self.wfile.write(json.dumps(found or {"errors": [{"status": "404", "title": "not found"}]}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def invoke(tmp_path: Path) -> Iterator[Invoke]:
    found = engine.find_all()["pulumi-resource-terraform"]
    assert found is not None
    if found.origin != "built":
        pytest.skip("the official plugin is in use")
    settings = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
    with subprocess.Popen(
        [found.path / "pulumi-resource-terraform", "127.0.0.1:1"], env=settings, stdout=subprocess.PIPE, text=True
    ) as plugin:
        assert plugin.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{plugin.stdout.readline().strip()}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)

            def call(token: str, arguments: dict[str, Any]) -> dict[str, Any]:
                given = json_format.ParseDict(arguments, struct_pb2.Struct())
                answer = stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=given), timeout=30)
                returned: dict[str, Any] = json_format.MessageToDict(getattr(answer, "return"))
                return returned

            yield call
        plugin.terminate()


def test_a_local_state(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "base.tfstate").write_text(json.dumps(STATE))
    answer = invoke("terraform:state:getLocalReference", {"path": str(tmp_path / "base.tfstate")})
    assert answer == {"outputs": OUTPUTS}


def test_a_workspace_of_hcp_terraform(hcp: str, invoke: Invoke) -> None:
    arguments = {"hostname": hcp, "organization": "acme", "workspaces": {"name": "base"}, "token": "token"}
    assert invoke("terraform:state:getRemoteReference", arguments) == {"outputs": OUTPUTS}


def test_a_token_is_demanded(invoke: Invoke, hcp: str) -> None:
    with pytest.raises(grpc.RpcError, match="required token could not be found"):
        invoke("terraform:state:getRemoteReference", {"hostname": hcp, "organization": "acme", "workspaces": {}})


def test_a_workspace_that_is_not_there(hcp: str, invoke: Invoke) -> None:
    arguments = {"hostname": hcp, "organization": "acme", "workspaces": {"name": "other"}, "token": "token"}
    with pytest.raises(grpc.RpcError) as failed:
        invoke("terraform:state:getRemoteReference", arguments)
    assert "error reading workspace other of organization acme" in str(failed.value.details())


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A bucket for the keys of the profile `ops`."""
    with serving(S3({"states/base": json.dumps(STATE).encode()}, keys={"AKIAOPS"})) as server:
        profile = f"aws_access_key_id=AKIAOPS\naws_secret_access_key=ops\nregion=us-east-1\nendpoint_url={server.url}\n"
        (tmp_path / "config").write_text(f"[profile ops]\n{profile}")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield server


@pytest.fixture
def other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the environment that may not read the bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABASE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "base")


def s3_arguments(s3: S3, **others: object) -> dict[str, Any]:
    keys = {"accessKey": "AKIAOPS", "secretKey": "ops"}
    arguments = {"bucket": "states", "key": "base", "region": "us-east-1", "endpoint": s3.url, "forcePathStyle": True}
    settings = {**arguments, **keys, "skipCredentialsValidation": True, **others}
    return {name: value for name, value in settings.items() if value is not None}


def test_an_object(s3: S3, invoke: Invoke) -> None:
    assert invoke("terraform:state:getS3Reference", s3_arguments(s3)) == {"outputs": OUTPUTS}


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"region": None, "profile": "ops"}, 'the argument "region" is required'),
        (
            {"skipCredentialsValidation": None, "stsEndpoint": "http://127.0.0.1:1"},
            "error validating provider credentials",
        ),
        ({"endpoint": None, "profile": "ops", "region": "nowhere-1"}, "s3.nowhere-1"),
    ],
)
def test_it_demands_what_the_official_plugin_demands(
    s3: S3, invoke: Invoke, others: dict[str, object], message: str
) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        invoke("terraform:state:getS3Reference", s3_arguments(s3, **others))
    assert message in str(failed.value.details())


def test_the_keys_of_a_profile_are_used_if_no_others_are_there(s3: S3, invoke: Invoke) -> None:
    arguments = s3_arguments(s3, accessKey=None, secretKey=None, profile="ops")
    assert invoke("terraform:state:getS3Reference", arguments) == {"outputs": OUTPUTS}


@pytest.mark.usefixtures("other_keys")
def test_the_environments_keys_win_over_a_profile(s3: S3, invoke: Invoke) -> None:
    with pytest.raises(grpc.RpcError, match="AccessDenied"):
        invoke("terraform:state:getS3Reference", s3_arguments(s3, accessKey=None, secretKey=None, profile="ops"))
    assert [key for key, _ in s3.signed] == ["AKIABASE"]


def test_an_argument_that_it_does_not_know_is_refused_by_name(invoke: Invoke) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        invoke("terraform:state:getS3Reference", {"bucket": "b", "key": "k", "sseCustomerKey": "x"})
    assert '"sseCustomerKey"' in str(failed.value.details())


def test_a_call_that_it_does_not_have_names_the_official_plugin(invoke: Invoke) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        invoke("terraform:state:getAzureRMReference", {})
    assert "install Pulumi's own terraform plugin" in str(failed.value.details())
