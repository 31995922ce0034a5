"""The Python text to paste into a Pulumi program. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.adopt.compare import Call, Declared
from sagebridge.bridge.adopt.discover import ACTION, ALARM, POLICY, TARGET
from sagebridge.bridge.stack.state import Secret, reveal
from sagebridge.bridge.terraform.names import identifier, unique

WIDTH = 120


@dataclass(frozen=True)
class Expression:
    """A piece of Python that stands for a value."""

    text: str


@dataclass(frozen=True)
class Source:
    """A program's text.

    Attributes:
        text: the text.
        secrets: the secret values that it reads from the stack's configuration, by key.
    """

    text: str
    secrets: Mapping[str, Any]


def program(calls: Sequence[Call]) -> Source:
    """Return the text that declares endpoints."""
    writer = _Writer()
    variables = unique({call.name: [call.name] for call in calls})
    pieces = [piece for call in calls for piece in writer.call(call, variables[call.name])]
    imports = ["import pulumi"] if writer.secrets or any(call.beside for call in calls) else []
    imports += ["import pulumi_aws as aws"] if any(call.beside for call in calls) else []
    head = "\n".join([*imports, *([""] if imports else []), "from sagebridge import SageMakerEndpoint"])
    settings = ["config = pulumi.Config()"] if writer.secrets else []
    return Source("\n\n".join([head, *settings, *pieces]) + "\n", writer.secrets)


class _Writer:
    def __init__(self) -> None:
        self.secrets: dict[str, Any] = {}

    def call(self, call: Call, variable: str) -> list[str]:
        """Return the text of one call, and of each resource beside it."""
        arguments = self._without_secrets(call.arguments, call.name)
        pieces = [f"{variable} = {_written('SageMakerEndpoint', [(None, call.name), (None, arguments)])}"]
        made: dict[str, Expression] = {}
        for each in call.beside:
            own = f"{variable}_{identifier(each.name.removeprefix(f'{call.name}-')).lower()}"
            text = self._beside(each, call, variable, made)
            needed = each.origin.type in (TARGET, POLICY)
            pieces.append(f"{own} = {text}" if needed else text)
            attributes = reveal(each.origin.attributes)
            if each.origin.type == TARGET:
                made[str(attributes["resource_id"])] = Expression(f"{own}.resource_id")
            elif each.origin.type == POLICY:
                made[str(attributes.get("arn"))] = Expression(f"{own}.arn")
        return pieces

    def _beside(self, each: Declared, call: Call, variable: str, made: Mapping[str, Expression]) -> str:
        """Return a resource's text; what it takes from another of them is no literal, so that they come in order."""
        given = self._without_secrets(each.arguments, each.name)
        name = Expression(f"{variable}.endpoint_name")
        if each.origin.type == ALARM:
            if given.get("dimensions", {}).get("EndpointName") == call.name:
                given["dimensions"] = {**given["dimensions"], "EndpointName": name}
            if actions := given.get("alarm_actions"):
                given["alarm_actions"] = [made.get(action, action) for action in actions]
        elif each.origin.type in (POLICY, ACTION):
            given["resource_id"] = made.get(given["resource_id"], given["resource_id"])
        elif each.origin.type == TARGET:
            path = str(given["resource_id"]).removeprefix(f"endpoint/{call.name}")
            given["resource_id"] = Expression(f'pulumi.Output.concat("endpoint/", {name.text}, {_text(path)})')
        parent = Expression(f"pulumi.ResourceOptions(parent={variable})")
        module, kind = re.fullmatch(r"aws:(\w+)/\w+:(\w+)", each.token, re.ASCII).groups()  # type: ignore[union-attr]
        return _written(f"aws.{module}.{kind}", [(None, each.name), *given.items(), ("opts", parent)])

    def _without_secrets(self, value: Any, path: str) -> Any:  # noqa: ANN401 - any argument
        if isinstance(value, Secret):
            key = re.sub(r"[^A-Za-z0-9_-]", "-", path)
            self.secrets[key] = value.value
            kind = "require_secret" if isinstance(value.value, str) else "require_secret_object"
            return Expression(f"config.{kind}({_text(key)})")
        if isinstance(value, dict):
            return {key: self._without_secrets(item, f"{path}-{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._without_secrets(item, f"{path}-{number}") for number, item in enumerate(value)]
        return value


def _written(function: str, arguments: Sequence[tuple[str | None, Any]]) -> str:
    """Return a call, one argument a line."""
    lines = [f"    {f'{name}=' if name else ''}{_value(value, 1)}," for name, value in arguments]
    return "\n".join([f"{function}(", *lines, ")"])


def _value(value: Any, depth: int) -> str:  # noqa: ANN401 - any argument
    """Return a value's text, in lines if it is long."""
    match value:
        case Expression(text):
            return text
        case str():
            return _text(value)
        case dict():
            items = [f"{_text(key)}: {_value(item, depth + 1)}" for key, item in value.items()]
            return _listed("{", items, "}", depth)
        case list():
            return _listed("[", [_value(item, depth + 1) for item in value], "]", depth)
        case _:
            return repr(value)


def _listed(begin: str, items: list[str], end: str, depth: int) -> str:
    line = f"{begin}{', '.join(items)}{end}"
    if "\n" not in line and len(line) + 4 * depth < WIDTH // 2:
        return line
    inner = "    " * (depth + 1)
    return "\n".join([begin, *(f"{inner}{item}," for item in items), "    " * depth + end])


def _text(value: str) -> str:
    """Return a string literal, in double quotes where that needs no escape."""
    written = repr(value)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in value else written
