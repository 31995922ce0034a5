"""The exception for what the user of a command can put right."""

import click


class CommandError(click.ClickException):
    """Says what was wrong, where, and what to do. The command line prints it and exits with 1."""
