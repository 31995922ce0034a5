"""The one exception that this room raises for what its user can put right."""

import click


class BridgeError(click.ClickException):
    """What was wrong, where, and what to do; the command line prints it and exits with 1."""
