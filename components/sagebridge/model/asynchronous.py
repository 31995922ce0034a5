"""Asks an asynchronous endpoint for a prediction, and waits for the answer in S3."""

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from botocore.exceptions import ClientError

from sagebridge._aws import IMPATIENT, s3_client, shapes
from sagebridge.endpoint_log import log_group
from sagebridge.errors import UserError
from sagebridge.model.content import S3_SCHEME, open_content
from sagebridge.model.failure import why
from sagebridge.model.progress import progress, waiting

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_PAUSE = 1.0
"""Seconds between two looks for the answer."""
_ABSENT = {"NoSuchKey", "AccessDenied"}
"""What S3 answers when there is no such object; the second, to a caller who may not list the bucket."""


def answers_of(
    client: "SageMakerRuntimeClient",
    request: Any,  # noqa: ANN401 - members by their name
    output_path: str | None,
    content: str,
    seconds: float,
) -> Iterator[bytes]:
    """Sends a request to an asynchronous endpoint, waits for the answer, and yields it.

    Args:
        client: A client of SageMaker Runtime.
        request: The members of the request but the input, as botocore names them.
        output_path: The `s3://` URL below which the endpoint writes its answers, if it names one.
        content: The `s3://` URL of the input, or else what `open_content` opens.
        seconds: How long to wait.

    Raises:
        UserError: The input cannot be uploaded, the model answers with an error, or the answer does not come in time.
    """
    s3 = s3_client({}, IMPATIENT)
    if content.startswith(S3_SCHEME):
        source: Any = {"InputLocation": content}
    else:
        with open_content(content) as file:
            source = _source(s3, file, output_path, request["ContentType"])
    since = time.time()
    accepted = client.invoke_endpoint_async(**source, **request)
    output, failure = accepted["OutputLocation"], accepted.get("FailureLocation")
    endpoint = request["EndpointName"]
    deadline = time.monotonic() + seconds
    with waiting(f"waiting for {output}"):
        while not (answer := _open_object(s3, output)):
            if failure and (body := _open_object(s3, failure)):
                reason = why(endpoint, body.read().decode(errors="replace"), since)
                raise UserError(f"the model behind {endpoint} failed: {reason}")
            if time.monotonic() > deadline:
                raise UserError(_too_late(endpoint, seconds, output, failure))
            time.sleep(_PAUSE)
    yield from answer.iter_chunks(1024 * 1024)


def _source(s3: "S3Client", file: BinaryIO, output_path: str | None, content_type: str) -> dict[str, Any]:
    """Returns the member of the request that has the input: the content itself if it is small, or else its URL in S3.

    An input that is uploaded is below the output path, where the endpoint's role may be expected to have its rights.
    """
    most: int = shapes("sagemaker-runtime").get("AsyncBodyBlob", {}).get("max", 0)  # botocore's newer models have it
    beginning = file.read(most + 1)
    if 0 < len(beginning) <= most:
        return {"Body": beginning}
    if not output_path:
        raise UserError(
            f"a request takes an input of 1 to {most} bytes, and the endpoint has no S3OutputPath beside which another"
            " one can be uploaded: upload it yourself, and name its s3:// URL with --input"
        )
    url = f"{output_path.rstrip('/')}/inputs/{uuid.uuid4()}"
    with tempfile.TemporaryFile() as copy:  # what comes from a pipe is read once
        copy.write(beginning)
        shutil.copyfileobj(file, copy)
        size = copy.tell()
        copy.seek(0)
        with progress("uploading the input", size) as report:
            s3.upload_fileobj(copy, *_split(url), ExtraArgs={"ContentType": content_type}, Callback=report)
    click.echo(f"uploaded the input to {url}", err=True)
    return {"InputLocation": url}


def _too_late(endpoint: str, seconds: float, output: str, failure: str | None) -> str:
    reported = f"a failure would be at {failure}" if failure else "the endpoint has no path for failures"
    return (
        f"{endpoint} did not answer within {seconds:g} s. Its answer would be at {output}, and {reported}; its log is"
        f" the CloudWatch log group {log_group(endpoint)}. Wait longer with --timeout; if the answer is there, you need"
        " the right to read it (s3:GetObject)"
    )


def _open_object(s3: "S3Client", url: str) -> "StreamingBody | None":
    """Opens an object for reading; returns None if it does not exist."""
    bucket, key = _split(url)
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(S3_SCHEME).partition("/")
    return bucket, key
