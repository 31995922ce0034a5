"""The commands `sagebridge local start|stop|status|reset|times|fault`."""

from __future__ import annotations

import functools
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import click

from sagebridge.extras import require
from sagebridge.local import FAULTS, LocalError, control
from sagebridge.local.times import Times

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_RUNNING = 3  # exit status of `status`


def _reported(command: Callable[..., None]) -> Callable[..., None]:
    """Show a problem that the user can put right as one message."""

    @functools.wraps(command)
    def call(**options: object) -> None:
        try:
            command(**options)
        except LocalError as problem:
            raise click.ClickException(str(problem)) from None

    return call


@click.group()
def local() -> None:
    """Run AWS on this machine.

    It serves S3, IAM, CloudWatch and SageMaker endpoints that really predict.
    """


@local.command()
@_reported
def start() -> None:
    """Start the local AWS in the background and wait until it answers."""
    require("local")
    directory = control.default_directory()
    running, before = control.start(directory)
    word = "is already running" if before else "runs"
    click.echo(f"The local AWS {word} at {running.url} (process {running.pid}).")
    click.echo(f"Log: {control.log_file(directory)}")
    click.echo('To use it from this shell: eval "$(make -s env)"')


@local.command()
@_reported
def stop() -> None:
    """Stop the local AWS; its state stays for the next start."""
    ended = control.stop(control.default_directory())
    click.echo("The local AWS is stopped." if ended else "The local AWS was not running.")


@local.command()
@_reported
def status() -> None:
    """Say whether the local AWS runs: exit status 0 if so, 3 if not."""
    directory = control.default_directory()
    control.prepare(directory)
    running = control.find(directory)
    if running is None:
        click.echo("The local AWS is not running. Start it with: sagebridge local start")
        sys.exit(NOT_RUNNING)
    click.echo(f"The local AWS runs at {running.url} (process {running.pid}).")
    click.echo(f"Endpoints: {running.endpoints}, buckets: {running.buckets}. Log: {control.log_file(directory)}")


def _time_options(command: Callable[..., None]) -> Callable[..., None]:
    for field in reversed(fields(Times)):
        what = "AWS's seconds that pass in one" if field.name == "pace" else "seconds"
        command = click.option(f"--{field.name.replace('_', '-')}", type=float, metavar="NUMBER", help=what)(command)
    return command


@local.command()
@_time_options
@_reported
def times(**members: float | None) -> None:
    """Show how long things take, after setting what the options name: seconds of a status at least, and the pace."""
    asked = {name: value for name, value in members.items() if value is not None}
    for name, value in control.set_times(control.default_directory(), **asked).items():
        click.echo(f"{name.replace('_', '-'):14}{value:g}")


@local.command(
    help="Have something go wrong, or show what does.\n\n\b\n"  # click: keep the lines that follow
    + "".join(f"{kind:10}{what}\n" for kind, what in {**FAULTS, "clear": "nothing goes wrong any more"}.items())
)
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--operation", metavar="NAME", help="Strike only this operation, such as UpdateEndpoint.")
@click.option("--endpoint", metavar="NAME", help="Strike only this endpoint.")
@click.option("--seconds", type=float, metavar="NUMBER", help="How long latency and slow take. Default: 5.")
@click.option("--times", type=int, metavar="NUMBER", help="How often it strikes. Default: until cleared.")
@_reported
def fault(kind: str | None, **members: str | float | None) -> None:
    """Have something go wrong, or show what does."""
    directory = control.default_directory()
    asked = {name: value for name, value in members.items() if value is not None}
    if kind == "clear":
        control.clear_faults(directory)
    elif kind is not None:
        control.fault(directory, kind, **asked)
    found = control.faults(directory)
    for one in found:
        given = {name: value for name, value in one.items() if name != "kind" and value is not None}
        click.echo(f"{one['kind']:10}{', '.join(f'{name} {value}' for name, value in given.items())}")
    if not found:
        click.echo("Nothing goes wrong.")


@local.command()
@_reported
def reset() -> None:
    """Stop the local AWS if it runs, and remove its saved state."""
    directory = control.default_directory()
    control.reset(directory)
    click.echo(f"The local AWS is stopped, and its state in {directory} is removed.")
