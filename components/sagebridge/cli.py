"""The command `sagebridge`: one command line over the rooms."""

import click

from sagebridge import __version__
from sagebridge.bridge.commands import adopt, export, outputs, verify
from sagebridge.local.commands import local
from sagebridge.model.commands import check, invoke, package, publish


@click.group(context_settings={"show_default": True})
@click.version_option(__version__)
def main() -> None:
    """Serve models on SageMaker with Pulumi, beside Terraform."""


for command in (package, check, publish, invoke, export, outputs, adopt, verify, local):
    main.add_command(command)
