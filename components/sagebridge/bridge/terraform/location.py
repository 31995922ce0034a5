"""A Terraform state's place: a file, or an object in S3. Read, and written whole, never over another's change."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge._aws import s3_client
from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.files import PRIVATE, write_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Location(Protocol):
    """Where a state is."""

    def read(self) -> str | None:
        """Return the state's text; None if there is none."""

    def write(self, text: str) -> None:
        """Put a text where `read` found one, or none; only its owner may read it."""

    def backend(self) -> tuple[str, dict[str, str]]:
        """Return type and settings of the Terraform backend that reads it."""


def parse(text: str) -> Location:
    """Return what a location means: a path, or ``s3://bucket/key`` with ``?region=…&profile=…`` if need be.

    Raises:
        BridgeError: A URL of another kind, or one that lacks a part.
    """
    if "://" not in text:
        return File(Path(text))
    url = urlsplit(text)
    settings = dict(parse_qsl(url.query, keep_blank_values=True))
    key = url.path.removeprefix("/")
    if url.scheme != "s3" or not url.netloc or not key or key.endswith("/") or set(settings) - {"region", "profile"}:
        raise BridgeError(f"{text!r} must be a path or s3://bucket/key, with ?region=…&profile=… where they are needed")
    return S3Object(url.netloc, key, settings)


@dataclass(frozen=True)
class File:
    """A state of Terraform's local backend."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> str | None:
        """Return the state's text; None if there is no file.

        Raises:
            BridgeError: It cannot be read, or Terraform holds its lock.
        """
        _refuse_lock(str(self), self._read(self.path.parent / f".{self.path.name}.lock.info"))
        return self._read(self.path)

    def write(self, text: str) -> None:
        """Write the file, mode 0600.

        Raises:
            BridgeError: It cannot be written.
        """
        write_file(self.path, text, PRIVATE)

    def backend(self) -> tuple[str, dict[str, str]]:
        """Return type and settings of the Terraform backend that reads it."""
        return "local", {"path": str(self.path.resolve())}

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BridgeError(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise BridgeError(f"{path} is no Terraform state: it is not UTF-8 text") from None


@dataclass
class S3Object:
    """A state of Terraform's S3 backend. boto3's own settings say who asks, unless the URL does."""

    bucket: str
    key: str
    settings: Mapping[str, str] = field(default_factory=dict)
    _tag: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def read(self) -> str | None:
        """Return the state's text; None if there is no object.

        Raises:
            BridgeError: It cannot be read, or Terraform holds its lock (``use_lockfile``).
        """
        lock, _ = self._read(f"{self.key}.tflock")
        _refuse_lock(str(self), lock)
        text, self._tag = self._read(self.key)
        return text

    def write(self, text: str) -> None:
        """Put the object, if it is still as it was when it was read.

        Raises:
            BridgeError: It has changed since, or cannot be written.
        """
        unchanged: Any = {"IfMatch": self._tag} if self._tag else {"IfNoneMatch": "*"}
        body = text.encode()
        try:
            self._client().put_object(
                Bucket=self.bucket, Key=self.key, Body=body, ContentType="application/json", **unchanged
            )
        except (BotoCoreError, ClientError) as error:
            if _code(error) in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise BridgeError(f"{self} was changed meanwhile by another: try again") from error
            raise BridgeError(f"{self} cannot be written: {error}") from error

    def backend(self) -> tuple[str, dict[str, str]]:
        """Return type and settings of the Terraform backend that reads it."""
        return "s3", {"bucket": self.bucket, "key": self.key, "region": self._region(), **self.settings}

    def _read(self, key: str) -> tuple[str | None, str | None]:
        try:
            found = self._client().get_object(Bucket=self.bucket, Key=key)
            return found["Body"].read().decode(), found["ETag"]
        except (BotoCoreError, ClientError) as error:
            if _code(error) == "NoSuchKey":
                return None, None
            raise BridgeError(f"s3://{self.bucket}/{key} cannot be read: {error}") from error
        except UnicodeDecodeError:
            raise BridgeError(f"s3://{self.bucket}/{key} is no Terraform state: it is not UTF-8 text") from None

    def _region(self) -> str:
        region: str | None = self._client().meta.region_name
        return region or "us-east-1"

    def _client(self) -> "S3Client":
        try:
            return s3_client(self.settings)
        except BotoCoreError as error:
            raise BridgeError(f"{self} cannot be reached: {error}") from error


def _code(error: Exception) -> str:
    return error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""


def _refuse_lock(where: str, info: str | None) -> None:
    """Refuse a locked state; ``info`` is what Terraform wrote into the lock."""
    if info is None:
        return
    try:
        known = json.loads(info)
        said = ", ".join(f"{name.lower()} {known[name]}" for name in ("Who", "Operation", "Created", "ID"))
    except (ValueError, TypeError, KeyError):
        said = "it does not say by whom"
    raise BridgeError(
        f"the Terraform state {where} is locked: {said}. Wait until that has ended; if it ended without unlocking,"
        " run `terraform force-unlock` with the ID in Terraform's folder"
    )
