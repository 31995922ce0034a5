"""Makes AWS clients, and tells the shapes of AWS's services. Every room gets both from this module.

A client is made from the settings of the stack's AWS provider, so that the guards see the account that the provider
changes. What the settings leave out comes from the environment and AWS's configuration files, as it does there.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sagebridge._models import dns_suffix, service_model
from sagebridge.threads import MOST_CALLS

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

Settings = Mapping[str, Any]
"""Settings of an AWS provider: Pulumi's names of its inputs, in snake_case."""

Configuration = Mapping[str, Any]
"""The arguments of botocore's ``Config``, which is imported when a client is made."""

PATIENT: Configuration = {
    "retries": {"mode": "adaptive", "total_max_attempts": 10},
    "max_pool_connections": MOST_CALLS,
}
"""For the guards of many endpoints: a throttled AWS slows them down, and fails none of them.

Of 200 calls in 16 threads to a service that takes 10 a second, ``standard`` failed 20, as its retries share a quota of
100, and ``adaptive`` none, as it learns how many AWS takes (botocore 1.44, ``retries/quota.py`` and ``adaptive.py``).
"""

ONE_TRY: Configuration = {
    "connect_timeout": 3,
    "read_timeout": 10,
    "retries": {"total_max_attempts": 1},
    "max_pool_connections": MOST_CALLS,
}
"""For a call that something else makes again if it fails."""

IMPATIENT: Configuration = {"connect_timeout": 3, "retries": {"mode": "standard", "total_max_attempts": 3}}
"""For commands that a person waits for: at most three tries of 3 s to connect, so that they end within 15 s."""


def shapes(service: str = "sagemaker") -> Mapping[str, Any]:
    """Returns the shapes of botocore's model of a service (``service-2.json``)."""
    service_shapes: Mapping[str, Any] = service_model(service)["shapes"]
    return service_shapes


def region(settings: Settings) -> str | None:
    """Returns the region, which may come from the environment or the profile; None if nothing names one."""
    name: str | None = settings.get("region")
    return name or _region_elsewhere(*_key(settings))


@cache
def _region_elsewhere(settings: str, _environment: str) -> str | None:
    """Returns the region of the environment or the profile. Each endpoint of a fleet asks, and a session takes 4 ms."""
    from botocore.exceptions import ProfileNotFound  # noqa: PLC0415 - 0.1 s, which a known region need not spend

    with suppress(ProfileNotFound):  # the provider refuses the profile itself
        name: str | None = _session(json.loads(settings)).get_config_variable("region")
        return name
    return None


def sagemaker_client(settings: Settings, config: Configuration | None = None) -> "SageMakerClient":
    """Returns a client of SageMaker.

    Without a configuration it is the same :data:`PATIENT` client for the same settings and environment: making one
    takes longer than many of its calls.
    """
    client: SageMakerClient = _new_client("sagemaker", settings, config) if config else _shared("sagemaker", settings)
    return client


def scaling_client(settings: Settings) -> "ApplicationAutoScalingClient":
    """Returns a client of Application Auto Scaling, shared like :func:`sagemaker_client`."""
    client: ApplicationAutoScalingClient = _shared("application-autoscaling", settings)
    return client


def cloudwatch_client(settings: Settings) -> Any:  # noqa: ANN401 - its types are a package of their own
    """Returns a client of CloudWatch, shared like :func:`sagemaker_client`."""
    return _shared("cloudwatch", settings)


def s3_client(settings: Settings, config: Configuration | None = None) -> "S3Client":
    """Returns a new client of S3."""
    client: S3Client = _new_client("s3", settings, config, uploads=True)
    return client


def object_client(settings: Settings) -> "S3Client":
    """Returns a client of S3 that tries once and uploads nothing, shared like :func:`sagemaker_client`."""
    client: S3Client = _shared("s3", settings, once=True)
    return client


