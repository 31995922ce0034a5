"""JSON documents: read, parsed, and taken apart member by member with the types that their format has."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagebridge.errors import UserError


class MalformedError(Exception):
    """Says where a document has another type than its format."""


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON's types
    """Returns what a JSON file holds.

    Raises:
        UserError: The file is not there, cannot be read, or is not whole JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} cannot be read: it is not UTF-8 text") from error
    return parse_json(text, str(path))


def parse_json(text: str, name: str) -> Any:  # noqa: ANN401 - JSON's types
    """Returns what a JSON text holds.

    Args:
        text: The text. The message shows nothing of it.
        name: What the message calls it.

    Raises:
        UserError: The text is not JSON, or only the beginning of some.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"{name} is not whole JSON{place}: make it anew") from None


@dataclass(frozen=True)
class Reader:
    """Reads the members of a JSON object with the types that the format gives them.

    Every method raises `MalformedError` where the document has another type; the message names the path and no value.
    """

    value: object
    """The object."""
    path: str
    """Where it stands in the document."""

    @property
    def members(self) -> dict[str, Any]:
        """The object's members by name."""
        if not isinstance(self.value, dict):
            raise MalformedError(f"{self.path} is no object")
        return self.value

    def get(self, name: str, kind: type, default: Any) -> Any:  # noqa: ANN401 - of the kind that is asked for
        """Returns a member; `None` as default means that there must be one."""
        value = self.members.get(name)
        value = default if value is None else value
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise MalformedError(f"{self.path}.{name} is {'missing' if value is None else f'no {kind.__name__}'}")
        return value

    def texts(self, name: str) -> list[str]:
        """Returns a list of texts, which is empty where there is none."""
        values: list[str] = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise MalformedError(f"{self.path}.{name} is no list of texts")
        return values

    def inner(self, name: str) -> "Reader":
        """Returns a reader of an object that is a member; of an empty one where there is none."""
        return Reader(self.get(name, dict, {}), f"{self.path}.{name}")

    def items(self, name: str) -> list["Reader"]:
        """Returns a reader of each item of a list."""
        return [Reader(item, f"{self.path}.{name}[{number}]") for number, item in enumerate(self.get(name, list, []))]
