"""Reads the settings of a component's AWS provider from Pulumi, so that the guards ask AWS where the provider goes.

The settings of a default provider are the stack's ``aws:…`` configuration. Those of an explicit provider are what the
engine has of it, as Pulumi's Python SDK hands out only some of its inputs.
"""

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pulumi

from sagebridge import _sdk
from sagebridge._aws import Settings

_PLAIN = ("region", "profile", "accessKey", "secretKey", "token", "s3UsePathStyle")
_COMPOSED = (
    "assumeRoleWithWebIdentity",
    "assumeRoles",
    "endpoints",
    "sharedConfigFiles",
    "sharedCredentialsFiles",
)
"""The settings that Pulumi keeps as JSON."""
_NOT_FOR_CALLS = (
    *("allowedAccountIds", "defaultTags", "forbiddenAccountIds", "ignoreTags", "maxRetries", "retryMode"),
    *("skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId"),
)
"""The settings that do not change where a call goes, or who makes it."""
_ASKS_NOTHING = "aws:index/getPartition:getPartition"
"""A function of the provider that calls nobody: the partition follows from the region."""


def settings(opts: pulumi.ResourceOptions | None) -> Settings | pulumi.Output[Settings]:
    """Returns the settings, in snake_case, of the AWS provider of a component with these options.

    Those of an explicit provider are an output, which is unknown in the preview that would make the provider.
    """
    provider = _explicit(opts or pulumi.ResourceOptions())
    if provider is not None:
        return _sdk.engine_state(provider).apply(_parsed)
    return default()


def default() -> Settings:
    """Returns the settings of the stack's default AWS provider."""
    config = pulumi.Config("aws")
    return _parsed({name: config.get(name) for name in (*_PLAIN, *_COMPOSED)})


def start_default() -> None:
    """Lets the engine start the default provider at once, which takes 0.2 s, while the program is declared.

    By itself it does so for the first resource of AWS, and that waits until the archive has been read. If the provider
    cannot be started, the engine says so for that resource.
    """
    _sdk.begin_to_invoke(_ASKS_NOTHING, version("pulumi-aws"))


def whole_default() -> Settings | None:
    """Returns the settings of the default provider if they say all of how it calls AWS.

    Others, such as ``httpProxy`` or ``useFipsEndpoint``, hold for the provider alone.
    """
    others = {*_sdk.configuration_keys("aws")} - {*_PLAIN, *_COMPOSED, *_NOT_FOR_CALLS}
    return None if others else default()


def _explicit(opts: pulumi.ResourceOptions) -> pulumi.ProviderResource | None:
    """Returns the AWS provider that the options name, or else the one that the parent has."""
    listed = opts.providers or []
    providers = [*(listed.values() if isinstance(listed, Mapping) else listed)]
    if opts.provider:
        providers.append(opts.provider)
    inherited = opts.parent.get_provider("aws:sagemaker/endpoint:Endpoint") if opts.parent else None
    return next((provider for provider in providers if provider.package == "aws"), inherited)


def _parsed(inputs: Mapping[str, Any]) -> Settings:
    """Returns settings from the inputs of a provider, of which some are JSON."""
    plain = {name: inputs[name] for name in _PLAIN if inputs.get(name)}
    composed = {name: json.loads(inputs[name]) for name in _COMPOSED if inputs.get(name)}
    parsed: Settings = _snake({**plain, **composed})
    return parsed


def _snake(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {
            re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key): _snake(inner)
            for key, inner in value.items()
        }
    return [_snake(inner) for inner in value] if isinstance(value, list) else value
