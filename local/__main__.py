"""The command line: `python -m local start|stop|status|reset`."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

import click

from local import LocalError, control

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_RUNNING = 3  # exit status of `status`


def _reported(command: Callable[[], None]) -> Callable[[], None]:
    """Show a problem that the user can put right as one message."""

    @functools.wraps(command)
    def call() -> None:
        try:
            command()
        except LocalError as problem:
            raise click.ClickException(str(problem)) from None

    return call


@click.group()
def main() -> None:
    """AWS on this machine: S3, IAM and SageMaker endpoints that really predict."""


@main.command()
@_reported
def start() -> None:
    """Start the local AWS in the background and wait until it answers."""
    directory = control.default_directory()
    running, before = control.start(directory)
    word = "is already running" if before else "runs"
    click.echo(f"The local AWS {word} at {running.url} (process {running.pid}).")
    click.echo(f"Log: {control.log_file(directory)}")
    click.echo('To use it from this shell: eval "$(make -s env)"')


@main.command()
@_reported
def stop() -> None:
    """Stop the local AWS; its state stays for the next start."""
    ended = control.stop(control.default_directory())
    click.echo("The local AWS is stopped." if ended else "The local AWS was not running.")


@main.command()
@_reported
def status() -> None:
    """Say whether the local AWS runs: exit status 0 if so, 3 if not."""
    directory = control.default_directory()
    control.prepare(directory)
    running = control.find(directory)
    if running is None:
        click.echo("The local AWS is not running. Start it with: python -m local start")
        sys.exit(NOT_RUNNING)
    click.echo(f"The local AWS runs at {running.url} (process {running.pid}).")
    click.echo(f"Endpoints: {running.endpoints}, buckets: {running.buckets}. Log: {control.log_file(directory)}")


@main.command()
@_reported
def reset() -> None:
    """Stop the local AWS if it runs, and remove its saved state."""
    directory = control.default_directory()
    control.reset(directory)
    click.echo(f"The local AWS is stopped, and its state in {directory} is removed.")


if __name__ == "__main__":
    main(prog_name="python -m local")
