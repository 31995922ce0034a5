"""Reads the configuration of a program's stack as the project's ``Pulumi.yaml`` declares it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml

from sagebridge import _sdk
from sagebridge.project import find_project_file
from sagebridge.redaction import concealed
from sagebridge.validation import Problem, message
from sagebridge.wording import did_you_mean

_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "integer": ((int,), "must be a whole number"),
    "number": ((int, float), "must be a number"),
    "boolean": ((bool,), "must be true or false"),
    "array": ((list,), "must be a list"),
    "object": ((dict,), "must be an object"),
}
"""What a value is after it was read as JSON, and what is said if it is not, by the type that Pulumi.yaml declares."""
_PATH = "Set what is in it with `pulumi config set --path '{}' …`."
_FIXES = {"array": _PATH.format("{key}[0]"), "object": _PATH.format("{key}.name")}
_FIX = "Set it with `pulumi config set {key} …`."


def read_configuration() -> dict[str, Any]:
    """Returns the configuration of the stack by key, each value of the type that ``Pulumi.yaml`` declares.

    A key that is not set has the default of ``Pulumi.yaml``, and is missing if there is none. A secret is an output,
    and so is each value in an object that is a secret.

    Raises:
        pulumi.RunError: A key is set that ``Pulumi.yaml`` does not declare, a value is of another type, a boolean is a
            secret, or there is no ``Pulumi.yaml`` in the current folder or above it. The message names every problem.
    """
    declared, config = _declared(), pulumi.Config()
    problems = [
        Problem(
            key,
            "is not a key that Pulumi.yaml declares",
            fix=f"{did_you_mean(key, declared)} Remove it with `pulumi config rm {key}`.".lstrip(),
        )
        for key in _sdk.configuration_keys(config.name)
        if key not in declared
    ]
    values = {}
    for key, schema in declared.items():
        text, secret = config.get(key), pulumi.runtime.is_config_secret(config.full_key(key))
        if text is None:
            if "default" in schema:
                values[key] = schema["default"]
            continue
        value = _parsed(key, schema.get("type", "string"), text, secret=secret)
        if isinstance(value, Problem):
            problems.append(value)
        else:
            values[key] = _hidden(value) if secret else value
    if problems:
        raise pulumi.RunError(message(f"The configuration of stack {pulumi.get_stack()} cannot be used", problems))
    return values


def _declared() -> dict[str, Mapping[str, Any]]:
    """Returns the project's own keys with what Pulumi.yaml says of each."""
    file = find_project_file(Path.cwd())
    if file is None:
        raise pulumi.RunError(f"There is no Pulumi.yaml in {Path.cwd()} or above it, which declares the configuration.")
    project = yaml.safe_load(file.read_text())
    namespace = f"{project['name']}:"
    keys = {key.removeprefix(namespace): schema for key, schema in (project.get("config") or {}).items()}
    return {
        key: schema if isinstance(schema, Mapping) else {"default": schema}
        for key, schema in keys.items()
        if ":" not in key
    }


def _parsed(key: str, kind: str, text: str, *, secret: bool) -> Any:  # noqa: ANN401 - of any of the kinds, or a problem
    """Returns a value as what it is declared to be, or the problem."""
    if secret and kind == "boolean":
        fix = f"Set it again with `pulumi config set --plaintext {key} …`."
        return Problem(key, "must not be a secret, because it decides what is declared", fix=fix)
    if kind not in _KINDS:
        return text
    types, rule = _KINDS[kind]
    try:
        value = json.loads(text.lower() if kind == "boolean" else text)
    except ValueError:
        value = None
    if isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool)):
        return value
    return Problem(key, rule, concealed(text) if secret else text, _FIXES.get(kind, _FIX).format(key=key))


def _hidden(value: object) -> object:
    """Returns a secret value as an output; of an object each value, as its keys decide what is declared."""
    if isinstance(value, Mapping):
        return {key: pulumi.Output.secret(inner) for key, inner in value.items()}
    return pulumi.Output.secret(value)
