"""Mocks: the hooks ask AWS where the stack's provider goes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest

from components import provider
from components.sagemaker_endpoint import SageMakerEndpoint
from tests.components.conftest import Monitor
from tests.components.endpoints import args

Run = Callable[[Callable[[], object]], Monitor]


@pytest.fixture
def found(run: Run) -> Callable[..., dict[str, Any]]:
    """Returns the settings that a component sees."""

    def found(opts: Callable[[], pulumi.ResourceOptions | None] = lambda: None) -> dict[str, Any]:
        seen: list[Any] = []

        def program() -> None:
            made = SageMakerEndpoint("endpoint", args(), opts())
            provider.settings(made).apply(seen.append)

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


def test_an_explicit_providers_are_its_own_not_the_stacks(found: Callable[..., dict[str, Any]]) -> None:
    pulumi.runtime.set_config("aws:region", "eu-central-1")

    def opts() -> pulumi.ResourceOptions:
        own = aws.Provider("own", region="us-west-2", profile="mine")
        return pulumi.ResourceOptions(provider=own)

    assert found(opts) == {"region": "us-west-2", "profile": "mine"}


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


def test_a_chain_of_roles_is_assumed_one_by_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assumed: list[dict[str, Any]] = []

    class Sts:
        def assume_role(self, **given: Any) -> Any:
            assumed.append(given)
            return {"Credentials": {"AccessKeyId": "k", "SecretAccessKey": "s", "SessionToken": f"t{len(assumed)}"}}

    real = boto3.Session.client
    monkeypatch.setattr(
        boto3.Session,
        "client",
        lambda self, name, **options: Sts() if name == "sts" else real(self, name, **options),
    )
    roles = [{"role_arn": "first"}, {"role_arn": "second", "external_id": "x", "session_name": "me"}]
    provider.client({"region": "us-east-1", "assume_roles": roles})
    assert assumed == [
        {"RoleArn": "first", "RoleSessionName": "pulumi"},
        {"RoleArn": "second", "RoleSessionName": "me", "ExternalId": "x"},
    ]


def test_a_region_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert provider.region({}) == "eu-west-1"
    assert provider.region({"region": "eu-central-1"}) == "eu-central-1"
