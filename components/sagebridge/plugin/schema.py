"""Makes the schema that Pulumi infers from the arguments' types readable in the other languages."""

import gc
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, is_typeddict

from sagebridge.endpoint import args, cost
from sagebridge.endpoint.refusal import camel_case


@contextmanager
def no_garbage_collected() -> Iterator[None]:
    """Lets no garbage be collected meanwhile, so that source code can be parsed.

    Otherwise Python 3.11 may fail with "AST constructor recursion depth mismatch" (python/cpython issue 106905).
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def readable(inferred: str, docstring: Callable[[type, str], str | None]) -> str:
    """Returns a schema in which every field is described, and each type has its plain name.

    Pulumi finds no docstring of a field that is inherited. And what generates a library for a language adds ``Args`` to
    the name of a type by itself.

    Args:
        inferred: The schema, in JSON.
        docstring: Returns what stands below a field in a class itself, if anything does.
    """
    schema = json.loads(inferred)
    (component,) = schema["resources"].values()
    kinds = {"SageMakerEndpointArgs": component["inputProperties"]}
    kinds |= {token.rpartition(":")[2]: kind["properties"] for token, kind in schema["types"].items()}
    for name, properties in kinds.items():
        kind = getattr(cost if name == cost.InstanceHours.__name__ else args, name)
        fields = {camel_case(field): field for field in kind.__annotations__}
        for property_name, definition in properties.items():
            described = (docstring(ancestor, fields[property_name]) for ancestor in _lineage(kind))
            definition["description"] = next(filter(None, described))
    text = json.dumps(_in_markdown(schema), indent=2, ensure_ascii=False)
    return re.sub(r"(sagebridge:index:\w+)Args\b", r"\1", text) + "\n"


def _lineage(kind: type) -> Iterator[type]:
    """Yields a class of arguments, and then those that it may inherit from, whose fields it has all.

    Python 3.11 does not tell what a typed dictionary inherits from.
    """
    yield kind
    for other in vars(args).values():
        if is_typeddict(other) and other.__annotations__.keys() < kind.__annotations__.keys():
            yield other


def _in_markdown(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Returns a schema with its descriptions in Markdown, and the fields in them by their names in it."""
    if isinstance(value, Mapping):
        return {key: _markdown(inner) if key == "description" else _in_markdown(inner) for key, inner in value.items()}
    return [_in_markdown(inner) for inner in value] if isinstance(value, list) else value


def _markdown(text: str) -> str:
    text = re.sub(r":\w+:`([\w.]+)`", r"`\1`", inspect.cleandoc(text))
    return camel_case(text.replace("``", "`"))
