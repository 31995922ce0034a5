"""Mocks: the settings of a component's AWS provider, read from Pulumi."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from sagebridge import SageMakerEndpoint, _provider
from tests.endpoint.endpoints import args
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]


@pytest.fixture
def settings_of(run: Run) -> Callable[..., dict[str, Any]]:
    """Returns the settings that a component with some options sees."""

    def settings_of(make_options: Callable[[], pulumi.ResourceOptions | None] = lambda: None) -> dict[str, Any]:
        seen: list[Any] = []

        def program() -> None:
            opts = make_options()
            SageMakerEndpoint("endpoint", args(image="own:1"), opts)
            pulumi.Output.from_input(_provider.settings(opts)).apply(seen.append)

        run(program)
        return dict(seen[0])

    return settings_of


def test_the_default_providers_are_the_stacks_configuration(settings_of: Callable[..., dict[str, Any]]) -> None:
    pulumi.runtime.set_config("aws:region", "eu-central-1")
    pulumi.runtime.set_config("aws:assumeRoles", '[{"roleArn": "arn:aws:iam::1:role/deployer"}]')
    pulumi.runtime.set_config("aws:endpoints", '[{"sagemaker": "http://localhost:1"}]')
    assert settings_of() == {
        "region": "eu-central-1",
        "assume_roles": [{"role_arn": "arn:aws:iam::1:role/deployer"}],
        "endpoints": [{"sagemaker": "http://localhost:1"}],
    }


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"region": "eu-central-1", "profile": "mine", "s3UsePathStyle": "true"},
        {"skipCredentialsValidation": "true", "defaultTags": "{}", "maxRetries": "2"},
    ],
)
def test_settings_that_decide_no_more_of_a_call_than_is_known_are_whole(run: Run, config: dict[str, str]) -> None:
    assert whole_default(run, config) is not None


@pytest.mark.parametrize("name", ["useFipsEndpoint", "httpProxy", "customCaBundle", "aSettingOfTomorrow"])
def test_settings_that_may_decide_more_of_a_call_are_the_providers_alone(run: Run, name: str) -> None:
    assert whole_default(run, {name: "true", "region": "eu-central-1"}) is None


def whole_default(run: Run, config: dict[str, str]) -> object:
    for name, value in config.items():
        pulumi.runtime.set_config(f"aws:{name}", value)
    seen: list[object] = []
    run(lambda: seen.append(_provider.whole_default()))
    return seen[0]


@pytest.mark.parametrize(
    "options",
    [
        lambda provider: pulumi.ResourceOptions(provider=provider),
        lambda provider: pulumi.ResourceOptions(providers=[provider]),
        lambda provider: pulumi.ResourceOptions(providers={"aws": provider}),
        lambda provider: pulumi.ResourceOptions(
            parent=pulumi.ComponentResource("a:b:C", "parent", None, pulumi.ResourceOptions(providers=[provider]))
        ),
    ],
    ids=["provider", "list", "mapping", "parent"],
)
def test_an_explicit_providers_are_its_own_not_the_stacks(
    settings_of: Callable[..., dict[str, Any]], options: Callable[[aws.Provider], pulumi.ResourceOptions]
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

    assert settings_of(opts) == {
        "region": "us-west-2",
        "profile": "mine",
        "secret_key": "s",
        "assume_roles": [{"role_arn": "first"}, {"role_arn": "second", "external_id": "x"}],
        "shared_config_files": ["a"],
    }
