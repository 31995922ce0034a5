"""The AWS settings of a stack's provider, so that what the hooks ask AWS goes where the provider goes.

Of a default provider they are the stack's ``aws:…`` configuration. Of an explicit one they are what Pulumi's Python SDK
tells of it: region, profile and keys. Roles, endpoints and files that it was given are not to be had from it; there the
profile has to name them.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pulumi

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

Settings = Mapping[str, Any]

_PLAIN = ("region", "profile", "access_key", "secret_key", "token")
_COMPOSED = ("assume_roles", "endpoints", "shared_config_files", "shared_credentials_files")


def settings(resource: pulumi.Resource) -> pulumi.Output[Settings]:
    """Returns the settings of the AWS provider that a component's children use, in snake_case."""
    provider = resource.get_provider("aws:sagemaker/endpoint:Endpoint")
    if provider is None:
        config = pulumi.Config("aws")
        plain = {name: config.get(_camel(name)) for name in _PLAIN}
        composed = {name: config.get_object(_camel(name)) for name in _COMPOSED}
        return pulumi.Output.from_input({**plain, **composed}).apply(_set)
    own = {name: pulumi.get(provider, name) for name in _PLAIN}
    return pulumi.Output.from_input(own).apply(_set)


def region(settings: Settings) -> str | None:
    """Returns the region, which may come from the environment or the profile."""
    found: str | None = _session(settings).region_name
    return found


def client(settings: Settings) -> "SageMakerClient":
    """Returns a SageMaker client with a provider's settings; what is not set comes from the environment, as there."""
    session = _session(settings)
    endpoints = {name: url for given in settings.get("endpoints", []) for name, url in given.items()}
    for role in settings.get("assume_roles", []):  # a chain: each with the credentials of the one before
        session = _assumed(session, role, endpoints.get("sts"))
    return session.client("sagemaker", endpoint_url=endpoints.get("sagemaker"))


def _session(settings: Settings) -> boto3.Session:
    core = botocore.session.Session(profile=settings.get("profile"))
    for name, variable in (("shared_config_files", "config_file"), ("shared_credentials_files", "credentials_file")):
        if files := settings.get(name):
            core.set_config_variable(variable, files[0])
    return boto3.Session(
        aws_access_key_id=settings.get("access_key"),
        aws_secret_access_key=settings.get("secret_key"),
        aws_session_token=settings.get("token"),
        region_name=settings.get("region"),
        botocore_session=core,
    )


def _assumed(session: boto3.Session, role: Mapping[str, str], endpoint_url: str | None) -> boto3.Session:
    given = {"RoleArn": role["role_arn"], "RoleSessionName": role.get("session_name", "pulumi")}
    if "external_id" in role:
        given["ExternalId"] = role["external_id"]
    keys = session.client("sts", endpoint_url=endpoint_url).assume_role(**given)["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], session.region_name)


def _set(found: Mapping[str, Any]) -> Settings:
    return {name: _snake(value) for name, value in found.items() if value}


def _snake(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", key): _snake(inner) for key, inner in value.items()}
    return [_snake(inner) for inner in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