def keys(settings: Settings) -> dict[str, str]:
    """Returns the credentials that the settings lead to, as settings of a provider.

    The profile, the environment and AWS's configuration files are followed here once, with all that they may ask for: a
    role, a single sign-on, a process. Whoever gets the keys need not follow them in the same way.

    Raises:
        BotoCoreError: There are no credentials, or they cannot be had.
    """
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - `_session` imports it

    credentials = _session(settings).get_credentials()
    if credentials is None:
        raise NoCredentialsError
    frozen = credentials.get_frozen_credentials()
    values = {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "token": frozen.token}
    return {name: value for name, value in values.items() if value}


def runtime_client(settings: Settings, config: Configuration | None = None) -> "SageMakerRuntimeClient":
    """Returns a new client of SageMaker Runtime, which invokes endpoints."""
    client: SageMakerRuntimeClient = _new_client("sagemaker-runtime", settings, config)
    return client


def runtime_url(settings: Settings, region_name: str) -> str:
    """Returns the URL of SageMaker Runtime in a region, which the environment or the profile may set."""
    from botocore.exceptions import ProfileNotFound  # noqa: PLC0415 - 0.1 s, which other programs need not spend

    place = {name: settings[name] for name in ("profile", "shared_config_files") if name in settings}
    try:
        client = _shared("sagemaker-runtime", {**place, "region": region_name})
    except ProfileNotFound:  # the provider refuses the profile itself
        return f"https://runtime.sagemaker.{region_name}.{dns_suffix(region_name)}"
    url: str = client.meta.endpoint_url
    return url


def logs_client(settings: Settings, config: Configuration | None = None) -> Any:  # noqa: ANN401 - its types are a package of their own
    """Returns a new client of CloudWatch Logs."""
    return _new_client("logs", settings, config)


def pricing_client(settings: Settings, config: Configuration | None = None) -> Any:  # noqa: ANN401 - its types are a package of their own
    """Returns a new client of the Price List API, which has endpoints in a few regions only."""
    return _new_client("pricing", settings, config)


_ENDPOINT_NAMES = {
    "application-autoscaling": ("appautoscaling", "applicationautoscaling"),
    "logs": ("logs", "cloudwatchlog", "cloudwatchlogs"),
}
"""The provider's names of a service in its ``endpoints``, where they are not botocore's."""


def _key(settings: Settings) -> tuple[str, str]:
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return json.dumps(settings, sort_keys=True), json.dumps(environment, sort_keys=True)


_making_clients = Lock()
"""Lets a thread that wants a client which another one makes wait for it."""


def _shared(service: str, settings: Settings, *, once: bool = False) -> Any:  # noqa: ANN401 - a client of any service
    with _making_clients:
        return _shared_client(service, *_key(settings), once)


@cache
def _shared_client(service: str, settings: str, environment: str, once: bool) -> Any:  # noqa: ANN401, FBT001 - a client of any service
    make = _shared_session(settings, environment).create_client
    return _client(make, service, json.loads(settings), ONE_TRY if once else PATIENT)


@cache
def _shared_session(settings: str, _environment: str) -> "Session":
    """Returns the session of all shared clients of the settings: it takes 10 ms, and assumes their roles once."""
    parsed: Settings = json.loads(settings)
    session = _session(parsed)
    _set_up(session, parsed)
    return session


def _set_up(session: "Session", settings: Settings) -> None:
    """Lets a session read botocore's files once, and gives it the settings' credentials, with their roles assumed."""
    from sagebridge._loader import LOADER  # noqa: PLC0415 - 0.1 s, which a program without clients need not spend

    session.register_component("data_loader", LOADER)
    if credentials := _credentials(session, settings, _endpoints(settings).get("sts")):
        resolver = SimpleNamespace(load_credentials=lambda: credentials)
        session.register_component("credential_provider", resolver)


def _endpoints(settings: Settings) -> dict[str, str]:
    """Returns the URLs of services that the settings give, by the provider's names of the services."""
    return {name: url for listed in settings.get("endpoints", []) for name, url in listed.items()}


