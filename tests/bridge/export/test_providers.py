"""Providers become Terraform's: settings are carried, credentials are not."""

from sagebridge.bridge.export.providers import Provider, translate_providers
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.stack.state import StackResource
from tests.bridge import states


def provider(name: str, **inputs: object) -> StackResource:
    return StackResource(
        f"urn:pulumi:s::p::pulumi:providers:aws::{name}", "pulumi:providers:aws", id=name, inputs=inputs
    )


def translated(*resources: StackResource) -> dict[str, Provider]:
    providers = translate_providers(resources, states.provider_mapping().provider)
    return {urn.rpartition("::")[2]: provider for urn, provider in providers.items()}


def test_providers_with_the_same_settings_are_one() -> None:
    providers = translated(provider("default_7_51_1", region="a", version="7.51.1"), provider("default", region="a"))
    assert {item.alias for item in providers.values()} == {None}
    assert translated(provider("only", region="a"))["only"].alias is None


def test_of_several_providers_the_default_one_has_no_alias() -> None:
    providers = translated(
        provider("my-own", region="b"), provider("default_7_51_1", region="a"), provider("my.own", region="c")
    )
    assert {name: item.alias for name, item in providers.items()} == {
        "default_7_51_1": None,
        "my-own": "my_own",
        "my.own": "my_own_2",
    }


def test_settings_are_carried_and_credentials_are_not() -> None:
    (carried,) = translated(
        provider(
            "default",
            region="a",
            accessKey="hidden",
            token=Secret("hidden"),
            skipCredentialsValidation="true",
            maxRetries="2",
            defaultTags='{"tags":{"team":"ml"}}',
            assumeRoles='[{"roleArn":"r","externalId":"e"}]',
            assumeRoleWithWebIdentity='{"roleArn":"r","webIdentityToken":"hidden"}',
            __internal={},
            nothing="x",
        )
    ).values()
    assert carried.region == "a"
    assert carried.default_tags == {"team": "ml"}
    assert carried.settings["skip_credentials_validation"] is True
    assert carried.settings["max_retries"] == 2
    assert [omission.path for omission in carried.omissions] == [
        *("nothing", "access_key", "token", "assume_role_with_web_identity.web_identity_token"),
    ]
    assert "hidden" not in repr(carried)
