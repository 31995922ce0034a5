"""Says how a program reads what stays with Terraform, where it names it by literals."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sagebridge.bridge.adopt.declare import Call
from sagebridge.bridge.terraform.state import State

_BUCKET = re.compile(r"s3://([^/]+)")
_MODEL_DATA = ("model_data_url", "s3_uri")
"""Names of the arguments that say where a model's archive is."""


def base_hint(calls: Iterable[Call], state: State, location: str) -> str:
    """Returns how `TerraformBase` reads the roles and the buckets of calls; empty if they name none.

    Args:
        calls: The calls.
        state: The state that the endpoints are in.
        location: Where that state is.
    """
    texts = [text for call in calls for text in _texts(call.arguments)]
    literals = {
        "execution_role_arn": _distinct(text for name, text in texts if name == "execution_role_arn"),
        "bucket_name": _distinct(
            bucket[1] for name, text in texts if name in _MODEL_DATA and (bucket := _BUCKET.match(text))
        ),
    }
    lines = [
        f"     - `{literal}`: `base.{name}`{_output(literal, name, state)}"
        for name, values in literals.items()
        for literal in values
    ]
    if not lines:
        return ""
    return (
        "\n   These stay with Terraform, and are literals in the program. To write them only once, read them from the"
        " outputs of the\n   state that manages them, by `TerraformState` or by `TerraformBase`:\n\n"
        f"     - `base = TerraformBase.read({location!r})`, if it is this state\n" + "\n".join(lines) + "\n"
    )


def _output(literal: str, name: str, state: State) -> str:
    """Returns which output of the state has a literal as its value, if one does."""
    outputs = [output for output, item in state.outputs.items() if item.value == literal]
    if not outputs:
        return "; this state has no output of it"
    if name in outputs:
        return ""
    return f", with `outputs={{{name!r}: {outputs[0]!r}}}`"


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any argument
    """Yields the texts within arguments, each with the name of its argument."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for inner_name, item in value.items():
            yield from _texts(item, inner_name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)


def _distinct(values: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(values))
