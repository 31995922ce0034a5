"""The work of `sagebridge outputs`: a stack's outputs as a Terraform state, which `terraform_remote_state` reads.

The state has no resources.
"""

import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sagebridge.bridge.secret import Secret, reveal
from sagebridge.bridge.stack.cli import export_stack
from sagebridge.bridge.stack.state import Stack, check_settled, parse_stack
from sagebridge.bridge.stack.values import Asset, Reference
from sagebridge.bridge.terraform.state import parse_state
from sagebridge.bridge.terraform.storage import StateStorage
from sagebridge.errors import UserError
from sagebridge.terraform_state.text import VERSION

ORIGIN = "pulumi_stack"
"""The output that says which stack the outputs are of, and of which time."""
NAMESPACE = uuid.UUID("6f0d4c1e-6f4f-5c52-9a38-1d0f0c5f6b0e")
"""The namespace of lineages: all states of one stack have the same."""


class Written(NamedTuple):
    """What `write_outputs` did."""

    changed: bool
    """Whether a state was written; otherwise the one that was there is up to date."""
    outputs: list[str]
    """Names of the outputs in the state."""
    left_out: dict[str, str]
    """The reason by the name of each other output."""


class StateOutputs(NamedTuple):
    """A stack's outputs in the form of Terraform's state."""

    outputs: dict[str, dict[str, Any]]
    """As the state's format has them."""
    left_out: dict[str, str]
    """The reason by the name of each other output."""


def write_outputs(stack: str, storage: StateStorage, secrets: Collection[str]) -> Written:
    """Writes a stack's outputs, if the state does not say the same already.

    Args:
        stack: The stack's name.
        storage: Where the state goes.
        secrets: Names of secret outputs to write, in clear.

    Raises:
        UserError: `pulumi` fails, the state cannot be written, or see `state_outputs` and `updated_state`.
    """
    state = parse_stack(export_stack(stack))
    outputs, left_out = state_outputs(state, secrets)
    text = updated_state(state, outputs, storage.read(), str(storage))
    if text is not None:
        storage.write(text)
    return Written(text is not None, sorted(outputs), left_out)


def state_outputs(stack: Stack, secrets: Collection[str] = ()) -> StateOutputs:
    """Returns a stack's outputs with their types, and `ORIGIN`.

    Args:
        stack: The stack.
        secrets: Names of secret outputs to carry, in clear.

    Raises:
        UserError: The stack is not settled, has no output of one of those names, or has one with the name of `ORIGIN`.
    """
    check_settled(stack)
    if missing := sorted(set(secrets) - set(stack.outputs)):
        names = ", ".join(sorted(stack.outputs)) or "none"
        raise UserError(f"the stack {stack.name} has no output {', '.join(missing)} (it has: {names})")
    if ORIGIN in stack.outputs:
        raise UserError(f"the bridge writes an output {ORIGIN} of its own: give the stack's output another name")
    outputs, left_out = {}, {}
    for name, value in stack.outputs.items():
        if _contains(value, Asset | Reference):
            left_out[name] = "a resource, file or archive has no form in a Terraform state: export what is needed of it"
        elif _contains(value, Secret) and name not in secrets:
            left_out[name] = f"secret; Terraform keeps states in clear. Write it with --with-secret {name}"
        else:
            plain = reveal(value)
            sensitive = {"sensitive": True} if _contains(value, Secret) else {}
            outputs[name] = {"value": plain, "type": type_of(plain), **sensitive}
    origin = {"project": stack.project, "stack": stack.name, "time": _utc(stack), "pulumi": stack.version}
    outputs[ORIGIN] = {"value": origin, "type": type_of(origin)}
    return StateOutputs(outputs, left_out)


def updated_state(stack: Stack, outputs: Mapping[str, Any], previous: str | None, location: str) -> str | None:
    """Returns the new text of a state, or `None` if the state that is there says the same.

    Args:
        stack: The stack.
        outputs: Its outputs; see `state_outputs`.
        previous: The text that is there, if any.
        location: Where it is, for messages.

    Raises:
        UserError: What is there is not a state, has resources, or is not of this stack.
    """
    lineage = str(uuid.uuid5(NAMESPACE, f"{stack.project}/{stack.name}"))
    serial = 1
    if previous is not None:
        state = parse_state(previous, location)
        if state.resources or state.lineage != lineage:
            reason = "it manages resources" if state.resources else f"its lineage is {state.lineage or 'empty'}"
            raise UserError(
                f"{location} is a Terraform state that is not the outputs of {stack.project}/{stack.name}: {reason}."
                " It is left as it is; choose a path or key that nothing else writes"
            )
        if json.loads(previous)["outputs"] == outputs:
            return None
        serial = state.serial + 1
    document = {
        "version": VERSION,
        "terraform_version": "1.5.0",
        "serial": serial,
        "lineage": lineage,
        "outputs": outputs,
        "resources": [],
        "check_results": None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def sensitive_outputs(text: str, location: str) -> list[str]:
    """Returns the names of the sensitive outputs of a state."""
    outputs = parse_state(text, location).outputs
    return [name for name, output in outputs.items() if isinstance(output.value, Secret)]


def type_of(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Returns the type of a value as cty writes it (zclconf/go-cty, cty/json/type.go)."""
    match value:
        case None:
            return "dynamic"
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return ["tuple", [type_of(item) for item in value]]
        case _:
            return ["object", {key: type_of(item) for key, item in value.items()}]


def _contains(value: Any, kind: Any) -> bool:  # noqa: ANN401 - any value, any type
    if isinstance(value, kind):
        return True
    if isinstance(value, Secret):
        return _contains(value.value, kind)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_contains(item, kind) for item in items)


def _utc(stack: Stack) -> str:
    """Returns when a state was written as Terraform's `timecmp` takes it: RFC 3339, whole seconds, UTC."""
    if stack.written_at is None:
        raise UserError(f"the stack's state does not say when it was written ({stack.time!r}): run `pulumi up` once")
    return stack.written_at.strftime("%Y-%m-%dT%H:%M:%SZ")
