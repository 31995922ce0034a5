"""The values of a Terraform configuration, beside JSON's own and `Secret`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Template:
    """A string with references in it.

    Attributes:
        parts: literal texts, and references such as ``aws_sagemaker_model.live.name``.
    """

    parts: tuple["str | Ref", ...]


@dataclass(frozen=True)
class Ref:
    """An expression that is an address: of a resource, an attribute, a variable, a provider.

    Attributes:
        address: such as ``aws_sagemaker_model.live`` or ``var.token``.
    """

    address: str


@dataclass(frozen=True)
class Nested:
    """Blocks of one name within another.

    Attributes:
        blocks: the arguments of each.
    """

    blocks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Block:
    """A block of a module.

    Attributes:
        labels: its type and labels, such as ``resource``, ``aws_sagemaker_model`` and ``live``.
        body: its arguments; a value is JSON's, or a `Template`, `Ref` or `Nested`.
    """

    labels: tuple[str, ...]
    body: Mapping[str, Any]


def escaped(text: str) -> str:
    """Return a literal as it stands in a template: what would begin one is written twice."""
    return text.replace("${", "$${").replace("%{", "%%{")
