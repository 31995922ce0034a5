"""What the Terraform base offers, read from Terraform's own state."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from pulumi_terraform import state

from sagebridge._aws import s3_client
from sagebridge.errors import reason


class Local(NamedTuple):
    """A state file on this machine."""

    path: str


class S3(NamedTuple):
    """A state object of Terraform's S3 backend."""

    bucket: str
    key: str


class Remote(NamedTuple):
    """A workspace of HCP Terraform."""

    organization: str
    workspace: str


@dataclass(frozen=True)
class TerraformBase:
    """The base's outputs, typed; the contract with ``terraform/base/outputs.tf``."""

    bucket_name: str
    """Bucket for model archives."""
    execution_role_arn: str
    """Role that SageMaker assumes."""
    model_prefix: str
    """Prefix in the bucket that the role may read."""
    outputs: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Every output of the state, plain; those that Terraform marks ``sensitive`` are secrets (``pulumi.Output``)."""

    @classmethod
    def read(cls, location: str, region: str | None = None, secret_outputs: Collection[str] = ()) -> Self:
        """Reads the base's outputs from Terraform's state.

        Args:
            location: a path, ``s3://bucket/key``, or ``remote://organisation/workspace`` (HCP Terraform).
            region: region of the state's bucket; default is the AWS configuration's.
            secret_outputs: outputs that are secrets besides those that the state marks ``sensitive``. HCP Terraform
                does not hand the marks out, so there these are all. Default none.

        Raises:
            pulumi.RunError: there is no state, it cannot be read, or one of the base's own outputs is missing, not a
                string, or a secret.
        """
        where = parse_location(location)
        try:
            outputs = _outputs(where, region)
        except Exception as error:  # the engine has no type of its own for a failed invoke
            raise pulumi.RunError(
                f"Cannot read the Terraform base's state {location}: {reason(error)} "
                "(apply terraform/base first, or set terraformState to where its state is)"
            ) from error
        secrets = {*secret_outputs, *_sensitive(where, region, outputs)}
        own = typed_outputs(outputs, location)
        for name in sorted(secrets & own.keys()):
            raise pulumi.RunError(
                f"The output {name!r} of the Terraform state {location} must not be sensitive: "
                "it stands in clear in the names and policies of what is made of it"
            )
        kept = {name: pulumi.Output.secret(value) if name in secrets else value for name, value in outputs.items()}
        return cls(**own, outputs=kept)


def parse_location(location: str) -> Local | S3 | Remote:
    """Returns what a location means, by its form.

    Raises:
        pulumi.RunError: a URL of another kind, or one that lacks a part.
    """
    if "://" not in location:
        return Local(str(Path(location).resolve()))
    url = urlsplit(location)
    rest = url.path.strip("/")
    if url.scheme == "s3" and url.netloc and rest:
        return S3(url.netloc, rest)
    if url.scheme == "remote" and url.netloc and rest and "/" not in rest:
        return Remote(url.netloc, rest)
    raise pulumi.RunError(
        f"terraformState: {location!r} must be a path, s3://bucket/key, or remote://organisation/workspace"
    )


def typed_outputs(outputs: Mapping[str, Any], location: str) -> dict[str, str]:
    """Picks the base's outputs out of a state's.

    Raises:
        pulumi.RunError: one is missing or not a non-empty string; names it and the state.
    """
    values = {}
    for name in _own():
        value = outputs.get(name)
        if value is None:
            has = ", ".join(sorted(outputs)) or "none"
            raise pulumi.RunError(f"The Terraform state {location} has no output {name!r} (it has: {has})")
        if not isinstance(value, str) or not value:
            raise pulumi.RunError(
                f"The output {name!r} of the Terraform state {location} must be a non-empty string, "
                f"not {'an empty one' if value == '' else type(value).__name__}"  # the value may be a secret
            )
        values[name] = value
    return values


def _own() -> list[str]:
    return [known.name for known in fields(TerraformBase) if known.name != "outputs"]


def _sensitive(where: Local | S3 | Remote, region: str | None, outputs: Mapping[str, Any]) -> set[str]:
    """Returns the outputs that Terraform marks; of a state that cannot be looked into, all but the base's own.

    pulumi-terraform hands out the values alone (6.1.0, its loop over ``OutputValues``).
    """
    if isinstance(where, Remote):
        return set()
    try:
        described = json.loads(_text(where, region))["outputs"]
        return {name for name, output in described.items() if output.get("sensitive")}
    except (OSError, ValueError, LookupError, AttributeError, TypeError, BotoCoreError, ClientError):
        return set(outputs) - set(_own())


def _text(where: Local | S3, region: str | None) -> bytes:
    if isinstance(where, Local):
        return Path(where.path).read_bytes()
    text: bytes = s3_client({"region": region}).get_object(Bucket=where.bucket, Key=where.key)["Body"].read()
    return text


def _outputs(where: Local | S3 | Remote, region: str | None) -> Mapping[str, Any]:
    match where:
        case Local(path):
            return state.get_local_reference(path=path).outputs
        case S3(bucket, key):
            return state.get_s3_reference(bucket=bucket, key=key, region=region).outputs
        case Remote(organization, workspace):
            workspaces: state.WorkspacesDict = {"name": workspace}
            return state.get_remote_reference(organization=organization, workspaces=workspaces).outputs
