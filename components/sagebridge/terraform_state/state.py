"""Reads the outputs of any Terraform state into a program."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import pulumi
from pulumi_terraform import state

from sagebridge import _sdk
from sagebridge.errors import UserError
from sagebridge.state_location import LocalFile, RemoteWorkspace, S3Object, StateLocation, parse_state_location
from sagebridge.terraform_state import hcp
from sagebridge.terraform_state.fetch import fetch_file, fetch_object
from sagebridge.terraform_state.text import WrittenOutput, decoded, written_outputs
from sagebridge.terraform_state.values import Outputs


class _Look(NamedTuple):
    """What a look at a state's text has shown."""

    outputs: Mapping[str, WrittenOutput] = {}
    settings: Mapping[str, Any] = {}
    """The arguments with which pulumi-terraform reaches the same text."""


@dataclass(frozen=True)
class TerraformState:
    """What a Terraform state offers: the outputs of its root module, whatever their names and types."""

    location: str
    """Where the state is."""
    outputs: Mapping[str, Any]
    """The outputs by name, plain; those that Terraform marks ``sensitive`` are secrets (``pulumi.Output``)."""

    @classmethod
    def read(cls, location: str, region: str | None = None, secret_outputs: Collection[str] = ()) -> Self:
        """Reads the outputs of a Terraform state.

        Args:
            location: A path, ``s3://bucket/key?region=…&profile=…``, or ``remote://organisation/workspace?hostname=…``
                (HCP Terraform); what stands after the ``?`` may be left out.
            region: The region in which the state's bucket is looked for first, if the location does not say it. Default
                is the AWS configuration's.
            secret_outputs: Outputs that are secrets besides those that the state marks ``sensitive``. HCP Terraform
                does not hand the marks out, so there these are all. Default none.

        Raises:
            pulumi.RunError: The location has another form, there is no state, or it cannot be read.
        """
        if isinstance(location, pulumi.Output) or _sdk.OUTPUT_TEXT in str(location):
            raise pulumi.RunError(
                "The location of a Terraform state must be plain text, not an output: the state is read while the "
                "program runs. Take the location from the configuration"
            )
        try:
            state_location = parse_state_location(location)
            if isinstance(state_location, S3Object):
                state_location = replace(state_location, region=state_location.region or region)
            look = _look(state_location)
        except UserError as error:
            raise pulumi.RunError(str(error)) from error
        try:
            arrived = _outputs(state_location, look.settings)
        except Exception as error:  # the engine has no type of its own for a failed invoke
            detail = " ".join(str(error).split()).rsplit(" returned an error: ", maxsplit=1)[-1]
            raise pulumi.RunError(
                f"Cannot read the Terraform state {location}: {detail} "
                "(apply Terraform first, or name the place where its state is)"
            ) from error
        for name in sorted(set(secret_outputs) - arrived.keys()):
            raise pulumi.RunError(f"secret_outputs names {name!r}, which the Terraform state {location} does not have")
        sensitive = {name for name, output in look.outputs.items() if output.sensitive}
        written = {name: output.value for name, output in look.outputs.items()}
        return cls(location, Outputs(location, arrived, written, {*secret_outputs, *sensitive}))


def _look(location: StateLocation) -> _Look:
    """Looks at the text of a state, for what pulumi-terraform does not tell (6.1.0).

    It hands out the values alone, as the engine's numbers, and its errors name neither what is wrong nor what to do.
    HCP Terraform's texts are not looked at. A unit test has no state, but may have a file that stands for one.

    Raises:
        UserError: The text cannot be read, or is not a state.
    """
    match location:
        case LocalFile(path) if _sdk.runs_on_engine() or path.is_file():
            return _Look(written_outputs(decoded(fetch_file(path), location), location))
        case S3Object() if _sdk.runs_on_engine():
            content, settings = fetch_object(location)
            return _Look(written_outputs(decoded(content, location), location), settings)
        case S3Object(region=region, profile=profile):
            return _Look(settings={"region": region, "profile": profile})
        case RemoteWorkspace() if _sdk.runs_on_engine():
            return _Look(settings={"token": hcp.token(location)})
    return _Look()


def _outputs(location: StateLocation, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the outputs as they come through pulumi-terraform and the engine, which loses nulls and integers."""
    match location:
        case LocalFile(path):
            file = path.resolve()  # the plugin runs in another folder, in which it would make one for workspaces
            return state.get_local_reference(path=str(file), workspace_dir=str(file.parent)).outputs
        case S3Object(bucket, key):
            return state.get_s3_reference(bucket=bucket, key=key, **settings).outputs
        case RemoteWorkspace(organization, workspace, hostname):
            workspaces: state.WorkspacesDict = {"name": workspace}
            return state.get_remote_reference(
                hostname=hostname, organization=organization, workspaces=workspaces, **settings
            ).outputs
