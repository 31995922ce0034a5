"""The commands `sagebridge package|check|publish|invoke`.

Each imports what it needs when it runs, so that `sagebridge --help` starts quickly.
"""

import json
from pathlib import Path

import click

from sagebridge.errors import UserError
from sagebridge.extras import require
from sagebridge.model.contract import HANDLER, SAMPLE
from sagebridge.model.contract import JSON as MIME_JSON
from sagebridge.project import find_project, title

FILE = click.Path(dir_okay=False, path_type=Path)
ARCHIVE = click.option(
    "--archive", type=FILE, default=Path("build/model.tar.gz"), help="The archive that `sagebridge package` wrote."
)
IMAGE = "containerImage"
"""The key of a stack's configuration that names the image, if its program has it there."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a machine.")


@click.command(name="package")
@click.option("--model", type=FILE, default=Path("build/model.joblib"), help="The model, written by joblib.")
@click.option("--handler", type=FILE, default=Path("model") / HANDLER, help="The script that serves the model.")
@click.option("--out", type=FILE, default=Path("build/model.tar.gz"), help="The archive to write.")
@JSON
def package_command(model: Path, handler: Path, out: Path, *, as_json: bool) -> None:
    """Write an archive of a model and its handler.

    The same model and handler always give the same bytes.
    """
    require("model")
    from sagebridge.model.archive import package

    size, sha256 = package(model, handler, out)
    if as_json:
        click.echo(json.dumps({"archive": str(out), "size": size, "sha256": sha256}))
        return
    click.echo(f"wrote {out}\n{size} bytes\nsha256 {sha256}")


@click.command(name="check")
@ARCHIVE
@click.option("--image", help="The URI of the container image that will serve the archive.")
@click.option("--stack", help="A stack whose containerImage will serve the archive.")
@JSON
def check_command(archive: Path, image: str | None, stack: str | None, *, as_json: bool) -> None:
    """Check an archive before it is published.

    Names everything that is wrong with it. Runs the code in the archive, and needs no AWS.
    """
    if image and stack:
        raise click.UsageError("--image and --stack exclude each other")
    require("model")
    from sagebridge.model.check import check
    from sagebridge.model.stack import get_config

    if stack:
        click.echo(title(stack), err=True)
        image = get_config(stack).get(IMAGE)
        if not image:
            raise UserError(f"the stack {stack} has no {IMAGE}: name the image with --image")
    findings = check(archive, image)
    if as_json:
        click.echo(json.dumps(findings._asdict()))
        raise SystemExit(1 if findings.problems else 0)
    if findings.versions:
        click.echo("trained with " + ", ".join(f"{name} {number}" for name, number in findings.versions.items()))
    if findings.answer is not None:
        click.echo(f"answers the article's sample row with {findings.answer}")
    if findings.problems:
        raise UserError("\n- ".join([f"{archive} is not ready:", *findings.problems]))
    click.echo(
        f"{archive} is ready" + (f" for {image}" if image else "; with --image or --stack, its image is checked too")
    )


@click.command(name="publish")
@ARCHIVE
@click.option(
    "--name", show_default="the project's name", help="The model's name, which becomes a folder in the bucket."
)
@click.option("--stack", help="A stack of the project, whose modelData is set to the published archive.")
@click.option("--bucket", show_default="that of the stack's terraformState", help="An S3 bucket.")
@click.option("--prefix", show_default="models, with --bucket", help="What the archive's key begins with.")
@JSON
def publish_command(
    archive: Path, name: str | None, stack: str | None, bucket: str | None, prefix: str | None, *, as_json: bool
) -> None:
    """Upload an archive to S3, under its own hash.

    The bucket and the prefix are those of the Terraform base that the stack's terraformState names, or of --bucket.

    Prints the archive's URI. Never overwrites an object.
    """
    if prefix and not bucket:
        raise click.UsageError("--prefix goes with --bucket")
    from sagebridge.containers.fit import misfit
    from sagebridge.model.archive import read_versions
    from sagebridge.model.base import Base, read_base
    from sagebridge.model.publish import publish
    from sagebridge.model.stack import get_config, set_config

    config = {}
    if stack:
        click.echo(title(stack), err=True)
        config = get_config(stack)
        if (image := config.get(IMAGE)) and (problem := misfit(image, read_versions(archive))):
            raise UserError(f"not published for the stack {stack}: {problem}")
    if bucket:
        base = Base(bucket, prefix or "models")
    elif stack:
        base = read_base(stack, config)
    else:
        raise click.UsageError("either --stack or --bucket must say which bucket the archive goes to")
    published = publish(archive, base.bucket, base.prefix, name or _project_name())
    if as_json:
        click.echo(json.dumps(published._asdict()))
    else:
        click.echo(f"uploaded {archive}" if published.uploaded else f"{archive} is there already", err=True)
        click.echo(published.uri)
    if stack:
        set_config(stack, "modelData", published.uri)
        click.echo(f"set modelData of the stack {stack}", err=True)


def _project_name() -> str:
    try:
        return find_project().name
    except UserError as error:
        raise UserError(f"{error.message}; or name the model with --name") from error


@click.command(name="invoke")
@click.option("--stack", default="dev", help="A stack that is up.")
@click.option("--endpoint", show_default="the stack's", help="The endpoint's name.")
@click.option(
    "--input",
    "content",
    metavar="TEXT|@FILE|-",
    default=SAMPLE,
    show_default="the article's sample row",
    help="The request: a text, @FILE, or - for standard input; for an asynchronous endpoint also an s3:// URL.",
)
@click.option(
    "--content-type",
    show_default="that of the file's name, or application/json",
    help="The MIME type of the request.",
)
@click.option("--accept", default=MIME_JSON, help="The MIME type that the answer should have.")
@click.option(
    "--target-model", help="A model of a multi-model endpoint: its archive's path below the endpoint's prefix."
)
@click.option("--target-variant", show_default="by weight", help="A variant of the endpoint.")
@click.option("--target-container", help="The host name of a container that is invoked directly.")
@click.option("--stream", is_flag=True, help="Print the answer as it comes, part by part.")
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(min=0),
    default=900,
    help="How many seconds to wait for an asynchronous endpoint's answer.",
)
@click.option("--out", type=FILE, show_default="standard output", help="A file for the answer.")
def invoke_command(
    *,
    stack: str,
    endpoint: str | None,
    content: str,
    content_type: str | None,
    accept: str,
    target_model: str | None,
    target_variant: str | None,
    target_container: str | None,
    seconds: float,
    out: Path | None,
    stream: bool,
) -> None:
    """Ask an endpoint for a prediction.

    Prints the answer; a binary one only to a file or a pipe. Waits for the answer of an asynchronous endpoint.

    Needs the right to invoke the endpoint. It describes the endpoint, to see whether it is asynchronous, and reads its
    log, for the reason of a failure, where it has the rights: sagemaker:DescribeEndpoint and logs:FilterLogEvents.
    """
    from sagebridge.model.answer import write_answer
    from sagebridge.model.content import content_type_of
    from sagebridge.model.invoke import invoke
    from sagebridge.model.stack import get_output

    members = {
        "ContentType": content_type_of(content) if content_type is None else content_type,
        "Accept": accept,
        "TargetModel": target_model,
        "TargetVariant": target_variant,
        "TargetContainerHostname": target_container,
    }
    if not endpoint:
        click.echo(title(stack), err=True)
        endpoint = get_output(stack, "endpointName")
    chosen = {name: value for name, value in members.items() if value is not None}
    write_answer(invoke(endpoint, content, chosen, stream=stream, seconds=seconds), out)
