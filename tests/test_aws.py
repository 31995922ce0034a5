"""Mocks: the hooks ask AWS where the stack's provider goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest
from botocore.session import Session

from sagebridge import SageMakerEndpoint
from sagebridge import _aws as provider
from tests.endpoint.endpoints import args
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]


@pytest.fixture
def found(run: Run) -> Callable[..., dict[str, Any]]:
    """Returns the settings that a component sees."""

    def found(opts: Callable[[], pulumi.ResourceOptions | None] = lambda: None) -> dict[str, Any]:
        seen: list[Any] = []

        def program() -> None:
            given = opts()
            SageMakerEndpoint("endpoint", args(), given)
            pulumi.Output.from_input(provider.settings(given)).apply(seen.append)

        run(program)
        return dict(seen[0])

    return found


def test_the_default_providers_are_the_stacks_configuration(found: Callable[..., dict[str, Any]]) -> None:
    pulumi.runtime.set_config("aws:region", "eu-central-1")
    pulumi.runtime.set_config("aws:assumeRoles", '[{"roleArn": "arn:aws:iam::1:role/deployer"}]')
    pulumi.runtime.set_config("aws:endpoints", '[{"sagemaker": "http://localhost:1"}]')
    assert found() == {
        "region": "eu-central-1",
        "assume_roles": [{"role_arn": "arn:aws:iam::1:role/deployer"}],
        "endpoints": [{"sagemaker": "http://localhost:1"}],
    }


@pytest.mark.parametrize(
    "options",
    [
        lambda own: pulumi.ResourceOptions(provider=own),
        lambda own: pulumi.ResourceOptions(providers=[own]),
        lambda own: pulumi.ResourceOptions(providers={"aws": own}),
        lambda own: pulumi.ResourceOptions(
            parent=pulumi.ComponentResource("a:b:C", "parent", None, pulumi.ResourceOptions(providers=[own]))
        ),
    ],
    ids=["provider", "list", "mapping", "parent"],
)
def test_an_explicit_providers_are_its_own_not_the_stacks(
    found: Callable[..., dict[str, Any]], options: Callable[[aws.Provider], pulumi.ResourceOptions]
) -> None:
    pulumi.runtime.set_config("aws:region", "eu-central-1")

    def opts() -> pulumi.ResourceOptions:
        return options(
            aws.Provider(
                "own",
                region="us-west-2",
                profile="mine",
                assume_roles=[{"role_arn": "first"}, {"role_arn": "second", "external_id": "x"}],
                shared_config_files=["a"],
                secret_key="s",  # noqa: S106 - nobody's
            )
        )

    assert found(opts) == {
        "region": "us-west-2",
        "profile": "mine",
        "secret_key": "s",
        "assume_roles": [{"role_arn": "first"}, {"role_arn": "second", "external_id": "x"}],
        "shared_config_files": ["a"],
    }


def test_a_client_goes_to_the_region_with_the_profile_and_the_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile mine]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    made = provider.client(
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
    given = {"region": "eu-central-1", "access_key": "a", "secret_key": "b"}
    assert provider.client(given) is provider.client(dict(given))
    assert provider.client(given) is not provider.client({**given, "region": "eu-west-1"})
    before = provider.client(given)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    assert provider.client(given).meta.endpoint_url == "http://localhost:1"
    assert before.meta.endpoint_url != "http://localhost:1"


def test_a_chain_of_roles_is_assumed_one_by_the_other_and_again_before_they_expire(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assumed: list[dict[str, Any]] = []
    expires = datetime.now(UTC) + timedelta(hours=1)
    (tmp_path / "token").write_text("web\n")

    class Sts:
        def __init__(self, key: str | None) -> None:
            self.key = key

        def assume_role(self, **given: Any) -> Any:
            assumed.append(given | ({"by": self.key} if self.key else {}))
            keys = {"AccessKeyId": given["RoleArn"], "SecretAccessKey": "s", "SessionToken": f"t{len(assumed)}"}
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
    made = provider.client({"region": "us-east-1", "assume_role_with_web_identity": web, "assume_roles": roles})
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


def test_a_region_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert provider.region({}) == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")  # the provider's first choice
    assert provider.region({}) == "eu-west-2"
    assert provider.region({"region": "eu-central-1"}) == "eu-central-1"
    assert provider.region({"profile": "none", "region": "eu-central-1"}) == "eu-central-1"


def test_a_profile_that_is_not_there_is_the_providers_to_refuse() -> None:
    assert provider.region({"profile": "none"}) is None
