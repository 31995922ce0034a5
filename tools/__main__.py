"""``python -m tools``: what the Makefile calls.

Each command imports what it needs when it runs, so that `make up` and `make env` start quickly.
"""

import os
import secrets
import sys
from typing import Any

import click
from rich.console import Console

from sagebridge.errors import UserError
from sagebridge.local import environment as local_environment
from tools import engine, environment
from tools.errors import ToolsError

console = Console(highlight=False, soft_wrap=True)


class _Tools(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as in click
        """Runs a command; what its user can put right becomes one message and exit code 1."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise ToolsError(error.message) from error


@click.group(cls=_Tools)
def main() -> None:
    """Get the engine, and run the project's own commands on it."""


@main.command(name="engine")
@click.option("--renew", is_flag=True, help="Try to download what is there but was built, too.")
def engine_command(*, renew: bool) -> None:
    """Get every part of the engine that is not there yet."""
    engine.get_all(console, renew=renew)


@main.command(name="doctor")
def doctor_command() -> None:
    """Say which parts are used, from where, what is missing (exit 1) and what could be better."""
    from tools import doctor

    report = doctor.report()
    for line in (*report.table, *report.missing, *report.advice):
        click.echo(line)
    sys.exit(1 if report.missing else 0)


@main.command(name="browser")
def browser_command() -> None:
    """Get a headless Chromium for the tests of the console, unless there is one."""
    from tools import browser

    click.echo(browser.get(console))


@main.command(name="images")
def images_command() -> None:
    """Renew the tables of AWS's images."""
    from tools import images

    click.echo(f"The tables of AWS's images are those of {images.PACKAGE} {images.renew()}.")


@main.command(name="imports")
def imports_command() -> None:
    """Renew the table of Terraform's import IDs."""
    from tools import import_ids

    click.echo(f"The table of import IDs has {import_ids.renew()}.")


@main.command()
def env() -> None:
    """Print shell exports: eval "$(make -s env)"."""
    try:
        click.echo(environment.shell())
    except (ToolsError, UserError):
        click.echo(f"{environment.shell_without_engine()}\n{local_environment.FAILED}")
        raise


@main.command()
@click.option("--setup-seconds", type=float, default=0.0, help="What was spent on Python packages before.")
def up(setup_seconds: float) -> None:
    """Do the main job: base, model, endpoint, one prediction."""
    from tools import job

    job.up(console, setup_seconds)


@main.command()
@click.option("--force", is_flag=True, help="Go on although endpoints of others stand on the base.")
def down(*, force: bool) -> None:
    """Destroy the dev stack and the base, and stop the local AWS."""
    from tools import job

    job.down(console, force=force)


@main.command(name="stress")
def stress_command() -> None:
    """Run the tests on the engine, and the longest form of others, three times in random order on busy cores."""
    from tools import stress

    stress.run(console, "-m", "engine or stress")


@main.command(name="soak")
@click.option(
    "--seed", type=int, default=lambda: secrets.randbelow(10**6), help="Decides what happens. Default: random."
)
def soak_command(*, seed: int) -> None:
    """Run 50 endpoints for half an hour of updates, kills, faults and deletions by hand."""
    from tools import soak

    soak.run(console, soak.LONG, seed)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Run COMMAND in the environment that `make env` describes."""
    _become(command)


@main.command(name="next", context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def next_command(command: tuple[str, ...]) -> None:
    """Run COMMAND in the same environment, but with the newest Pulumi that can be built."""
    folder = engine.get_next_pulumi(console).path / "bin"
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    _become(command)


@main.command(name="terraforms")
def terraforms_command() -> None:
    """Get the other versions of Terraform and OpenTofu with which the bridge is tried."""
    engine.get_other_terraforms(console)


def _become(command: tuple[str, ...]) -> None:
    settings = environment.process_environment()
    try:
        os.execvpe(command[0], command, settings)  # noqa: S606 - no shell is wanted
    except FileNotFoundError:
        raise click.ClickException(f"{command[0]} is not on PATH") from None


if __name__ == "__main__":
    main()
