"""What the Terraform base offers, read from Terraform's own state."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from pulumi_terraform import state

from sagebridge._aws import s3_client
from sagebridge.errors import UserError, reason
from sagebridge.state_location import LocalFile, RemoteWorkspace, S3Object, StateLocation, parse_state_location


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
            location: a path, ``s3://bucket/key?region=…&profile=…``, or ``remote://organisation/workspace?hostname=…``
                (HCP Terraform); what stands after the ``?`` may be left out.
            region: region of the state's bucket where the location does not say it; default is the AWS configuration's.
            secret_outputs: outputs that are secrets besides those that the state marks ``sensitive``. HCP Terraform
                does not hand the marks out, so there these are all. Default none.

        Raises:
            pulumi.RunError: the location has another form, there is no state, it cannot be read, or one of the base's
                own outputs is missing, not a string, or a secret.
        """
        try:
            state_location = parse_state_location(location)
        except UserError as error:
            raise pulumi.RunError(f"Cannot read the Terraform base's state: {error}") from error
        if isinstance(state_location, S3Object):
            state_location = replace(state_location, region=state_location.region or region)
        try:
            outputs = _outputs(state_location)
        except Exception as error:  # the engine has no type of its own for a failed invoke
            raise pulumi.RunError(
                f"Cannot read the Terraform base's state {location}: {reason(error)} "
                "(apply terraform/base first, or set terraformState to where its state is)"
            ) from error
        secrets = {*secret_outputs, *_sensitive(state_location, outputs)}
        base_outputs = typed_outputs(outputs, location)
        for name in sorted(secrets & base_outputs.keys()):
            raise pulumi.RunError(
                f"The output {name!r} of the Terraform state {location} must not be sensitive: "
                "it stands in clear in the names and policies of what is made of it"
            )
        kept = {name: pulumi.Output.secret(value) if name in secrets else value for name, value in outputs.items()}
        return cls(**base_outputs, outputs=kept)


def typed_outputs(outputs: Mapping[str, Any], location: str) -> dict[str, str]:
    """Picks the base's outputs out of a state's.

    Raises:
        pulumi.RunError: one is missing or not a non-empty string; names it and the state.
    """
    values = {}
    for name in _base_output_names():
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


def _base_output_names() -> list[str]:
    return [base_field.name for base_field in fields(TerraformBase) if base_field.name != "outputs"]


def _sensitive(location: StateLocation, outputs: Mapping[str, Any]) -> set[str]:
    """Returns the outputs that Terraform marks; of a state that cannot be looked into, all but the base's own.

    pulumi-terraform hands out the values alone (6.1.0, its loop over ``OutputValues``).
    """
    if isinstance(location, RemoteWorkspace):
        return set()
    try:
        described = json.loads(_text(location))["outputs"]
        return {name for name, output in described.items() if output.get("sensitive")}
    except (OSError, ValueError, LookupError, AttributeError, TypeError, BotoCoreError, ClientError):
        return set(outputs) - set(_base_output_names())


def _text(location: LocalFile | S3Object) -> bytes:
    if isinstance(location, LocalFile):
        return location.path.read_bytes()
    client = s3_client({"region": location.region, "profile": location.profile})
    text: bytes = client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
    return text


def _outputs(location: StateLocation) -> Mapping[str, Any]:
    match location:
        case LocalFile(path):
            return state.get_local_reference(path=str(path.resolve())).outputs  # the plugin runs in another folder
        case S3Object(bucket, key, region, profile):
            return state.get_s3_reference(bucket=bucket, key=key, region=region, profile=profile).outputs
        case RemoteWorkspace(organization, workspace, hostname):
            workspaces: state.WorkspacesDict = {"name": workspace}
            return state.get_remote_reference(
                hostname=hostname, organization=organization, workspaces=workspaces
            ).outputs
