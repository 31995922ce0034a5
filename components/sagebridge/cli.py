"""The command `sagebridge`: one command line over the rooms."""

from typing import Any

import click

from sagebridge import __version__
from sagebridge.bridge.commands import adopt_command, export_command, outputs_command, verify_command
from sagebridge.errors import UserError
from sagebridge.local.commands import local
from sagebridge.model.commands import check, invoke, package, publish


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as in click
        """Runs a command; what its user can put right becomes one message and exit code 1."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=_Commands, context_settings={"show_default": True})
@click.version_option(__version__)
def main() -> None:
    """Serve models on SageMaker with Pulumi, beside Terraform."""


for command in (
    *(package, check, publish, invoke),
    *(export_command, outputs_command, adopt_command, verify_command),
    local,
):
    main.add_command(command)
