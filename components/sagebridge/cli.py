"""Provides the command `sagebridge`: one command line over the rooms."""

import atexit
import gc
from contextlib import chdir
from pathlib import Path
from typing import Any

import click

from sagebridge import __version__
from sagebridge.bridge.commands import adopt_command, export_command, outputs_command, verify_command
from sagebridge.errors import UserError
from sagebridge.local.commands import local
from sagebridge.model.commands import check_command, invoke_command, package_command, publish_command
from sagebridge.prices.commands import prices_command


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as in click
        """Runs a command; what its user can put right becomes one message and exit code 1."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=_Commands, context_settings={"show_default": True, "max_content_width": 100})
@click.version_option(__version__)
@click.option(
    "-C",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current one",
    metavar="DIRECTORY",
    help="Work in this directory, as git and make do: the Pulumi project and all relative paths are looked for there.",
)
@click.pass_context
def main(context: click.Context, directory: Path) -> None:
    """Serve models on SageMaker with Pulumi, beside Terraform.

    The commands work on the Pulumi project of the current directory.

    A command exits with 0 when all is well, with 1 when it is refused or fails, and with 2 when it is called wrongly.
    """
    context.with_resource(chdir(directory))
    atexit.register(gc.freeze)  # else Python looks for garbage in all modules, again and again, before it ends


for command in (
    *(package_command, check_command, publish_command, invoke_command),
    *(export_command, outputs_command, adopt_command, verify_command),
    prices_command,
    local,
):
    main.add_command(command)
