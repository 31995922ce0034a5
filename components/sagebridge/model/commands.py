"""The commands `sagebridge package|check|publish|invoke`.

Each imports what it needs when it runs, so that `sagebridge --help` starts quickly.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from sagebridge.errors import UserError
from sagebridge.extras import require
from sagebridge.model.contract import HANDLER, MODEL, SAMPLE, Request
from sagebridge.model.contract import JSON as MIME_JSON
from sagebridge.project import find_project, title

if TYPE_CHECKING:
    from sagebridge.model.check import Findings

FILE = click.Path(dir_okay=False, path_type=Path)
ANY = click.Path(path_type=Path)
MODEL_FILE, HANDLER_FILE = Path("build") / MODEL, Path("model") / HANDLER
ARCHIVE = click.option(
    "--archive", type=FILE, default=Path("build/model.tar.gz"), help="The archive that `sagebridge package` wrote."
)
IMAGE = "containerImage"
"""The key of a stack's configuration that names the image, if its program has it there."""
MODEL_DATA = "modelData"
"""The key of a stack's configuration that names the archive."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a machine.")


@click.command(name="package")
@click.option(
    "--model",
    type=ANY,
    show_default=f"{MODEL_FILE}; with --handler, no model if there is no such file",
    help="The model: a file, or a folder whose files are the model.",
)
@click.option(
    "--handler",
    type=FILE,
    show_default=str(HANDLER_FILE),
    help=f"The script that serves the model; in the archive it is {HANDLER}.",
)
@click.option(
    "--include",
    type=ANY,
    multiple=True,
    help="A file or folder that goes beside the handler: a module, a package, requirements.txt. May be repeated. "
    "Hidden files and __pycache__ in a folder are left out.",
)
@click.option(
    "--layout",
    type=click.Choice(["flat", "code"]),
    default="flat",
    help="Where the handler and what is included go: to the root, or to the folder code/, as SageMaker's SDKs do.",
)
@click.option("--out", type=FILE, default=Path("build/model.tar.gz"), help="The archive to write.")
@JSON
def package_command(
    model: Path | None, handler: Path | None, include: tuple[Path, ...], layout: str, out: Path, *, as_json: bool
) -> None:
    """Write an archive of a model and the code that serves it.

    The same model and code always give the same bytes. Runs no code of either.
    """
    from sagebridge.model.archive import package
    from sagebridge.model.contents import Layout

    if model is None and (handler is None or MODEL_FILE.exists()):
        model = MODEL_FILE
    size, sha256 = package(model, handler or HANDLER_FILE, out, include, Layout(layout))
    if model is None:
        click.echo(f"the archive has no model, as there is no {MODEL_FILE} and --model names no other", err=True)
    if as_json:
        click.echo(json.dumps({"archive": str(out), "size": size, "sha256": sha256}))
        return
    click.echo(f"wrote {out}\n{size} bytes\nsha256 {sha256}")


@click.command(name="check")
@ARCHIVE
@click.option("--image", help="The URI of the container image that will serve the archive.")
@click.option("--stack", help="A stack whose containerImage will serve the archive.")
@click.option(
    "--sample", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file that holds a request."
)
@click.option("--content-type", show_default="by the sample's name", help="The MIME type of the sample.")
@click.option("--accept", help="The MIME type that the answer to the sample should have.")
@JSON
def check_command(
    archive: Path,
    image: str | None,
    stack: str | None,
    *,
    sample: Path | None,
    content_type: str | None,
    accept: str | None,
    as_json: bool,
) -> None:
    """Check an archive before it is published.

    Names everything that is wrong with it. Runs the code in the archive, and needs no AWS. Without --sample, requests
    are made for a model that tells its features, as scikit-learn's do; one of them must be answered.
    """
    if image and stack:
        raise click.UsageError("--image and --stack exclude each other")
    request = _request(sample, content_type, accept)
    require("model")
    from sagebridge.model.check import check
    from sagebridge.model.stack import get_config

    if stack:
        click.echo(title(stack), err=True)
        image = get_config(stack).get(IMAGE)
        if not image:
            raise UserError(f"the stack {stack} has no {IMAGE}: name the image with --image")
    findings = check(archive, image, request, lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(findings._asdict()))
        raise SystemExit(1 if findings.problems else 0)
    _show(findings, archive, image, sample)


def _request(sample: Path | None, content_type: str | None, accept: str | None) -> Request | None:
    if sample is None:
        if content_type or accept:
            raise click.UsageError("--content-type and --accept go with --sample")
        return None
    from sagebridge.model.content import content_type_of

    return Request(sample.read_bytes(), content_type or content_type_of(f"@{sample}"), accept)


def _show(findings: "Findings", archive: Path, image: str | None, sample: Path | None) -> None:
    if findings.versions:
        click.echo("trained with " + ", ".join(f"{name} {number}" for name, number in findings.versions.items()))
    if findings.answer is not None:
        request = "the article's sample row" if findings.request == SAMPLE else f"the made sample {findings.request}"
        click.echo(f"answers {sample or request.strip()} with {findings.answer}")
    if findings.problems:
        raise UserError("\n- ".join([f"{archive} is not ready:", *findings.problems]))
    if findings.unjudged:
        click.echo(f"{archive} was not judged: {findings.unjudged}")
        return
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

    config: dict[str, str] = {}
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
    if stack and config.get(MODEL_DATA) == published.uri:
        click.echo(f"the {MODEL_DATA} of the stack {stack} names it already", err=True)
    elif stack:
        set_config(stack, MODEL_DATA, published.uri)
        click.echo(f"set {MODEL_DATA} of the stack {stack}", err=True)


def _project_name() -> str:
    try:
        return find_project().name
    except UserError as error:
        raise UserError(f"{error.message}; or name the model with --name") from error


_NOT_IN_A_CHAT = {
    "content": "--input",
    "content_type": "--content-type",
    "accept": "--accept",
    "target_model": "--target-model",
    "target_variant": "--target-variant",
    "target_container": "--target-container",
    "seconds": "--timeout",
}
"""The options that the OpenAI route has no place for, by the names of their parameters."""


def _set(context: click.Context) -> set[str]:
    """Returns the names of the parameters that are set on the command line."""
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


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
@click.option("--chat", "question", metavar="TEXT", help="A question for a language model, by OpenAI's API.")
@click.option("--stream", is_flag=True, help="Print the answer as it comes, part by part.")
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(min=0),
    default=900,
    help="How many seconds to wait for an asynchronous endpoint's answer.",
)
@click.option("--out", type=FILE, show_default="standard output", help="A file for the answer.")
@click.pass_context
def invoke_command(
    context: click.Context,
    *,
    stack: str,
    endpoint: str | None,
    content: str,
    content_type: str | None,
    accept: str,
    target_model: str | None,
    target_variant: str | None,
    target_container: str | None,
    question: str | None,
    seconds: float,
    out: Path | None,
    stream: bool,
) -> None:
    """Ask an endpoint for a prediction.

    Prints the answer; a binary one only to a file or a pipe. Waits for the answer of an asynchronous endpoint.

    With --chat, the answer to a question is printed as text. The question goes to the OpenAI route of a real-time
    endpoint, with a bearer token that is made for it, which needs the right sagemaker:CallWithBearerToken.

    Needs the right to invoke the endpoint. It describes the endpoint, to see whether it is asynchronous, and reads its
    log, for the reason of a failure, where it has the rights: sagemaker:DescribeEndpoint and logs:FilterLogEvents.
    """
    if question is not None and (options := _set(context) & _NOT_IN_A_CHAT.keys()):
        names = ", ".join(sorted(_NOT_IN_A_CHAT[option] for option in options))
        raise click.UsageError(f"--chat does not go with {names}")
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
    if question is not None:
        from sagebridge.model.chat import chat

        write_answer(chat(endpoint, question, stream=stream), out)
        return
    chosen = {name: value for name, value in members.items() if value is not None}
    write_answer(invoke(endpoint, content, chosen, stream=stream, seconds=seconds), out)