def _new_client(service: str, settings: Settings, config: Configuration | None, *, uploads: bool = False) -> Any:  # noqa: ANN401 - a client of any service
    """Returns a client with a session of its own; one of S3 may upload files."""
    session = _session(settings)
    make = _with_uploads(session) if uploads else session.create_client  # boto3 adds a folder to the loader that is set
    _set_up(session, settings)
    return _client(make, service, settings, config)


def _client(make: Callable[..., Any], service: str, settings: Settings, config: Configuration | None) -> Any:  # noqa: ANN401 - a client of any service
    """Returns a client that calls the URL that the settings give for the service.

    Args:
        make: makes the clients of a session, which has the settings' credentials.
        service: botocore's name of the service.
        settings: the settings.
        config: the arguments of botocore's ``Config``.
    """
    from botocore.config import Config  # noqa: PLC0415 - `_session` imports it

    endpoints = _endpoints(settings)
    names = _ENDPOINT_NAMES.get(service, (service,))
    url = next((endpoints[name] for name in names if endpoints.get(name)), None)
    style = {"s3": {"addressing_style": "path"}} if str(settings.get("s3_use_path_style")).lower() == "true" else {}
    return make(service, endpoint_url=url, config=Config(**{**style, **(config or {})}))


def _with_uploads(session: "Session") -> Callable[..., Any]:
    """Returns what makes a session's clients with boto3, which lets those of S3 upload files in parts."""
    from boto3.session import Session as BotoSession  # noqa: PLC0415 - 0.01 s, which other services need not spend

    make: Callable[..., Any] = BotoSession(botocore_session=session).client
    return make


def _session(settings: Settings) -> "Session":
    from botocore.session import Session  # noqa: PLC0415 - 0.1 s, which a preview without changes need not spend

    session = Session(profile=settings.get("profile"))
    for name, variable in (("shared_config_files", "config_file"), ("shared_credentials_files", "credentials_file")):
        if files := settings.get(name):
            session.set_config_variable(variable, files[0])
    if region_name := settings.get("region") or os.environ.get("AWS_REGION"):  # botocore does not look at AWS_REGION
        session.set_config_variable("region", region_name)
    return session


def _credentials(session: "Session", settings: Settings, sts_url: str | None) -> "Credentials | None":
    """Returns the credentials that the settings name, with their roles assumed; None if they name none.

    Roles form a chain: each is assumed with the credentials of the one before it. The credentials of a role are renewed
    before they expire: an update may take an hour.
    """
    from botocore import credentials as kinds  # noqa: PLC0415 - `_session` has imported it

    create_client = partial(session.create_client, endpoint_url=sts_url)
    credentials = None
    if "access_key" in settings:
        credentials = kinds.Credentials(settings["access_key"], settings["secret_key"], settings.get("token"))
    if role := settings.get("assume_role_with_web_identity"):
        web_identity = kinds.AssumeRoleWithWebIdentityCredentialFetcher(
            create_client, _web_token(role), role["role_arn"], _request(role)
        )
        credentials = kinds.DeferredRefreshableCredentials(web_identity.fetch_credentials, "assume-role")
    for role in settings.get("assume_roles", []):
        source = credentials or session.get_component("credential_provider").load_credentials()
        assumed = kinds.AssumeRoleCredentialFetcher(create_client, source, role["role_arn"], _request(role))
        credentials = kinds.DeferredRefreshableCredentials(assumed.fetch_credentials, "assume-role")
    return credentials


def _request(role: Mapping[str, str]) -> dict[str, str]:
    """Returns what is sent to STS besides the role's ARN."""
    request = {"RoleSessionName": role.get("session_name", "pulumi")}
    return request | ({"ExternalId": role["external_id"]} if "external_id" in role else {})


def _web_token(role: Mapping[str, str]) -> Callable[[], str]:
    """Returns what loads the token of a web identity. A file is read anew each time: the token in it is renewed."""
    if "web_identity_token" in role:
        return lambda: role["web_identity_token"]
    return lambda: Path(role["web_identity_token_file"]).read_text().strip()
