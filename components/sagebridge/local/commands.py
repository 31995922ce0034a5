"""The commands `sagebridge local start|stop|status|env|times|fault|reset`."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, fields

import click

from sagebridge.errors import UserError
from sagebridge.local import FAULTS, control, environment
from sagebridge.local.times import Times

_EXIT_NOT_RUNNING = 3
"""The exit status of `status` when the local AWS does not run."""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print_json(content: object) -> None:
    click.echo(json.dumps(content, indent=2))


@click.group()
def local() -> None:
    """Run AWS on this machine.

    It serves S3, IAM, CloudWatch and SageMaker endpoints that really predict.
    """


@local.command()
def start() -> None:
    """Start the local AWS in the background and wait until it answers."""
    directory = control.default_directory()
    running, ran_before = control.start(directory)
    verb = "is already running" if ran_before else "runs"
    click.echo(f"The local AWS {verb} at {running.url} (process {running.pid}).")
    click.echo(f"Log: {control.log_file(directory)}")
    click.echo('To use it from this shell: eval "$(sagebridge local env)"')


@local.command()
def stop() -> None:
    """Stop the local AWS; its state stays for the next start."""
    ran = control.stop(control.default_directory())
    click.echo("The local AWS is stopped." if ran else "The local AWS was not running.")


@local.command()
@_json_option
def status(*, as_json: bool) -> None:
    """Say whether the local AWS runs: exit status 0 if so, 3 if not."""
    directory = control.default_directory()
    control.prepare(directory)
    running = control.find(directory)
    if as_json:
        description = asdict(running) if running else {}
        _print_json({"running": running is not None, "directory": str(directory), **description})
    elif running:
        click.echo(f"The local AWS runs at {running.url} (process {running.pid}).")
        click.echo(f"Endpoints: {running.endpoints}, buckets: {running.buckets}. Log: {control.log_file(directory)}")
    else:
        click.echo(control.NOT_RUNNING)
    if running is None:
        sys.exit(_EXIT_NOT_RUNNING)


@local.command()
@_json_option
def env(*, as_json: bool) -> None:
    """Print the shell commands with which aws, boto3, Terraform and Pulumi reach the local AWS.

    Use it as: eval "$(sagebridge local env)"
    """
    directory = control.default_directory()
    settings = environment.settings(directory)
    if as_json:
        control.prepare(directory)
        _print_json({"set": settings, "unset": environment.unset()})
        return
    click.echo(environment.shell(settings))
    try:
        control.prepare(directory)
    except UserError:
        click.echo(environment.FAILED)
        raise


def _time_options(command: Callable[..., None]) -> Callable[..., None]:
    for field in reversed(fields(Times)):
        meaning = "AWS's seconds that pass in a second." if field.name == "pace" else "Seconds."
        command = click.option(f"--{_option(field.name)}", type=float, metavar="NUMBER", help=meaning)(command)
    return command


def _option(name: str) -> str:
    return name.replace("_", "-")


@local.command()
@_time_options
@_json_option
def times(*, as_json: bool, **members: float | None) -> None:
    """Show how long things take, after setting what the options name.

    The times are the least seconds of a status, and the pace of the clock.
    """
    changes = {name: value for name, value in members.items() if value is not None}
    current = control.set_times(control.default_directory(), **changes)
    if as_json:
        _print_json(current)
        return
    for name, value in current.items():
        click.echo(f"{_option(name):14}{value:g}")


@local.command(
    help="Have something go wrong, or show what does.\n\n\b\n"  # click: keep the lines that follow
    + "".join(f"{kind:10}{meaning}\n" for kind, meaning in {**FAULTS, "clear": "nothing goes wrong any more"}.items())
)
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--operation", metavar="NAME", help="Strike only this operation, such as UpdateEndpoint.")
@click.option("--endpoint", metavar="NAME", help="Strike only this endpoint.")
@click.option("--seconds", type=float, metavar="NUMBER", help="How long latency and slow take. Default: 5.")
@click.option("--times", type=int, metavar="NUMBER", help="How often it strikes. Default: until cleared.")
@_json_option
def fault(kind: str | None, *, as_json: bool, **members: str | float | None) -> None:
    """Adds a fault, removes all, or shows those that there are."""
    directory = control.default_directory()
    asked = {name: value for name, value in members.items() if value is not None}
    if kind == "clear":
        control.clear_faults(directory)
    elif kind is not None:
        control.fault(directory, kind, **asked)
    faults = control.faults(directory)
    if as_json:
        _print_json(faults)
        return
    for active in faults:
        details = [f"{name} {value}" for name, value in active.items() if name != "kind" and value is not None]
        click.echo(f"{active['kind']:10}{', '.join(details)}")
    if not faults:
        click.echo("Nothing goes wrong.")


@local.command()
def reset() -> None:
    """Stop the local AWS if it runs, and remove its saved state."""
    directory = control.default_directory()
    control.reset(directory)
    click.echo(f"The local AWS is stopped, and its state in {directory} is removed.")
