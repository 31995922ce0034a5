"""Property values of a Pulumi state: what signed objects stand for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.secret import Secret
from sagebridge.errors import UserError

DEFAULTS = "__defaults"
"""The key under which a provider keeps the names of the properties that it has set itself."""

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that makes an object stand for something else. Its value says for what."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret
_ASSETS = {"c44067f5952c0a294b673a41bacd8c17": "asset", "0def7320c3a5731c473e5ecbe6d01bc7": "archive"}
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Asset:
    """A file, or an archive of files, that a program named by its path, text or URI."""

    kind: str
    """`asset` or `archive`."""


@dataclass(frozen=True)
class Reference:
    """Another resource as a value."""

    urn: str
    """That resource's URN."""


def typed_values(values: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Returns a resource's properties with their types; see `typed`."""
    if not all(map(_is_unicode, values)):
        raise UserError(f"{owner} contain a name that is not Unicode, which Terraform cannot have: set it anew")
    return {name: typed(value, owner) for name, value in values.items()}


def typed(value: Any, owner: str) -> Any:  # noqa: ANN401, PLR0911 - JSON's types, a return for each signature
    """Returns a property value with `Secret`, `Asset` and `Reference` where signed objects stood.

    Args:
        value: JSON's types.
        owner: What the message calls the values among which this one is, such as "the inputs of urn:…".

    Raises:
        UserError: A secret is encrypted, or a value is not known yet, not Unicode or of an unknown kind.
    """
    if isinstance(value, list):
        return [typed(item, owner) for item in value]
    if value == _UNKNOWN:
        raise UserError(f"{owner} are not known yet: run `pulumi up` or `pulumi refresh`, then try again")
    if isinstance(value, str) and not _is_unicode(value):
        raise UserError(f"{owner} contain a text that is not Unicode, which Terraform cannot have: set it anew")
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE)
    if signature is None:
        return typed_values(value, owner)
    if signature == SECRET:
        return _secret(value, owner)
    if signature in _ASSETS:
        return Asset(_ASSETS[signature])
    if signature == _REFERENCE and isinstance(value.get("urn"), str):
        return Reference(value["urn"])
    if signature == _OUTPUT and "value" in value:
        inner = typed(value["value"], owner)
        return Secret(inner) if value.get("secret") and not isinstance(inner, Secret) else inner
    raise UserError(f"{owner} contain a value of an unknown kind (signature {str(signature)[:40]})")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _secret(value: Mapping[str, Any], owner: str) -> Secret:
    plaintext = value.get("plaintext")
    if not isinstance(plaintext, str):
        raise UserError(
            f"{owner} contain a secret that is encrypted: the stack was exported without its secrets."
            " Export it with --show-secrets, with the passphrase or key that the stack has"
        )
    try:
        inner = typed(json.loads(plaintext), owner)
    except ValueError:
        raise UserError(f"{owner} contain a secret that cannot be read: export the stack again") from None
    return inner if isinstance(inner, Secret) else Secret(inner)
