"""``python -m tools``: what the Makefile calls."""

import os
import sys

import click
from rich.console import Console

from tools import browser, doctor, engine, environment, images, job

console = Console(highlight=False, soft_wrap=True)


@click.group()
def main() -> None:
    """Get the engine, and run the project's own commands on it."""


@main.command(name="engine")
def engine_command() -> None:
    """Get every part of the engine that is not there yet."""
    engine.get_all(console)


@main.command(name="doctor")
def doctor_command() -> None:
    """Say which parts are used, from where, and what is missing (exit 1)."""
    table, missing = doctor.table()
    console.print(table)
    for line in missing:
        console.print(line)
    sys.exit(1 if missing else 0)


@main.command(name="browser")
def browser_command() -> None:
    """Get a headless Chromium for the tests of the console, unless there is one."""
    click.echo(browser.get(console))


@main.command(name="images")
def images_command() -> None:
    """Renew the tables of AWS's images."""
    click.echo(f"The tables of AWS's images are those of {images.PACKAGE} {images.renew()}.")


@main.command()
def env() -> None:
    """Print shell exports: eval "$(make -s env)"."""
    click.echo(environment.shell())


@main.command()
@click.option("--setup-seconds", type=float, default=0.0, help="What was spent on Python packages before.")
def up(setup_seconds: float) -> None:
    """Do the main job: base, model, endpoint, one prediction."""
    job.up(console, setup_seconds)


@main.command()
def down() -> None:
    """Destroy the dev stack and the base, and stop the local AWS."""
    job.down(console)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Run COMMAND in the environment that `make env` describes."""
    settings = environment.process_environment()
    try:
        os.execvpe(command[0], command, settings)  # noqa: S606 - no shell is wanted
    except FileNotFoundError:
        raise click.ClickException(f"{command[0]} is not on PATH") from None


if __name__ == "__main__":
    main()
