"""Provides the command `sagebridge`: one command line over the rooms."""

import click

from sagebridge import __version__
from sagebridge.bridge.commands import adopt, export, outputs, verify
from sagebridge.local.commands import local
from sagebridge.model.commands import check_command, invoke_command, package_command, publish_command


@click.group(context_settings={"show_default": True, "max_content_width": 100})
@click.version_option(__version__)
def main() -> None:
    """Serve models on SageMaker with Pulumi, beside Terraform.

    A command exits with 0 when all is well, with 1 when it is refused or fails, and with 2 when it is called wrongly.
    """


for command in (
    *(package_command, check_command, publish_command, invoke_command),
    *(export, outputs, adopt, verify),
    local,
):
    main.add_command(command)
