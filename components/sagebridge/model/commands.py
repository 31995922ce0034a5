"""The commands `sagebridge package|check|publish|invoke`."""

from pathlib import Path

import click

from sagebridge.images.fit import misfit
from sagebridge.model import archive as archives
from sagebridge.model import check as checks
from sagebridge.model import invoke as endpoints
from sagebridge.model import publish as publishing
from sagebridge.model import stack as stacks
from sagebridge.model.contract import SAMPLE
from sagebridge.model.errors import CommandError

FILE = click.Path(dir_okay=False, path_type=Path)
MODEL = Path("build/model.joblib")
HANDLER = Path("model/inference.py")
ARCHIVE = Path("build/model.tar.gz")


@click.command()
@click.option("--model", type=FILE, default=MODEL, help="A model file.")
@click.option("--handler", type=FILE, default=HANDLER, help="The script that serves it.")
@click.option("--out", type=FILE, default=ARCHIVE, help="Where the archive goes.")
def package(model: Path, handler: Path, out: Path) -> None:
    """Write model.tar.gz, the same bytes for the same model."""
    size, sha256 = archives.package(model, handler, out)
    click.echo(f"wrote {out}\n{size} bytes\nsha256 {sha256}")


@click.command()
@click.option("--archive", type=FILE, default=ARCHIVE, help="An archive.")
@click.option("--image", help="A container image's URI that shall serve it.")
@click.option("--stack", help="A stack whose containerImage shall serve it.")
def check(archive: Path, image: str | None, stack: str | None) -> None:
    """Say all that is wrong with an archive; runs its code, needs no AWS."""
    if image and stack:
        raise click.UsageError("--image and --stack exclude each other")
    image = stacks.get_config(stack, "containerImage") if stack else image
    found = checks.check(archive, image)
    if found.versions:
        click.echo("trained with " + ", ".join(f"{name} {number}" for name, number in found.versions.items()))
    if found.answer is not None:
        click.echo(f"answers the article's sample row with {found.answer}")
    if found.problems:
        raise CommandError("\n- ".join([f"{archive} is not ready:", *found.problems]))
    click.echo(
        f"{archive} is ready" + (f" for {image}" if image else "; with --image or --stack, its image is checked too")
    )


@click.command()
@click.option("--archive", type=FILE, default=ARCHIVE, help="An archive.")
@click.option("--name", default="boston-housing", help="The model's name: a folder in the bucket.")
@click.option("--bucket", show_default="the base's", help="An S3 bucket; the key then begins with models/.")
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    default=Path("terraform/base"),
    help="The applied Terraform base.",
)
@click.option("--stack", help="A stack whose modelData is set to the archive.")
def publish(archive: Path, name: str, bucket: str | None, base: Path, stack: str | None) -> None:
    """Upload an archive; prints its URI. Never overwrites."""
    if stack:
        image = stacks.get_config(stack, "containerImage")
        if wrong := misfit(image, archives.read_versions(archive)):
            raise CommandError(f"not published for the stack {stack}: {wrong}")
    bucket, prefix = (bucket, "models") if bucket else stacks.base(base)
    uri, uploaded = publishing.publish(archive, bucket, prefix, name)
    click.echo(f"uploaded {archive}" if uploaded else f"{archive} is there already", err=True)
    click.echo(uri)
    if stack:
        stacks.set_config(stack, "modelData", uri)
        click.echo(f"set modelData of the stack {stack}", err=True)


@click.command()
@click.option("--stack", default="dev", help="A stack that is up.")
@click.option("--endpoint", show_default="the stack's", help="An endpoint's name.")
@click.option("--input", "body", default=SAMPLE, show_default="the article's sample row", help="A request, JSON.")
def invoke(stack: str, endpoint: str | None, body: str) -> None:
    """Ask an endpoint for a prediction; prints its JSON."""
    click.echo(endpoints.invoke(endpoint or stacks.get_output(stack, "endpointName"), body))
