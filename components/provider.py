"""The AWS settings of a stack's provider, so that what the hooks ask AWS goes where the provider goes.

Of a default provider they are the stack's ``aws:…`` configuration. Of an explicit one they are what the engine has of
it: Pulumi's Python SDK hands out only some of its inputs.
"""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pulumi
from botocore.exceptions import ProfileNotFound

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

Settings = Mapping[str, Any]

_PLAIN = ("region", "profile", "accessKey", "secretKey", "token")
_COMPOSED = (
    "assumeRoleWithWebIdentity",
    "assumeRoles",
    "endpoints",
    "sharedConfigFiles",
    "sharedCredentialsFiles",
)
"""Those that are JSON."""


def settings(opts: pulumi.ResourceOptions | None) -> pulumi.Output[Settings]:
    """Returns the settings, in snake_case, of the AWS provider of a component with these options.

    Those of an explicit provider are unknown in the preview that would make it.
    """
    own = _explicit(opts or pulumi.ResourceOptions())
    if own is None:
        config = pulumi.Config("aws")
        return pulumi.Output.from_input({name: config.get(name) for name in (*_PLAIN, *_COMPOSED)}).apply(_parsed)
    found = pulumi.runtime.invoke_output("pulumi:pulumi:getResource", {"urn": own.urn})
    return found.apply(lambda resource: _parsed(resource["state"]))


def _explicit(opts: pulumi.ResourceOptions) -> pulumi.ProviderResource | None:
    given = opts.providers or []
    listed = [*(given.values() if isinstance(given, Mapping) else given), *([opts.provider] if opts.provider else [])]
    parents = opts.parent.get_provider("aws:sagemaker/endpoint:Endpoint") if opts.parent else None
    return next((one for one in listed if one.package == "aws"), parents)


def region(settings: Settings) -> str | None:
    """Returns the region, which may come from the environment or the profile; None if nothing says it."""
    found: str | None = settings.get("region")
    with suppress(ProfileNotFound):  # which the provider refuses
        found = found or _session(settings).region_name
    return found


def client(settings: Settings) -> "SageMakerClient":
    """Returns a SageMaker client with a provider's settings; what is not set comes from the environment, as there."""
    session, endpoints = _signed_in(settings)
    return session.client("sagemaker", endpoint_url=endpoints.get("sagemaker"))


def scaling_client(settings: Settings) -> Any:  # noqa: ANN401 - boto3-stubs are installed for what is used most
    """Returns a client of Application Auto Scaling; see :func:`client`."""
    session, endpoints = _signed_in(settings)
    url = endpoints.get("appautoscaling") or endpoints.get("applicationautoscaling")
    return session.client("application-autoscaling", endpoint_url=url)


def _signed_in(settings: Settings) -> tuple[boto3.Session, dict[str, str]]:
    """Returns a session with the roles assumed, and the services' own URLs."""
    session = _session(settings)
    endpoints = {name: url for given in settings.get("endpoints", []) for name, url in given.items()}
    if web := settings.get("assume_role_with_web_identity"):
        session = _assumed(session, web, endpoints.get("sts"))
    for role in settings.get("assume_roles", []):  # a chain: each with the credentials of the one before
        session = _assumed(session, role, endpoints.get("sts"))
    return session, endpoints


def _session(settings: Settings) -> boto3.Session:
    core = botocore.session.Session(profile=settings.get("profile"))
    for name, variable in (("shared_config_files", "config_file"), ("shared_credentials_files", "credentials_file")):
        if files := settings.get(name):
            core.set_config_variable(variable, files[0])
    return boto3.Session(
        aws_access_key_id=settings.get("access_key"),
        aws_secret_access_key=settings.get("secret_key"),
        aws_session_token=settings.get("token"),
        region_name=settings.get("region") or os.environ.get("AWS_REGION"),  # which boto3 does not look at
        botocore_session=core,
    )


def _assumed(session: boto3.Session, role: Mapping[str, str], endpoint_url: str | None) -> boto3.Session:
    sts = session.client("sts", endpoint_url=endpoint_url)
    given = {"RoleArn": role["role_arn"], "RoleSessionName": role.get("session_name", "pulumi")}
    if token := role.get("web_identity_token") or _read(role.get("web_identity_token_file")):
        keys = sts.assume_role_with_web_identity(**given, WebIdentityToken=token)["Credentials"]
    else:
        external = {"ExternalId": role["external_id"]} if "external_id" in role else {}
        keys = sts.assume_role(**given, **external)["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], session.region_name)


def _read(file: str | None) -> str | None:
    return Path(file).read_text().strip() if file else None


def _parsed(found: Mapping[str, Any]) -> Settings:
    plain = {name: found[name] for name in _PLAIN if found.get(name)}
    composed = {name: json.loads(found[name]) for name in _COMPOSED if found.get(name)}
    settings: Settings = _snake({**plain, **composed})
    return settings


def _snake(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", key): _snake(inner) for key, inner in value.items()}
    return [_snake(inner) for inner in value] if isinstance(value, list) else value
