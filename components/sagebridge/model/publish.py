"""Uploads an archive to S3 under its own hash: never over another object, and never twice."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from sagebridge._aws import IMPATIENT, s3_client
from sagebridge.errors import UserError
from sagebridge.model.archive import read_versions
from sagebridge.model.aws import aws_errors
from sagebridge.model.progress import progress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1024**2
# Only the classic client's requests pass the event in `_client`. It holds some ten parts of 8 MiB.
_TRANSFER = TransferConfig(preferred_transfer_client="classic")
# What S3 answers to a conditional write when the object is there, or is just being written by another.
_LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict"}


class Published(NamedTuple):
    """An archive in S3."""

    uri: str
    uploaded: bool
    """Whether this call uploaded the archive; if not, it was there before."""


def key_of(prefix: str, name: str, sha256: str) -> str:
    """Returns an archive's key: `<prefix>/<name>/<sha256>/model.tar.gz`."""
    return f"{prefix.strip('/')}/{name}/{sha256}/model.tar.gz"


def publish(archive: Path, bucket: str, prefix: str, name: str) -> Published:
    """Uploads an archive to S3, unless the same archive is there already.

    The file is read twice, once for its hash and once for the upload, through one descriptor: an archive that replaces
    it meanwhile changes nothing. Memory does not grow with its size. The object's metadata names the versions of
    scikit-learn and Python that the archive records; S3 checks the SHA-256 of each part.

    Raises:
        UserError: The archive or its versions.json cannot be read; AWS refuses the upload or cannot be reached;
            or an object of another size has the archive's key.
    """
    versions = read_versions(archive)
    with archive.open("rb") as file, aws_errors(f"publish {archive} to the bucket {bucket}"):
        size = os.fstat(file.fileno()).st_size
        key = key_of(prefix, name, _sha256(file, size))
        uri = f"s3://{bucket}/{key}"
        client = _client()
        if _is_there(client, bucket, key, size):
            return Published(uri, uploaded=False)
        file.seek(0)
        extra = {
            "ChecksumAlgorithm": "SHA256",
            "ContentType": "application/gzip",
            "Metadata": {key: versions[key] for key in ("scikit-learn", "python") if key in versions},
        }
        try:
            with progress(f"uploading {archive.name}", size) as report:
                client.upload_fileobj(file, bucket, key, ExtraArgs=extra, Callback=report, Config=_TRANSFER)
        except ClientError as error:
            another_was_first = error.response["Error"]["Code"] in _LOST_RACE
            if not (another_was_first and _is_there(client, bucket, key, size)):
                raise
            return Published(uri, uploaded=False)
        return Published(uri, uploaded=True)


def _sha256(file: BinaryIO, size: int) -> str:
    sha256 = hashlib.sha256()
    with progress("hashing", size) as report:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            report(len(chunk))
    return sha256.hexdigest()


def _client() -> "S3Client":
    """Returns a client that never overwrites an object, even one that appears between the check and the upload.

    The managed upload passes no IfNoneMatch on (s3transfer 0.19), so botocore's own events add it.
    """
    client = s3_client({}, IMPATIENT)
    for operation in ("PutObject", "CompleteMultipartUpload"):
        client.meta.events.register(f"before-parameter-build.s3.{operation}", _only_if_new)
    return client


def _only_if_new(params: dict[str, Any], **_: object) -> None:
    params["IfNoneMatch"] = "*"


def _is_there(client: "S3Client", bucket: str, key: str, size: int) -> bool:
    try:
        stored_size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise
    if stored_size != size:
        raise UserError(
            f"s3://{bucket}/{key} has {stored_size} bytes, and this archive, which has the same hash, has {size}:"
            " the object was not written by `publish`; look at it and remove it"
        )
    return True
