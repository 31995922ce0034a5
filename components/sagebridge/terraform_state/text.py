"""Reads the text of a Terraform state: the outputs in it, or why the text is not a state that can be read.

Terraform itself, and with it pulumi-terraform, says of most of these texts only that they have no attribute "version".
The format is Terraform's internal/states/statefile/version4.go.
"""

import codecs
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sagebridge.errors import UserError
from sagebridge.state_location import PULL, RemoteWorkspace, S3Object

VERSION = 4
"""The format that Terraform has written since 0.12, and that OpenTofu writes."""

_RESTORE = (
    "Restore it from a backup (Terraform's local backend keeps `terraform.tfstate.backup`, and a bucket may keep older "
    f"versions), or {PULL}"
)


class WrittenOutput(NamedTuple):
    """An output of the root module, as the text of the state has it."""

    value: Any
    """JSON's types. Whole numbers are integers of any size."""
    sensitive: bool


def cannot_read(location: object, reason: str) -> UserError:
    """Returns the error for a state that cannot be read.

    Args:
        location: Where the state is.
        reason: Why it cannot be read, and what to do.
    """
    return UserError(f"Cannot read the Terraform state {location}: {reason}")


def decoded(content: bytes, location: object) -> str:
    """Returns the text of a state, which is UTF-8.

    Raises:
        UserError: The content is other than text, or has a byte-order mark.
    """
    if content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise cannot_read(
            location,
            "it begins with a byte-order mark, which Terraform does not accept and PowerShell's `>` writes. Save it as "
            'UTF-8 without the mark, or write it with `cmd /c "terraform state pull > base.tfstate"`',
        )
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise cannot_read(
            location, f"it is not text but binary (not UTF-8), such as a saved plan. Instead, {PULL}"
        ) from None


def state_document(text: str, location: object) -> dict[str, Any]:
    """Returns the JSON object that a state's text holds.

    Args:
        text: The text. No message shows a value of it.
        location: Where it is, for messages.

    Raises:
        UserError: The text is not whole JSON, is encrypted by OpenTofu, is of another version than 4, or is not a state
            at all.
    """
    if not text.strip():
        raise cannot_read(location, f"it is empty. {_RESTORE}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise cannot_read(location, f"it is not whole JSON: it is broken or cut off. {_RESTORE}") from None
    if not isinstance(document, dict):
        raise cannot_read(location, f"it is not a JSON object. Instead, {PULL}")
    if reason := _another_format(document):
        raise cannot_read(location, reason)
    return document


def written_outputs(text: str, location: object) -> dict[str, WrittenOutput]:
    """Returns the outputs that a state's text holds, by name.

    Args:
        text: The text. No message shows a value of it.
        location: Where it is, for messages.

    Raises:
        UserError: See `state_document`; or an output is not one.
    """
    outputs = state_document(text, location).get("outputs") or {}
    if not isinstance(outputs, dict):
        raise cannot_read(location, f"its `outputs` are not a JSON object. {_RESTORE}")
    for name, output in outputs.items():
        if not isinstance(output, dict) or not {"value", "type"} <= output.keys():
            raise cannot_read(location, f"its output {name!r} has no value or no type. {_RESTORE}")
    return {name: WrittenOutput(output["value"], bool(output.get("sensitive"))) for name, output in outputs.items()}


def _another_format(document: Mapping[str, Any]) -> str | None:
    """Returns which other format a document has, and what to do; None if it has that of a state."""
    if "encrypted_data" in document:
        return (
            "it is encrypted by OpenTofu, and only OpenTofu has the keys. Run `tofu state pull > base.tfstate` in "
            "OpenTofu's folder, keep that file private, name it here, and delete it afterwards"
        )
    if isinstance(backend := document.get("backend"), dict):
        location = _backend_location(backend)
        instead = f"Name the state itself: {location} (of the default workspace)" if location else f"Instead, {PULL}"
        return f"it is only Terraform's note that the state is in the backend {backend.get('type')!r}. {instead}"
    if command := _command(document):
        return f"it is what `{command}` prints, which is another format than the state's. Instead, {PULL}"
    return _another_version(document.get("version"))


def _command(document: Mapping[str, Any]) -> str | None:
    """Returns the command of Terraform's that prints such a document, if one does."""
    if "format_version" in document:
        return "terraform show -json PLAN" if "planned_values" in document else "terraform show -json"
    outputs = document.values()
    all_are_outputs = outputs and all(isinstance(output, dict) and "sensitive" in output for output in outputs)
    return "terraform output -json" if all_are_outputs else None


def _another_version(version: object) -> str | None:
    if not isinstance(version, int) or isinstance(version, bool):
        return f"it has no format version, so it is not a state. Instead, {PULL}"
    if version == VERSION:
        return None
    instead = (
        "Run `terraform apply -refresh-only` with Terraform 0.12 or newer, which writes it"
        if version < VERSION
        else "A newer sagebridge may read it"
    )
    return f"it has format version {version}, and only version {VERSION} can be read. {instead}"


def _backend_location(backend: Mapping[str, Any]) -> str | None:
    """Returns the location of the state that a backend keeps, if a location can name it.

    The settings may hold credentials, so nothing else of them is shown.
    """
    config = backend.get("config")
    settings = config if isinstance(config, dict) else {}

    def setting(name: str) -> str | None:
        value = settings.get(name)
        return value if isinstance(value, str) and value else None

    match backend.get("type"), setting("bucket"), setting("key"), setting("organization"):
        case "s3", str(bucket), str(key), _:
            return str(S3Object(bucket, key, setting("region"), setting("profile")))
        case "remote" | "cloud", _, _, str(organization):
            workspaces = settings.get("workspaces")
            workspaces = workspaces[0] if isinstance(workspaces, list) and workspaces else workspaces
            workspace = workspaces.get("name") if isinstance(workspaces, dict) else None
            if isinstance(workspace, str):
                return str(RemoteWorkspace(organization, workspace, setting("hostname")))
    return None
