"""Fetches the text of a state from where it is: a file, or an object in S3."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws
from sagebridge.state_location import FORMS, S3Object
from sagebridge.terraform_state.text import cannot_read

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest

_APPLY = f"Apply Terraform first, or name the place where its state is: {FORMS}"
_FILES = ("terraform.tfstate", "terraform.tfstate.d/*/terraform.tfstate", ".terraform/terraform.tfstate")
"""Where Terraform keeps a state, the states of workspaces, and the note of a backend, in its folder."""
_MISSING = {"NoSuchKey": "there is no such object", "NoSuchBucket": "there is no such bucket"}


class FetchedObject(NamedTuple):
    """An object in S3, and how it was reached."""

    content: bytes
    settings: dict[str, Any]
    """What another client needs to reach it in the same way: arguments of ``get_s3_reference``."""


def fetch_file(path: Path) -> bytes:
    """Returns the content of a state's file.

    Raises:
        UserError: The file is not there, or cannot be read.
    """
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise cannot_read(path, f"it is a folder. {files_in(path) or _APPLY}") from None
    except FileNotFoundError:
        hint = files_in(path.parent)
        raise cannot_read(
            path, f"there is no file {path.absolute()}. {_APPLY}" + (f". {hint}" if hint else "")
        ) from None
    except OSError as error:
        raise cannot_read(path, f"{error.strerror}. Make the file readable, or name another place: {FORMS}") from error


def fetch_object(location: S3Object) -> FetchedObject:
    """Returns the content of a state's object.

    Botocore follows AWS's configuration and finds the bucket's region. What it has found goes into the settings.

    Raises:
        UserError: The object is not there, or cannot be read.
    """
    requests: list[AWSRequest] = []
    try:
        settings: dict[str, Any] = {"region": location.region, "profile": location.profile}
        keys = _aws.keys(settings)
        client = _aws.s3_client(settings | keys, _aws.IMPATIENT)
        client.meta.events.register("before-sign.s3.GetObject", lambda request, **_: requests.append(request))
        content = client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
    except (BotoCoreError, ClientError, ValueError) as error:  # botocore refuses a wrong URL with a ValueError
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
        if code in _MISSING:
            raise cannot_read(location, f"{_MISSING[code]}. {_APPLY}") from error
        reason = " ".join(str(error).splitlines()).removesuffix(".")
        raise cannot_read(location, f"{reason}. Correct AWS's configuration, or name another place: {FORMS}") from error
    return FetchedObject(content, keys | _reached(requests[-1], location))


def _reached(request: "AWSRequest", location: S3Object) -> dict[str, Any]:
    """Returns the region, the endpoint and the style of a request to S3.

    Nothing is left to check: botocore's request was answered, and pulumi-terraform does not know the newest regions.
    """
    url = urlsplit(str(request.url))  # botocore types it as bytes too
    path_style = unquote(url.path) == f"/{location.bucket}/{location.key}"
    host = url.netloc if path_style else url.netloc.removeprefix(f"{location.bucket}.")
    return {
        "region": request.context["signing"]["region"],
        "endpoint": f"{url.scheme}://{host}",
        "force_path_style": path_style,
        "skip_credentials_validation": True,
        "skip_region_validation": True,
        "skip_metadata_api_check": True,
    }


def files_in(folder: Path) -> str:
    """Returns a sentence that names what Terraform keeps in a folder; empty if there is nothing."""
    files = [str(file) for pattern in _FILES for file in sorted(folder.glob(pattern))]
    return f"In that folder, Terraform keeps {', '.join(files)}: name the one that you mean" if files else ""
