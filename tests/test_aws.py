"""Pure: clients go where the provider's settings say; the hooks ask AWS with them."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.session import Session

from sagebridge import _aws
from sagebridge._loader import LOADER


def test_a_client_goes_to_the_region_with_the_profile_and_the_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile mine]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    made = _aws.sagemaker_client(
        {
            "region": "eu-central-1",
            "shared_config_files": [str(tmp_path / "config")],
            "access_key": "a",
            "secret_key": "b",
            "endpoints": [{"sagemaker": "http://localhost:1"}],
        }
    )
    assert made.meta.region_name == "eu-central-1"
    assert made.meta.endpoint_url == "http://localhost:1"


def test_for_the_same_settings_and_environment_there_is_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"region": "eu-central-1", "access_key": "a", "secret_key": "b"}
    assert _aws.sagemaker_client(settings) is _aws.sagemaker_client(dict(settings))
    assert _aws.sagemaker_client(settings) is not _aws.sagemaker_client({**settings, "region": "eu-west-1"})
    before = _aws.sagemaker_client(settings)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    assert _aws.sagemaker_client(settings).meta.endpoint_url == "http://localhost:1"
    assert before.meta.endpoint_url != "http://localhost:1"


@pytest.mark.parametrize(
    ("style", "url"),
    [
        ({}, "https://models.s3.eu-west-1.amazonaws.com/k"),
        ({"s3_use_path_style": "false"}, "https://models.s3.eu-west-1.amazonaws.com/k"),
        ({"s3_use_path_style": "true"}, "https://s3.eu-west-1.amazonaws.com/models/k"),
    ],
)
def test_an_object_is_read_where_the_provider_looks_for_its_bucket(style: dict[str, str], url: str) -> None:
    client = _aws.object_client({"region": "eu-west-1", "access_key": "a", "secret_key": "b", **style})

    def send(request: Any, **_: object) -> None:
        raise ConnectionError(request.url)

    client.meta.events.register("before-send.s3", send)
    with pytest.raises(ConnectionError, match=f"^{re.escape(url)}$"):
        client.get_object(Bucket="models", Key="k")


def test_a_chain_of_roles_is_assumed_one_by_the_other_and_again_before_they_expire(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assumed: list[dict[str, Any]] = []
    expires = datetime.now(UTC) + timedelta(hours=1)
    (tmp_path / "token").write_text("web\n")

    class Sts:
        def __init__(self, key: str | None) -> None:
            self.key = key

        def assume_role(self, **request: Any) -> Any:
            assumed.append(request | ({"by": self.key} if self.key else {}))
            keys = {"AccessKeyId": request["RoleArn"], "SecretAccessKey": "s", "SessionToken": f"t{len(assumed)}"}
            return {"Credentials": {**keys, "Expiration": expires}}

        assume_role_with_web_identity = assume_role

    real = Session.create_client
    monkeypatch.setattr(
        Session,
        "create_client",
        lambda self, name, **options: (
            Sts(options.get("aws_access_key_id")) if name == "sts" else real(self, name, **options)
        ),
    )
    roles = [{"role_arn": "first"}, {"role_arn": "second", "external_id": "x", "session_name": "me"}]
    web = {"role_arn": "web", "web_identity_token_file": str(tmp_path / "token")}
    made = _aws.sagemaker_client({"region": "us-east-1", "assume_role_with_web_identity": web, "assume_roles": roles})
    credentials = cast("Any", made)._request_signer._credentials  # noqa: SLF001 - what signs the calls
    assert credentials.get_frozen_credentials().token == "t3"  # noqa: S105 - nobody's
    assert assumed == [
        {"RoleArn": "web", "RoleSessionName": "pulumi", "WebIdentityToken": "web"},
        {"RoleArn": "first", "RoleSessionName": "pulumi", "by": "web"},
        {"RoleArn": "second", "RoleSessionName": "me", "ExternalId": "x", "by": "first"},
    ]
    monkeypatch.setattr("botocore.credentials._local_now", lambda: expires)  # an hour passes
    credentials._time_fetcher = lambda: expires  # noqa: SLF001
    assert credentials.get_frozen_credentials().token == "t4"  # noqa: S105 - nobody's


def test_a_role_is_assumed_with_the_settings_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"access_key": "a", "secret_key": "b", "token": "c", "assume_roles": [{"role_arn": "r"}]}
    asked: list[dict[str, Any]] = []

    class Sts:
        def assume_role(self, **_: object) -> Any:
            keys = {"AccessKeyId": "role", "SecretAccessKey": "s", "SessionToken": "t"}
            return {"Credentials": {**keys, "Expiration": datetime.now(UTC) + timedelta(hours=1)}}

    def create_client(session: Session, name: str, **options: Any) -> Any:
        if name != "sts":
            return real(session, name, **options)
        asked.append(options)
        return Sts()

    real: Any = Session.create_client
    monkeypatch.setattr(Session, "create_client", create_client)
    client: Any = _aws.s3_client({**settings, "region": "us-east-1", "endpoints": [{"sts": "http://localhost:1"}]})
    assert client._request_signer._credentials.get_frozen_credentials().access_key == "role"  # noqa: SLF001
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_session_token": "c"}
    assert asked == [{"endpoint_url": "http://localhost:1", **keys}]


def test_the_clients_of_a_program_share_the_credentials_of_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each service of a program would assume the role once more."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    role = {"role_arn": "arn:aws:iam::1:role/deploys"}
    settings = {"region": "us-east-1", "access_key": "a", "secret_key": "b", "assume_roles": [role]}
    clients: list[Any] = [_aws.sagemaker_client(settings), _aws.object_client(dict(settings))]
    first, second = (client._request_signer._credentials for client in clients)  # noqa: SLF001 - shown nowhere else
    assert first is second


def test_a_client_of_s3_has_the_settings_and_uploads_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    searched = list(LOADER.search_paths)
    client: Any = _aws.s3_client({"profile": "mine"}, _aws.IMPATIENT)
    assert client.meta.region_name == "eu-west-3"
    assert client.meta.config.connect_timeout == 3
    assert callable(client.upload_fileobj)
    assert searched == LOADER.search_paths


def test_endpoints_of_the_same_settings_and_environment_look_for_their_region_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-west-3\n")
    sessions: list[object] = []
    make = _aws._session  # noqa: SLF001 - what takes long

    def note(settings: _aws.Settings) -> Session:
        sessions.append(settings)
        return make(settings)

    monkeypatch.setattr(_aws, "_session", note)
    mine: _aws.Settings = {"profile": "mine", "shared_config_files": [str(tmp_path / "config")]}

    assert [_aws.region(dict(mine)) for _ in range(3)] == ["eu-west-3"] * 3
    assert len(sessions) == 1
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert _aws.region(mine) == "eu-west-1"


def test_a_region_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert _aws.region({}) == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")  # the provider's first choice
    assert _aws.region({}) == "eu-west-2"
    assert _aws.region({"region": "eu-central-1"}) == "eu-central-1"
    assert _aws.region({"profile": "none", "region": "eu-central-1"}) == "eu-central-1"


def test_a_profile_that_is_not_there_is_the_providers_to_refuse() -> None:
    assert _aws.region({"profile": "none"}) is None


@pytest.mark.process
def test_the_commands_make_clients_without_loading_pulumi() -> None:
    code = "import sys, sagebridge._aws; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["logs", "cloudwatchlog", "cloudwatchlogs"])
def test_logs_are_read_where_the_provider_goes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    client: Any = _aws.logs_client({"region": "eu-west-1", "endpoints": [{name: "http://localhost:1"}]})
    assert client.meta.endpoint_url == "http://localhost:1"


def test_the_url_of_the_runtime_needs_no_profile_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://runtime.sagemaker.eu-west-1.amazonaws.com"
    assert _aws.runtime_url({"profile": "none"}, "eu-west-1") == url
    monkeypatch.setenv("AWS_PROFILE", "none")
    assert _aws.runtime_url({}, "eu-west-1") == url
