"""The blocks of a Terraform module, and the values in them that JSON does not have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ref:
    """An expression that is an address: of a resource, an attribute, a variable, a provider."""

    address: str
    """Such as `aws_sagemaker_model.live` or `var.token`."""


@dataclass(frozen=True)
class Template:
    """A string with references in it."""

    parts: tuple[str | Ref, ...]
    """Literal texts and references."""


@dataclass(frozen=True)
class JsonText:
    """A text that is a JSON document, which people write with `jsonencode`."""

    text: "str | Template"
    """The text itself."""
    document: Any
    """The document: JSON's types, or `Template`s."""


@dataclass(frozen=True)
class Nested:
    """Blocks of the same name within another block."""

    blocks: tuple[Mapping[str, Any], ...]
    """The arguments of each block."""


@dataclass(frozen=True)
class Block:
    """A block of a module."""

    labels: tuple[str, ...]
    """Its type and labels, such as `resource`, `aws_sagemaker_model` and `live`."""
    body: Mapping[str, Any]
    """Its arguments; a value is JSON's, or a `Template`, `Ref`, `JsonText` or `Nested`."""
    comments: tuple[str, ...] = ()
    """What a reader is to know; a line each."""


def template_literal(text: str) -> str:
    """Returns a literal as it stands in a template: what would begin an expression is written twice."""
    return text.replace("${", "$${").replace("%{", "%%{")
