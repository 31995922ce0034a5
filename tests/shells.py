"""A stand-in for the real AWS, and shells whose variables lead there. Nothing may reach it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest


class RealAws:
    """A server on the loopback in place of AWS's services, of a proxy and of what gives credentials.

    It notes each request.
    """

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        self._folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._write_files()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def proxies(self) -> dict[str, str]:
        """Variables by which each request to AWS's own names arrives here too."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        return {**dict.fromkeys(names, self.url), "CHECKPOINT_DISABLE": "1", "PULUMI_SKIP_UPDATE_CHECK": "true"}

    def variables(self) -> dict[str, dict[str, str]]:
        """Returns, by what a shell has set, its variables; all lead here."""
        return variables(self.url, self._folder)

    def everything(self) -> dict[str, str]:
        """Returns all of these variables at once."""
        merged = {name: value for variables in self.variables().values() for name, value in variables.items()}
        return {**merged, **self.proxies}

    def _write_files(self) -> None:
        config = f"region = us-east-1\nendpoint_url = {self.url}\n"
        keys = "aws_access_key_id = AKIAREAL\naws_secret_access_key = real\n"
        sections = [("default", "default"), ("profile local", "local"), ("profile prod", "prod")]
        (self._folder / "config").write_text("".join(f"[{section}]\n{config}" for section, _ in sections))
        (self._folder / "credentials").write_text("".join(f"[{name}]\n{keys}" for _, name in sections))
        (self._folder / "token").write_text("a web identity's token")
        (self._folder / "startup").write_text("export AWS_ACCESS_KEY_ID=AKIAREAL AWS_SECRET_ACCESS_KEY=real\n")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def note(self) -> None:
                requests.append(f"{self.command} {self.path}")
                self.send_error(403)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_CONNECT = note  # noqa: N815 - names of http.server

            def log_message(self, *_: object) -> None:
                """Prints nothing."""

        return Handler


def variables(url: str, folder: Path) -> dict[str, dict[str, str]]:
    """Returns, by what a shell has set, its variables.

    Args:
        url: Where they lead.
        folder: Where the files lie that they name.
    """
    file = {name: str(folder / name) for name in ("config", "credentials", "token", "startup")}
    keys = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    role = {"AWS_ROLE_ARN": "arn:aws:iam::111111111111:role/deploy", "AWS_ROLE_SESSION_NAME": "ci"}
    services = ("S3", "S3_CONTROL", "STS", "IAM", "SAGEMAKER", "SAGEMAKER_RUNTIME", "CLOUDWATCH")
    alone = {
        "AWS_SESSION_TOKEN": "real",
        "AWS_SECURITY_TOKEN": "real",
        "AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z",
        "AWS_CREDENTIAL_FILE": file["credentials"],
        "BOTO_CONFIG": file["credentials"],
        "AWS_SHARED_CREDENTIALS_FILE": file["credentials"],
        "AWS_PROFILE": "prod",
        "AWS_DEFAULT_PROFILE": "prod",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_SDK_LOAD_CONFIG": "0",
        "AWS_ENDPOINT_URL": url,
        **{f"AWS_ENDPOINT_URL_{service}": url for service in services},
        "AWS_S3_ENDPOINT": url,
        "AWS_STS_ENDPOINT": url,
        "TF_AWS_S3_ENDPOINT": url,
        "TF_AWS_STS_ENDPOINT": url,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "legacy",
        "AWS_S3_USE_ARN_REGION": "true",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/credentials",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/credentials",
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
        "AWS_METADATA_URL": url,
        "AWS_CA_BUNDLE": "/nowhere/company.pem",
        "AWS_DEFAULTS_MODE": "nonsense",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_MAX_ATTEMPTS": "many",
        "AWS_CSM_ENABLED": "true",
        "AWS_DATA_PATH": str(folder),
        "AWS_NEW_IN_THE_NEXT_VERSION": url,
        "TF_CLI_ARGS": "-no-such-option",
        "TF_CLI_ARGS_init": "-no-such-option",
        "TF_CLI_ARGS_plan": "-destroy",
        "TF_CLI_ARGS_apply": "-no-such-option",
        "TF_WORKSPACE": "prod",
        "TF_DATA_DIR": str(folder / "data"),
        "TF_REATTACH_PROVIDERS": "not JSON",
        "TF_VAR_name": "Not A Name Of The Base",
        "PULUMI_STACK": "prod",
        "PULUMI_OPTION_STACK": "prod",
        "PULUMI_BACKEND_URL": "s3://states-of-the-real-account",
        "PULUMI_CONFIG": "not JSON",
        "PULUMI_CONFIG_PASSPHRASE": "another",
        "PULUMI_DEBUG_PROVIDERS": "aws:1",
        "BASH_ENV": file["startup"],
        "ENV": file["startup"],
    }
    return {
        **{name: {name: value} for name, value in alone.items()},
        "keys": keys,
        "a web identity": {**role, "AWS_WEB_IDENTITY_TOKEN_FILE": file["token"]},
        "another config file": {"AWS_CONFIG_FILE": file["config"]},
        "another profile's files": {
            "AWS_CONFIG_FILE": file["config"],
            "AWS_SHARED_CREDENTIALS_FILE": file["credentials"],
            "AWS_PROFILE": "prod",
        },
    }


@pytest.fixture
def real_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAws]:
    with RealAws(tmp_path_factory.mktemp("real-aws")) as server:
        yield server
        assert server.requests == []


@pytest.fixture
def reachable_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAws]:
    """The same, for a test that shows that it would be reached."""
    with RealAws(tmp_path_factory.mktemp("real-aws")) as server:
        yield server
