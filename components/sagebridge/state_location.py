"""Where a Terraform state lies, in the one form that programs, configuration and commands share."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from sagebridge.errors import UserError

FORMS = "a path, s3://bucket/key[?region=…&profile=…], or remote://organisation/workspace[?hostname=…]"
PULL = "run `terraform state pull > base.tfstate` in Terraform's folder, and name that file"
"""What to do with a state that cannot be read where it is."""


@dataclass(frozen=True)
class LocalFile:
    """A state in a file on this machine, as Terraform's `local` backend writes it."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class S3Object:
    """A state in an object in S3, as Terraform's `s3` backend writes it."""

    bucket: str
    key: str
    region: str | None = None
    """The bucket's region. Default is that of the profile or environment."""
    profile: str | None = None
    """The profile of AWS's configuration files that may read it. Default is the environment's."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}" + _query(region=self.region, profile=self.profile)


@dataclass(frozen=True)
class RemoteWorkspace:
    """The state of a workspace of HCP Terraform, or of Terraform Enterprise."""

    organization: str
    workspace: str
    hostname: str | None = None
    """The host. Default is HCP Terraform's, app.terraform.io."""

    def __str__(self) -> str:
        return f"remote://{self.organization}/{self.workspace}" + _query(hostname=self.hostname)


StateLocation = LocalFile | S3Object | RemoteWorkspace


def parse_state_location(text: str) -> StateLocation:
    """Returns the location that a text means.

    Raises:
        UserError: The text is a URL of another kind, lacks a part, or has a part that is not known.
    """
    if not isinstance(text, str):  # what a configuration does not have is None
        raise UserError(f"{text!r} is not the location of a Terraform state: it must be {FORMS}")
    url = re.fullmatch(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>[^?]*)(\?(?P<query>.*))?", text, re.DOTALL)
    if text and not url:
        return LocalFile(Path(text))
    scheme, rest, query = url.group("scheme", "rest", "query") if url else ("", "", "")
    owner, _, name = rest.partition("/")  # urlsplit would cut a key at its `#` and refuse a `[`
    if scheme == "s3" and owner and name and name == name.strip("/"):
        return S3Object(owner, name, **_settings(text, query, S3Object))
    if scheme == "remote" and owner and name and "/" not in name:
        return RemoteWorkspace(owner, name, **_settings(text, query, RemoteWorkspace))
    another_backend = f". For another backend, {PULL}" if url and scheme not in {"s3", "remote"} else ""
    raise UserError(f"{text!r} is not the location of a Terraform state: it must be {FORMS}{another_backend}")


def _settings(text: str, query: str | None, location: type[S3Object] | type[RemoteWorkspace]) -> dict[str, str]:
    """Returns what stands after the `?` of a location, by the names of the location's optional fields."""
    allowed = [field.name for field in fields(location) if field.default is None]
    settings: dict[str, str] = {}
    for name, value in parse_qsl(query or "", keep_blank_values=True):
        if name not in allowed or name in settings or not value:
            raise UserError(
                f"{text!r} is not the location of a Terraform state: after `?` it may have {' and '.join(allowed)},"
                f" each once and with a value, not {name}={value}"
            )
        settings[name] = value
    return settings


def _query(**settings: str | None) -> str:
    query = urlencode({name: value for name, value in settings.items() if value is not None}, safe="/:")
    return f"?{query}" if query else ""
