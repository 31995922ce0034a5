"""A container's model data: fetched from S3 into a folder, once for all containers that serve from it."""

import time
import zlib
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, BinaryIO, Protocol

from sagebridge._tarfile import tarfile
from sagebridge.containers.archive import unpack
from sagebridge.files import whole_folder
from sagebridge.local.shapes import Record

DOWNLOAD_SECONDS = 3600.0
"""Seconds for the download, unless ModelDataDownloadTimeoutInSeconds says otherwise."""
MAX_NAME = 255
"""Bytes of a file's name."""
_CHUNK = 1024 * 1024
NO_DATA = (
    'Failed to download model data for container "{container}" from URL: "{url}". '
    "Please ensure that there is an object located at the URL and that the role passed to CreateModel "
    "has permissions to download the model."
)
"""AWS's own words."""
NO_ARCHIVE = (
    'Failed to extract model data archive for container "{container}" from URL "{url}". '
    "Please ensure that the object located at the URL is a valid tar.gz archive."
)
"""AWS's own words."""


class Aws(Protocol):
    """What endpoints need of the account's other services."""

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Opens an S3 object for reading; returns None if it does not exist."""

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """Returns the keys of the S3 objects below a prefix."""

    def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Puts an S3 object."""

    def trust_policy(self, role_arn: str) -> dict[str, Any] | None:
        """Returns the trust policy of an IAM role, or None if the role does not exist."""

    def publish(self, topic_arn: str, message: str) -> None:
        """Publishes to an SNS topic."""


class DeployError(Exception):
    """A deployment failed.

    Args:
        reason: AWS's FailureReason.
        cause: what really went wrong, for the endpoint's log.
    """

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


def split_url(url: str) -> tuple[str, str]:
    """Splits `s3://bucket/key`, or any form of `https://s3.amazonaws.com/bucket/key`, into bucket and key."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    if scheme == "s3":
        return host, path
    if host.startswith("s3"):
        bucket, _, key = path.partition("/")
        return bucket, key
    return host.split(".s3", 1)[0], path


class ModelData:
    """The data of one container, or of one model of a multi-model container.

    Args:
        folder: the folder that gets the data; it stays when the server stops.
        source: the container's `S3DataSource`, or None for a container without data.
        label: the name that AWS's reasons give the container, such as `container_1`.
        aws: has the data.
        seconds: the most seconds that fetching the data may take.
    """

    def __init__(self, folder: Path, source: Record | None, label: str, aws: Aws, seconds: float) -> None:
        self.folder = folder
        self._source = source
        self._label = label
        self._aws = aws
        self._seconds = seconds
        self._lock = Lock()

    @property
    def is_empty(self) -> bool:
        """Whether the container has no data."""
        return self._source is None

    def fetch(self) -> None:
        """Fetches the data, whole or not at all, unless the folder exists.

        Raises:
            DeployError: the data cannot be fetched; the error has AWS's reason.
        """
        with self._lock:
            if self.folder.exists():
                return
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            if self._source is None:
                self.folder.mkdir()
                return
            try:
                self._fetch_from(self._source, time.monotonic() + self._seconds)
            except TimeoutError as error:
                url = self._source["S3Uri"]
                reason = NO_DATA.format(container=self._label, url=url)
                raise DeployError(reason, f"{url} was not there within {self._seconds:.0f} s.") from error

    def _fetch_from(self, source: Record, deadline: float) -> None:
        url = source["S3Uri"]
        if source["S3DataType"] == "S3Prefix":
            self._copy_all(url, source["CompressionType"], deadline)
            return
        bucket, key = split_url(url)
        content = self._aws.open_object(bucket, key)
        if content is None:
            raise self._unusable(f"There is no object at {url}.")
        with content:
            if source["CompressionType"] == "None":
                self._copy({PurePosixPath(key).name: content}, deadline)
                return
            try:
                unpack(content, self.folder, deadline)
            except TimeoutError:
                raise
            except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
                raise DeployError(
                    NO_ARCHIVE.format(container=self._label, url=url),
                    f"{url} cannot be unpacked: {type(error).__name__}: {error}",
                ) from error

    def _copy_all(self, url: str, compression: str, deadline: float) -> None:
        if compression != "None":
            raise DeployError(
                NO_ARCHIVE.format(container=self._label, url=url),
                "Compressed model data is one object: S3DataType S3Prefix needs the CompressionType None.",
            )
        bucket, prefix = split_url(url)
        keys = self._aws.list_objects(bucket, prefix)
        if not keys:
            raise self._unusable(f"There is no object at {url}.")
        self._copy({key.removeprefix(prefix): (bucket, key) for key in keys}, deadline)

    def _copy(self, files: dict[str, BinaryIO] | dict[str, tuple[str, str]], deadline: float) -> None:
        """Copies objects into the folder, by AWS's rules for their names (botocore, S3ModelDataSource)."""
        for name in files:
            if not all(_is_file_name(step) for step in name.split("/")):
                raise self._unusable(f"{name!r} cannot be the name of a model's file.")
        with whole_folder(self.folder) as folder:
            for name, source in files.items():
                content = self._aws.open_object(*source) if isinstance(source, tuple) else source
                if content is not None:  # else it was removed since it was listed
                    with content:
                        self._write(content, folder / name, deadline)

    def _write(self, content: BinaryIO, target: Path, deadline: float) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                while chunk := content.read(_CHUNK):
                    file.write(chunk)
                    _check_deadline(deadline)
        except (FileExistsError, NotADirectoryError) as error:
            raise self._unusable(f"{target.name!r} would be a file and a folder.") from error

    def _unusable(self, cause: str) -> DeployError:
        url = self._source and self._source["S3Uri"]
        return DeployError(NO_DATA.format(container=self._label, url=url), cause)


def _is_file_name(step: str) -> bool:
    """Returns whether a part of a key may name a file or folder (botocore, S3ModelDataSource)."""
    return bool(step.strip()) and step not in (".", "..") and "\0" not in step and len(step) <= MAX_NAME


def _check_deadline(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError
