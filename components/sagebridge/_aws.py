"""The AWS settings of a stack's provider, so that what the hooks ask AWS goes where the provider goes.

Of a default provider they are the stack's ``aws:…`` configuration. Of an explicit one they are what the engine has of
it: Pulumi's Python SDK hands out only some of its inputs.
"""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from sagebridge.service_models import LOADER

if TYPE_CHECKING:
    from botocore.session import Session
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


def settings(opts: pulumi.ResourceOptions | None) -> Settings | pulumi.Output[Settings]:
    """Returns the settings, in snake_case, of the AWS provider of a component with these options.

    Those of an explicit provider are an output, unknown in the preview that would make it.
    """
    own = _explicit(opts or pulumi.ResourceOptions())
    if own is None:
        config = pulumi.Config("aws")
        return _parsed({name: config.get(name) for name in (*_PLAIN, *_COMPOSED)})
    found = pulumi.runtime.invoke_output("pulumi:pulumi:getResource", {"urn": own.urn})
    return found.apply(lambda resource: _parsed(resource["state"]))


def _explicit(opts: pulumi.ResourceOptions) -> pulumi.ProviderResource | None:
    given = opts.providers or []
    listed = [*(given.values() if isinstance(given, Mapping) else given), *([opts.provider] if opts.provider else [])]
    parents = opts.parent.get_provider("aws:sagemaker/endpoint:Endpoint") if opts.parent else None
    return next((one for one in listed if one.package == "aws"), parents)


def region(settings: Settings) -> str | None:
    """Returns the region, which may come from the environment or the profile; None if nothing says it."""
    from botocore.exceptions import ProfileNotFound  # noqa: PLC0415 - as below

    found: str | None = settings.get("region")
    with suppress(ProfileNotFound):  # which the provider refuses
        found = found or _session(settings).get_config_variable("region")
    return found


def client(settings: Settings) -> "SageMakerClient":
    """Returns a SageMaker client with a provider's settings; what is not set comes from the environment, as there.

    For the same settings and environment it is the same: making one takes longer than many of its calls.
    """
    made: SageMakerClient = _client("sagemaker", ("sagemaker",), *_key(settings))
    return made


def scaling_client(settings: Settings) -> Any:  # noqa: ANN401 - boto3-stubs are installed for what is used most
    """Returns a client of Application Auto Scaling; see :func:`client`."""
    return _client("application-autoscaling", ("appautoscaling", "applicationautoscaling"), *_key(settings))


def _key(settings: Settings) -> tuple[str, str]:
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return json.dumps(settings, sort_keys=True), json.dumps(environment, sort_keys=True)


@cache
def _client(service: str, names: tuple[str, ...], settings: str, _environment: str) -> Any:  # noqa: ANN401 - any client
    """Makes a client, with the roles assumed; the service's own URL stands under one of ``names``."""
    given = json.loads(settings)
    session = _session(given)
    endpoints = {name: url for listed in given.get("endpoints", []) for name, url in listed.items()}
    if web := given.get("assume_role_with_web_identity"):
        _assume(session, web, endpoints.get("sts"))
    for role in given.get("assume_roles", []):  # a chain: each with the credentials of the one before
        _assume(session, role, endpoints.get("sts"))
    return session.create_client(service, endpoint_url=next(filter(None, map(endpoints.get, names)), None))


def _session(settings: Settings) -> "Session":
    from botocore.session import Session  # noqa: PLC0415 - 0.1 s, which a preview without changes need not spend

    session = Session(profile=settings.get("profile"))
    session.register_component("data_loader", LOADER)
    for name, variable in (("shared_config_files", "config_file"), ("shared_credentials_files", "credentials_file")):
        if files := settings.get(name):
            session.set_config_variable(variable, files[0])
    if given := settings.get("region") or os.environ.get("AWS_REGION"):  # which botocore does not look at
        session.set_config_variable("region", given)
    if "access_key" in settings:
        session.set_credentials(settings["access_key"], settings["secret_key"], settings.get("token"))
    return session


def _assume(session: "Session", role: Mapping[str, str], endpoint_url: str | None) -> None:
    """Gives a session the credentials of a role, which are renewed before they expire: an update may take an hour."""
    from botocore import credentials  # noqa: PLC0415 - as above

    create = partial(session.create_client, endpoint_url=endpoint_url)
    given = {"RoleSessionName": role.get("session_name", "pulumi")}
    if "external_id" in role:
        given["ExternalId"] = role["external_id"]
    token, file = role.get("web_identity_token"), role.get("web_identity_token_file")
    fetcher = (
        credentials.AssumeRoleWithWebIdentityCredentialFetcher(
            create, lambda: token or Path(str(file)).read_text().strip(), role["role_arn"], given
        )
        if token or file
        else credentials.AssumeRoleCredentialFetcher(create, session.get_credentials(), role["role_arn"], given)
    )
    made = credentials.DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    session._credentials = made  # type: ignore[attr-defined]  # noqa: SLF001 - `set_credentials` takes plain ones


def _parsed(found: Mapping[str, Any]) -> Settings:
    plain = {name: found[name] for name in _PLAIN if found.get(name)}
    composed = {name: json.loads(found[name]) for name in _COMPOSED if found.get(name)}
    settings: Settings = _snake({**plain, **composed})
    return settings


def _snake(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", key): _snake(inner) for key, inner in value.items()}
    return [_snake(inner) for inner in value] if isinstance(value, list) else value
