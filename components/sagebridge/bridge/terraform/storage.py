"""Reads and writes a Terraform state where it lies: whole, and never over another's change."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge._aws import s3_client
from sagebridge.errors import UserError
from sagebridge.files import PRIVATE, write_file
from sagebridge.state_location import LocalFile, RemoteWorkspace, S3Object, parse_state_location
from sagebridge.terraform_state.fetch import fetch_file
from sagebridge.terraform_state.text import decoded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class StateStorage(Protocol):
    """A state in its place; as text it is the location."""

    def read(self) -> str | None:
        """Returns the state's text, or `None` if there is no state."""

    def write(self, text: str) -> None:
        """Writes the state over what `read` has read, or where there was none; only its owner may read it."""

    def backend(self) -> tuple[str, dict[str, str]]:
        """Returns the type and the settings of the Terraform backend that reads the state."""


def state_storage(location: str) -> StateStorage:
    """Returns the storage of a state.

    Args:
        location: See `sagebridge.state_location`.

    Raises:
        UserError: The location has another form, or is one that only Terraform itself can reach.
    """
    match parse_state_location(location):
        case LocalFile(path):
            return FileStorage(path)
        case S3Object() as state_object:
            return S3Storage(state_object)
        case RemoteWorkspace():
            raise UserError(
                f"{location} can be read and written by Terraform only: run `terraform state pull > FILE` in"
                " Terraform's folder and name that file, or name an object in S3"
            )


@dataclass(frozen=True)
class FileStorage:
    """A state of Terraform's local backend."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> str | None:
        """Returns the state's text, or `None` if there is no file.

        Raises:
            UserError: The file cannot be read, or Terraform holds its lock.
        """
        _refuse_lock(str(self), _read_file(self.path.parent / f".{self.path.name}.lock.info"))
        return _read_file(self.path)

    def write(self, text: str) -> None:
        """Writes the file, with mode 0600.

        Raises:
            UserError: The file cannot be written.
        """
        write_file(self.path, text, PRIVATE)

    def backend(self) -> tuple[str, dict[str, str]]:
        """Returns the type and the settings of the Terraform backend that reads the state."""
        return "local", {"path": str(self.path.resolve())}


@dataclass
class S3Storage:
    """A state of Terraform's S3 backend."""

    location: S3Object
    _etag: str | None = field(default=None, init=False)
    """That of the object when it was read."""

    def __str__(self) -> str:
        return str(self.location)

    def read(self) -> str | None:
        """Returns the state's text, or `None` if there is no object.

        Raises:
            UserError: The object cannot be read, or Terraform holds its lock (`use_lockfile`).
        """
        lock, _ = self._read(f"{self.location.key}.tflock")
        _refuse_lock(str(self), lock)
        text, self._etag = self._read(self.location.key)
        return text

    def write(self, text: str) -> None:
        """Writes the object, if it is still as it was when it was read.

        Raises:
            UserError: The object has changed since, or cannot be written.
        """
        unchanged: Any = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        try:
            self._client().put_object(
                Bucket=self.location.bucket,
                Key=self.location.key,
                Body=text.encode(),
                ContentType="application/json",
                **unchanged,
            )
        except (BotoCoreError, ClientError) as error:
            if _code(error) in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise UserError(f"{self} was changed meanwhile by someone else: try again") from error
            raise UserError(f"{self} cannot be written: {error}") from error

    def backend(self) -> tuple[str, dict[str, str]]:
        """Returns the type and the settings of the Terraform backend that reads the state."""
        settings = {"bucket": self.location.bucket, "key": self.location.key}
        settings["region"] = self._client().meta.region_name or "us-east-1"
        return "s3", settings | ({"profile": self.location.profile} if self.location.profile else {})

    def _read(self, key: str) -> tuple[str | None, str | None]:
        """Returns the text and the ETag of an object, if it is there."""
        try:
            answer = self._client().get_object(Bucket=self.location.bucket, Key=key)
            return decoded(answer["Body"].read(), f"s3://{self.location.bucket}/{key}"), answer["ETag"]
        except (BotoCoreError, ClientError) as error:
            if _code(error) == "NoSuchKey":
                return None, None
            raise UserError(f"s3://{self.location.bucket}/{key} cannot be read: {error}") from error

    def _client(self) -> "S3Client":
        try:
            return s3_client({"region": self.location.region, "profile": self.location.profile})
        except BotoCoreError as error:
            raise UserError(f"{self} cannot be reached: {error}") from error


def _read_file(path: Path) -> str | None:
    return decoded(fetch_file(path), path) if path.exists() else None


def _code(error: Exception) -> str:
    return error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""


def _refuse_lock(location: str, lock: str | None) -> None:
    """Refuses a locked state.

    Args:
        location: Where the state is.
        lock: What Terraform has written into the lock; `None` if there is no lock.
    """
    if lock is None:
        return
    try:
        members = json.loads(lock)
        holder = ", ".join(f"{name.lower()} {members[name]}" for name in ("Who", "Operation", "Created", "ID"))
    except (ValueError, TypeError, KeyError):
        holder = "the lock does not say by whom"
    raise UserError(
        f"the Terraform state {location} is locked: {holder}. Wait until that has ended; if it ended without unlocking,"
        " run `terraform force-unlock` with the ID in Terraform's folder"
    )
