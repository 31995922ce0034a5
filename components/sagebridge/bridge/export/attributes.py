"""A resource's properties in Pulumi's names and nesting ↔ its attributes in Terraform's."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sagebridge.bridge.stack.mapping import Field, Fields
from sagebridge.bridge.stack.state import Asset, Reference, Secret, reveal
from sagebridge.bridge.terraform.hcl import Nested

DEFAULTS = "__defaults"
_MOST_FLOAT32 = 3e38
_STEP = re.compile(r'\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+))')


class Left(NamedTuple):
    """A property that was left out.

    Attributes:
        path: where it stands, in Terraform's names as far as they are known.
        reason: why.
    """

    path: str
    reason: str


def to_terraform(
    properties: Mapping[str, Any], fields: Fields, left: list[Left], keep: Callable[[Field], bool] = lambda _: True
) -> dict[str, Any]:
    """Translate properties into attributes; what has no value is left out without a word.

    Args:
        properties: a resource's inputs or outputs, a block's, or the provider's settings.
        fields: of the same.
        left: is given what could not be translated.
        keep: tells which fields of the outermost level are wanted.
    """
    return dict(_attributes(properties, fields, left, "", keep))


def _attributes(
    properties: Mapping[str, Any], fields: Fields, left: list[Left], at: str, keep: Callable[[Field], bool]
) -> Iterator[tuple[str, Any]]:
    for name, value in properties.items():
        if value is None or name.startswith("__"):
            continue
        field = fields.by_pulumi.get(name)
        if field is None:
            if name != "id":
                left.append(Left(at + name, "the provider's mapping has no such property"))
        elif keep(field):
            translated = _attribute(value, field, left, at + field.terraform)
            if translated is not None:
                yield field.terraform, translated


def _attribute(value: Any, field: Field, left: list[Left], at: str) -> Any:  # noqa: ANN401, PLR0911 - a return a kind
    """Translate one value; ``None`` leaves it out."""
    if isinstance(value, Secret):
        if value.value is None:
            return None
        if field.fields is None:
            return Secret(_attribute(reveal(value), field, left, at))
        return _attribute(_spread(value.value), field, left, at)  # a block is no value, so its leaves are secret
    if isinstance(value, Asset):
        left.append(Left(at, f"the {value.kind} is a file of the machine that ran Pulumi; name it in Terraform"))
        return None
    if isinstance(value, Reference):
        left.append(Left(at, "a whole resource is no value in Terraform"))
        return None
    if field.one:
        return _repeated([value], field, left, at)
    if field.repeated and isinstance(value, list):
        return _repeated(value, field, left, at)
    if field.kind == "map" and isinstance(value, Mapping):
        if field.fields is not None:
            return dict(_attributes(value, field.fields, left, f"{at}.", lambda _: True))
        element = field.element or _ANY
        items = {key: _attribute(item, element, left, f"{at}.{key}") for key, item in value.items() if key != DEFAULTS}
        return {key: item for key, item in items.items() if item is not None}
    return _plain(value, left, at)


def _repeated(values: list[Any], field: Field, left: list[Left], at: str) -> Any:  # noqa: ANN401 - Nested or a list
    if field.fields is None:
        items = [_attribute(item, field.element or _ANY, left, f"{at}[{n}]") for n, item in enumerate(values)]
        return [item for item in items if item is not None]
    blocks = []
    for number, item in enumerate(values):
        inner = _spread(item.value) if isinstance(item, Secret) else item
        if isinstance(inner, Mapping):
            blocks.append(dict(_attributes(inner, field.fields, left, f"{at}[{number}].", lambda _: True)))
        elif inner is not None:
            left.append(Left(f"{at}[{number}]", "it is no object, as the provider's mapping says"))
    return Nested(tuple(blocks))


def _plain(value: Any, left: list[Left], at: str) -> Any:  # noqa: ANN401 - JSON's types
    """Translate what the schema tells nothing more of: as it is, but for what is no value there."""
    if isinstance(value, Mapping):
        items = {key: _attribute(item, _ANY, left, f"{at}.{key}") for key, item in value.items() if key != DEFAULTS}
        return {key: item for key, item in items.items() if item is not None}
    if isinstance(value, list):
        return [_attribute(item, _ANY, left, f"{at}[{number}]") for number, item in enumerate(value)]
    return value


def _spread(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Make what stands in a secret block, or in a list of them, secret each on its own."""
    if isinstance(value, Secret):
        return _spread(value.value)
    if isinstance(value, Mapping):
        return {key: item if key == DEFAULTS else Secret(item) for key, item in value.items()}
    return [Secret(item) for item in value] if isinstance(value, list) else value


_ANY = Field("", "", "any")


def as_read(inputs: Any, outputs: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Return inputs with the numbers that AWS answers: the provider has some in 32 bits, so 0.8 comes back 0.800000012.

    Terraform would replace a resource for that difference (terraform-provider-aws issue 43643).
    """
    if isinstance(inputs, Mapping) and isinstance(outputs, Mapping):
        return {name: as_read(value, outputs.get(name)) for name, value in inputs.items()}
    if isinstance(inputs, list) and isinstance(outputs, list) and len(inputs) == len(outputs):
        return [as_read(value, told) for value, told in zip(inputs, outputs, strict=True)]
    if isinstance(inputs, float) and isinstance(outputs, float) and abs(inputs) < _MOST_FLOAT32:
        return outputs if struct.unpack("f", struct.pack("f", inputs))[0] == outputs else inputs
    return inputs


def to_pulumi(attributes: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Translate a Terraform state's attributes into Pulumi's properties; unknown ones are left out.

    A list with no element that Pulumi has as its one element is none.
    """
    found = {}
    for name, value in attributes.items():
        field = fields.by_terraform.get(name)
        if field is not None:
            found[field.pulumi] = _property(value, field)
    return found


def _property(value: Any, field: Field) -> Any:  # noqa: ANN401 - JSON's types
    if value is None:
        return None
    if field.repeated and isinstance(value, list):
        items = [_element(item, field) for item in value]
        return (items[0] if items else None) if field.one else items
    if field.kind == "map" and isinstance(value, Mapping):
        if field.fields is not None:
            return to_pulumi(value, field.fields)
        return {key: _property(item, field.element or _ANY) for key, item in value.items()}
    return value


def _element(value: Any, field: Field) -> Any:  # noqa: ANN401 - JSON's types
    if field.fields is not None:
        return to_pulumi(value, field.fields) if isinstance(value, Mapping) else value
    return _property(value, field.element or _ANY)


def path_to_terraform(path: str, fields: Fields) -> str | None:
    """Return a property path, as `ignoreChanges` has them, in Terraform's names, or none if its property is not known.

    Terraform names no element of a set and not every element of a list, so that path ends before it: all of the set or
    list is meant then.
    """
    if path == "*":
        return "all"
    found = ""
    within: Fields | None = fields
    field: Field | None = None
    for kind, text in _steps(path):
        if kind == "index":
            if field is None or field.kind != "list" or text == "*":
                break
            found += f"[{text}]"
        elif within is not None and (field is None or field.kind != "set"):
            if field is not None and field.one:
                found += "[0]"
            field = within.by_pulumi.get(text)
            if field is None:
                return None
            found += f".{field.terraform}" if found else field.terraform
            within = field.fields
        elif field is not None and field.kind == "map":
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            found += f'["{quoted}"]'
            break
        else:
            break
    return found or None


def _steps(path: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(path) and (match := _STEP.match(path, at)):
        quoted, index, name = match.groups()
        yield ("index", index) if index is not None else ("name", name if quoted is None else _unquoted(quoted))
        at = match.end()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
