"""Writes the Python text to paste into a Pulumi program."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagebridge.bridge.adopt.declare import Call, Declared
from sagebridge.bridge.adopt.discover import ACTION, ALARM, POLICY, TARGET
from sagebridge.bridge.names import identifier, unique
from sagebridge.bridge.secret import Secret, reveal

WIDTH = 120


@dataclass(frozen=True)
class Expression:
    """A piece of Python that stands for a value."""

    text: str


@dataclass(frozen=True)
class Program:
    """The text of a program."""

    text: str
    secrets: Mapping[str, Any]
    """The secret values that it reads from the stack's configuration, by key."""


def write_program(calls: Sequence[Call]) -> Program:
    """Returns the program that declares endpoints."""
    writer = _Writer()
    variables = unique({call.name: [call.name] for call in calls})
    pieces = [piece for call in calls for piece in writer.write(call, variables[call.name])]
    imports = ["import pulumi"] if writer.secrets or any(call.beside for call in calls) else []
    imports += ["import pulumi_aws as aws"] if any(call.beside for call in calls) else []
    head = "\n".join([*imports, *([""] if imports else []), "from sagebridge import SageMakerEndpoint"])
    settings = ["config = pulumi.Config()"] if writer.secrets else []
    return Program("\n\n".join([head, *settings, *pieces]) + "\n", writer.secrets)


class _Writer:
    """Writes calls and collects the secrets in them."""

    def __init__(self) -> None:
        self.secrets: dict[str, Any] = {}

    def write(self, call: Call, variable: str) -> list[str]:
        """Returns the text of a call, and of each resource beside it.

        Args:
            call: The call.
            variable: The name of the variable that it is assigned to.
        """
        arguments = self._without_secrets(call.arguments, call.name)
        pieces = [f"{variable} = {_call('SageMakerEndpoint', [(None, call.name), (None, arguments)])}"]
        outputs: dict[str, Expression] = {}
        for declared in call.beside:
            text = self._beside(declared, call, variable, outputs)
            attributes = reveal(declared.origin.attributes)
            name = f"{variable}_{identifier(declared.name.removeprefix(f'{call.name}-')).lower()}"
            if declared.origin.type == TARGET:
                outputs[str(attributes["resource_id"])] = Expression(f"{name}.resource_id")
            elif declared.origin.type == POLICY:
                outputs[str(attributes.get("arn"))] = Expression(f"{name}.arn")
            pieces.append(f"{name} = {text}" if declared.origin.type in (TARGET, POLICY) else text)
        return pieces

    def _beside(self, declared: Declared, call: Call, variable: str, outputs: Mapping[str, Expression]) -> str:
        """Returns a resource's text.

        What it takes from another resource is no literal, so that they are made in order.

        Args:
            declared: The resource.
            call: The call that it is beside.
            variable: The name of the variable that the call is assigned to.
            outputs: Expressions of the resources before it, by the value that they have.
        """
        arguments = self._without_secrets(declared.arguments, declared.name)
        endpoint_name = Expression(f"{variable}.endpoint_name")
        if declared.origin.type == ALARM:
            if arguments.get("dimensions", {}).get("EndpointName") == call.name:
                arguments["dimensions"] = {**arguments["dimensions"], "EndpointName": endpoint_name}
            if actions := arguments.get("alarm_actions"):
                arguments["alarm_actions"] = [outputs.get(action, action) for action in actions]
        elif declared.origin.type in (POLICY, ACTION):
            arguments["resource_id"] = outputs.get(arguments["resource_id"], arguments["resource_id"])
        elif declared.origin.type == TARGET:
            path = str(arguments["resource_id"]).removeprefix(f"endpoint/{call.name}")
            arguments["resource_id"] = Expression(
                f'pulumi.Output.concat("endpoint/", {endpoint_name.text}, {_literal(path)})'
            )
        parent = Expression(f"pulumi.ResourceOptions(parent={variable})")
        module, name = re.fullmatch(r"aws:(\w+)/\w+:(\w+)", declared.token, re.ASCII).groups()  # type: ignore[union-attr]
        return _call(f"aws.{module}.{name}", [(None, declared.name), *arguments.items(), ("opts", parent)])

    def _without_secrets(self, value: Any, path: str) -> Any:  # noqa: ANN401 - any argument
        if isinstance(value, Secret):
            key = re.sub(r"[^A-Za-z0-9_-]", "-", path)
            self.secrets[key] = value.value
            method = "require_secret" if isinstance(value.value, str) else "require_secret_object"
            return Expression(f"config.{method}({_literal(key)})")
        if isinstance(value, dict):
            return {key: self._without_secrets(item, f"{path}-{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._without_secrets(item, f"{path}-{number}") for number, item in enumerate(value)]
        return value


def _call(function: str, arguments: Sequence[tuple[str | None, Any]]) -> str:
    """Returns a call, one argument a line; an argument without a name is positional."""
    lines = [f"    {f'{name}=' if name else ''}{_expression(value, 1)}," for name, value in arguments]
    return "\n".join([f"{function}(", *lines, ")"])


def _expression(value: Any, depth: int) -> str:  # noqa: ANN401 - any argument
    """Returns a value's text, in lines if it is long."""
    match value:
        case Expression(text):
            return text
        case str():
            return _literal(value)
        case dict():
            items = [f"{_literal(key)}: {_expression(item, depth + 1)}" for key, item in value.items()]
            return _display("{", items, "}", depth)
        case list():
            return _display("[", [_expression(item, depth + 1) for item in value], "]", depth)
        case _:
            return repr(value)


def _display(begin: str, items: list[str], end: str, depth: int) -> str:
    line = f"{begin}{', '.join(items)}{end}"
    if "\n" not in line and len(line) + 4 * depth < WIDTH // 2:
        return line
    indent = "    " * (depth + 1)
    return "\n".join([begin, *(f"{indent}{item}," for item in items), "    " * depth + end])


def _literal(value: str) -> str:
    """Returns a string literal, in double quotes where that needs no escape."""
    literal = repr(value)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in value else literal
