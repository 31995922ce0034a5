"""What a user of the tools can be told."""

import click


class ToolsError(click.ClickException):
    """Something a user can mend; its message says what is wrong and what to do."""


class Unavailable(Exception):  # noqa: N818 - not an error: the next way to get the part is tried
    """A part cannot be had in one way; the message says why."""
