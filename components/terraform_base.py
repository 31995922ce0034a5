"""What the Terraform base offers, read from Terraform's own state."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import pulumi
from pulumi_terraform import state

from components.errors import reason


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

    @classmethod
    def read(cls, location: str, region: str | None = None) -> Self:
        """Reads the base's outputs from Terraform's state.

        Args:
            location: a path, ``s3://bucket/key``, or ``remote://organisation/workspace`` (HCP Terraform).
            region: region of the state's bucket; default is the AWS configuration's.

        Raises:
            pulumi.RunError: there is no state, it cannot be read, or an output is missing or not a string.
        """
        where = parse_location(location)
        try:
            outputs = _outputs(where, region)
        except Exception as error:  # the engine has no type of its own for a failed invoke
            raise pulumi.RunError(
                f"Cannot read the Terraform base's state {location}: {reason(error)} "
                "(apply terraform/base first, or set terraformState to where its state is)"
            ) from error
        return cls(**typed_outputs(outputs, location))


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
    for field in fields(TerraformBase):
        value = outputs.get(field.name)
        if value is None:
            has = ", ".join(sorted(outputs)) or "none"
            raise pulumi.RunError(f"The Terraform state {location} has no output {field.name!r} (it has: {has})")
        if not isinstance(value, str) or not value:
            raise pulumi.RunError(
                f"The output {field.name!r} of the Terraform state {location} must be a non-empty string, "
                f"not {'an empty one' if value == '' else type(value).__name__}"  # the value may be a secret
            )
        values[field.name] = value
    return values


def _outputs(where: Local | S3 | Remote, region: str | None) -> Mapping[str, Any]:
    match where:
        case Local(path):
            return state.get_local_reference(path=path).outputs
        case S3(bucket, key):
            return state.get_s3_reference(bucket=bucket, key=key, region=region).outputs
        case Remote(organization, workspace):
            workspaces: state.WorkspacesDict = {"name": workspace}
            return state.get_remote_reference(organization=organization, workspaces=workspaces).outputs
