"""The commands `sagebridge local start|stop|status|env|configure|times|fault|image|reset`."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import click

from sagebridge.errors import UserError
from sagebridge.extras import require
from sagebridge.local import FAULTS, control, environment, images
from sagebridge.local.credentials import NOT_RUNNING
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
        click.echo(NOT_RUNNING)
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


@local.group()
def configure() -> None:
    """Have your own Terraform module or Pulumi stack use the local AWS, or stop."""


_remove_option = click.option("--remove", is_flag=True, help="Take away what this command wrote.")


@configure.command(name="terraform")
@_remove_option
def configure_terraform(*, remove: bool) -> None:
    """Write an override file beside the Terraform module of the current folder.

    The module then uses the local AWS, and a state of its own for it: local.tfstate.
    """
    require("local")
    from sagebridge.local import terraform_override

    module = Path.cwd()
    again = "Run `terraform init -reconfigure`, because the module's state is now elsewhere."
    if not remove:
        path = terraform_override.configure(module)
        click.echo(f"Wrote {path}. The module uses the local AWS, with the state {terraform_override.STATE}.")
        click.echo(f'{again} In a new shell, run eval "$(sagebridge local env)" first.')
    elif terraform_override.remove(module):
        click.echo(f"Removed {module / terraform_override.FILE}. {again}")
    else:
        click.echo(f"{module} has no override file of the local AWS.")


@configure.command(name="pulumi")
@click.option("--stack", metavar="NAME", help="The stack. Default: the one that is selected.")
@_remove_option
def configure_pulumi(stack: str | None, *, remove: bool) -> None:
    """Set the configuration of a stack of the Pulumi project of the current folder.

    The stack then uses the local AWS.
    """
    from sagebridge.local import stack_settings

    if not remove:
        click.echo(f"The stack {stack_settings.configure(stack)!r} uses the local AWS.")
        click.echo('In a new shell, run eval "$(sagebridge local env)" first.')
        return
    name, had_settings = stack_settings.remove(stack)
    what = "does not use the local AWS any more" if had_settings else "has no settings of the local AWS"
    click.echo(f"The stack {name!r} {what}.")


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
@click.argument("pattern", required=False)
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]")
@click.option("--docker", is_flag=True, help="Let Docker run the images themselves.")
@click.option("--remove", is_flag=True, help="Remove what is set for PATTERN.")
@_json_option
def image(pattern: str | None, command: tuple[str, ...], *, docker: bool, remove: bool, as_json: bool) -> None:
    """Say what runs instead of an image, or show what does.

    PATTERN is a glob over the image's URI, such as '*/my-image:*'; it may leave out the registry, the tag, or both.
    COMMAND, after --, is a program that answers GET /ping and POST /invocations at $SAGEBRIDGE_PORT. What is set
    takes effect with the next deployment.
    """
    ways = sum((bool(command), docker, remove))
    if (pattern is None and ways) or (pattern is not None and ways != 1):
        raise click.UsageError("Give a PATTERN and one of: -- COMMAND, --docker, --remove. Give none to show all.")
    directory = control.default_directory()
    if pattern is not None:
        control.prepare(directory)
        if remove:
            images.remove(directory, pattern)
        else:
            images.put(directory, images.docker(pattern) if docker else images.program(pattern, command))
    substitutes = images.listed(directory)
    if as_json:
        _print_json([images.to_json(substitute) for substitute in substitutes])
        return
    width = max((len(substitute.pattern) for substitute in substitutes), default=0)
    for substitute in substitutes:
        click.echo(f"{substitute.pattern:{width}}  {substitute}")
    if not substitutes:
        click.echo("Nothing runs instead of an image.")
    if pattern is not None:
        click.echo("The next deployments use this; an endpoint that serves keeps what it has.")


@local.command()
def reset() -> None:
    """Stop the local AWS if it runs, and remove its saved state."""
    directory = control.default_directory()
    control.reset(directory)
    click.echo(f"The local AWS is stopped, and its state in {directory} is removed.")
