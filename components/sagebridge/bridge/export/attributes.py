"""Translates a resource's properties, in Pulumi's names and nesting, into Terraform's attributes."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sagebridge.bridge.secret import Secret, reveal, spread
from sagebridge.bridge.stack.mapping import Field, Fields
from sagebridge.bridge.stack.values import DEFAULTS, Asset, Reference
from sagebridge.bridge.terraform.blocks import Nested

_MAX_FLOAT32 = 3e38
_STEP = re.compile(r'\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+))')
_ANY = Field("", "", "any")
"""What the schema tells nothing more of."""


class Omission(NamedTuple):
    """A property that is not translated."""

    path: str
    """Where it is, in Terraform's names as far as they are known."""
    reason: str
    """Why it is not translated."""


def to_terraform(
    properties: Mapping[str, Any],
    fields: Fields,
    omissions: list[Omission],
    keep: Callable[[Field], bool] = lambda _: True,
) -> dict[str, Any]:
    """Returns properties as attributes; a property without a value is left out without a word.

    Args:
        properties: A resource's inputs or outputs, or the provider's settings.
        fields: The fields of the same.
        omissions: A list to which what cannot be translated is added.
        keep: Tells which of those fields are wanted.
    """
    return dict(_attributes(properties, fields, omissions, "", keep))


def _attributes(
    properties: Mapping[str, Any],
    fields: Fields,
    omissions: list[Omission],
    prefix: str,
    keep: Callable[[Field], bool] = lambda _: True,
) -> Iterator[tuple[str, Any]]:
    for name, value in properties.items():
        if value is None or name.startswith("__"):
            continue
        field = fields.by_pulumi.get(name)
        if field is None:
            if name != "id":
                omissions.append(Omission(prefix + name, "the provider's mapping has no such property"))
        elif keep(field):
            secret = field.sensitive and not isinstance(value, Secret | Asset | Reference)
            translated = _attribute(Secret(value) if secret else value, field, omissions, prefix + field.terraform)
            if translated is not None:
                yield field.terraform, translated


def _attribute(value: Any, field: Field, omissions: list[Omission], path: str) -> Any:  # noqa: ANN401, PLR0911 - a return a kind
    """Returns one value as an attribute's; `None` leaves it out."""
    if isinstance(value, Secret):
        if value.value is None:
            return None
        if field.fields is None:
            return Secret(_attribute(reveal(value), field, omissions, path))
        return _attribute(spread(value), field, omissions, path)  # a block is no value, so its leaves are secret
    if isinstance(value, Asset):
        omissions.append(
            Omission(path, f"the {value.kind} is a file of the machine that ran Pulumi; name it in Terraform")
        )
        return None
    if isinstance(value, Reference):
        omissions.append(Omission(path, "a whole resource is no value in Terraform"))
        return None
    if field.single:
        return _repeated([value], field, omissions, path)
    if field.repeated and isinstance(value, list):
        return _repeated(value, field, omissions, path)
    if field.kind == "map" and isinstance(value, Mapping):
        if field.fields is not None:
            return dict(_attributes(value, field.fields, omissions, f"{path}."))
        return _map(value, field.element or _ANY, omissions, path)
    return _untyped(value, omissions, path)


def _repeated(values: list[Any], field: Field, omissions: list[Omission], path: str) -> Any:  # noqa: ANN401 - Nested or a list
    if field.fields is None:
        element = field.element or _ANY
        items = [_attribute(item, element, omissions, f"{path}[{number}]") for number, item in enumerate(values)]
        return [item for item in items if item is not None]
    blocks = []
    for number, item in enumerate(values):
        properties = spread(item) if isinstance(item, Secret) else item
        if isinstance(properties, Mapping):
            blocks.append(dict(_attributes(properties, field.fields, omissions, f"{path}[{number}].")))
        elif properties is not None:
            omissions.append(Omission(f"{path}[{number}]", "it is no object, as the provider's mapping says"))
    return Nested(tuple(blocks))


def _map(values: Mapping[str, Any], element: Field, omissions: list[Omission], path: str) -> dict[str, Any]:
    items = {
        key: _attribute(item, element, omissions, f"{path}.{key}") for key, item in values.items() if key != DEFAULTS
    }
    return {key: item for key, item in items.items() if item is not None}


def _untyped(value: Any, omissions: list[Omission], path: str) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value of which the schema tells nothing more as it is, without what is no value in Terraform."""
    if isinstance(value, Mapping):
        return _map(value, _ANY, omissions, path)
    if isinstance(value, list):
        return [_attribute(item, _ANY, omissions, f"{path}[{number}]") for number, item in enumerate(value)]
    return value


def as_aws_answers(inputs: Any, outputs: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns inputs with the numbers that AWS answers.

    The provider has some numbers in 32 bits, so 0.8 comes back as 0.800000012. Terraform would replace a resource for
    that difference (terraform-provider-aws issue 43643).
    """
    if isinstance(inputs, Mapping) and isinstance(outputs, Mapping):
        return {name: as_aws_answers(value, outputs.get(name)) for name, value in inputs.items()}
    if isinstance(inputs, list) and isinstance(outputs, list) and len(inputs) == len(outputs):
        return [as_aws_answers(value, answer) for value, answer in zip(inputs, outputs, strict=True)]
    if isinstance(inputs, float) and isinstance(outputs, float) and abs(inputs) < _MAX_FLOAT32:
        return outputs if struct.unpack("f", struct.pack("f", inputs))[0] == outputs else inputs
    return inputs


def path_to_terraform(path: str, fields: Fields) -> str | None:
    """Returns a property path, such as `ignoreChanges` has, in Terraform's names; `None` if its property is not known.

    Terraform names no element of a set and not every element of a list, so the path ends before such an element: all of
    the set or list is meant then.
    """
    if path == "*":
        return "all"
    translated = ""
    inner: Fields | None = fields
    field: Field | None = None
    for kind, text in _steps(path):
        if kind == "index":
            if field is None or field.kind != "list" or text == "*":
                break
            translated += f"[{text}]"
        elif inner is not None and (field is None or field.kind != "set"):
            if field is not None and field.single:
                translated += "[0]"
            field = inner.by_pulumi.get(text)
            if field is None:
                return None
            translated += f".{field.terraform}" if translated else field.terraform
            inner = field.fields
        elif field is not None and field.kind == "map":
            key = text.replace("\\", "\\\\").replace('"', '\\"')
            translated += f'["{key}"]'
            break
        else:
            break
    return translated or None


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """Yields the steps of a property path, each with its kind: `index` or `name`."""
    position = 0
    while position < len(path) and (match := _STEP.match(path, position)):
        quoted, index, name = match.groups()
        yield ("index", index) if index is not None else ("name", name if quoted is None else _unquoted(quoted))
        position = match.end()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
