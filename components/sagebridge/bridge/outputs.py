"""A stack's outputs as a Terraform state without resources, which ``terraform_remote_state`` reads."""

import json
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.stack.state import Asset, Reference, Secret, Stack, reveal, settled
from sagebridge.bridge.terraform import state as tfstate

ORIGIN = "pulumi_stack"
"""The output that says whose outputs they are, and of when."""
NAMESPACE = uuid.UUID("6f0d4c1e-6f4f-5c52-9a38-1d0f0c5f6b0e")
"""Ours; states of the same stack have the same lineage."""


class Carried(NamedTuple):
    """What goes over.

    Attributes:
        outputs: as the state's format has them.
        left_out: names of the others, each with the reason.
    """

    outputs: dict[str, dict[str, Any]]
    left_out: dict[str, str]


def carried(stack: Stack, with_secrets: Collection[str] = ()) -> Carried:
    """Return the stack's outputs, typed, and `ORIGIN`.

    Args:
        stack: the stack.
        with_secrets: names of secret outputs to carry, in clear.

    Raises:
        BridgeError: There is no output of such a name, one has the name of `ORIGIN`, or see `deployment.settled`.
    """
    settled(stack)
    if missing := sorted(set(with_secrets) - set(stack.outputs)):
        has = ", ".join(sorted(stack.outputs)) or "none"
        raise BridgeError(f"the stack {stack.name} has no output {', '.join(missing)} (it has: {has})")
    if ORIGIN in stack.outputs:
        raise BridgeError(f"the stack's output {ORIGIN} has a name that is taken here: give it another")
    found, left_out = {}, {}
    for name, value in stack.outputs.items():
        if _holds(value, Asset | Reference):
            left_out[name] = "a resource, file or archive has no form in a Terraform state: export what of it is needed"
        elif _holds(value, Secret) and name not in with_secrets:
            left_out[name] = f"secret; Terraform keeps states in clear. With --with-secret {name} it is written so"
        else:
            plain = reveal(value)
            sensitive = {"sensitive": True} if _holds(value, Secret) else {}
            found[name] = {"value": plain, "type": type_of(plain), **sensitive}
    origin = {"project": stack.project, "stack": stack.name, "time": _utc(stack.time), "pulumi": stack.version}
    found[ORIGIN] = {"value": origin, "type": type_of(origin)}
    return Carried(found, left_out)


def updated(stack: Stack, outputs: Mapping[str, Any], before: str | None, where: str) -> str | None:
    """Return the state's new text, or None if the one that is there says the same.

    Args:
        stack: the stack.
        outputs: see `carried`.
        before: the text that is there, or None.
        where: its place, for messages.

    Raises:
        BridgeError: What is there is no state, has resources, or is not this stack's.
    """
    lineage = str(uuid.uuid5(NAMESPACE, f"{stack.project}/{stack.name}"))
    serial = 1
    if before is not None:
        old = tfstate.parse(before, where)
        if old.resources or old.lineage != lineage:
            why = "it manages resources" if old.resources else f"its lineage {old.lineage or 'none'} is another's"
            raise BridgeError(
                f"{where} is a Terraform state that is not the outputs of {stack.project}/{stack.name}: {why}. It is"
                " not touched; choose a path or key that nothing else writes"
            )
        if json.loads(before)["outputs"] == outputs:
            return None
        serial = old.serial + 1
    state = {
        "version": tfstate.VERSION,
        "terraform_version": "1.5.0",
        "serial": serial,
        "lineage": lineage,
        "outputs": outputs,
        "resources": [],
        "check_results": None,
    }
    return json.dumps(state, indent=2, ensure_ascii=False) + "\n"


def sensitive(text: str, where: str) -> list[str]:
    """Return the names of the sensitive outputs that a state has."""
    return [name for name, output in tfstate.parse(text, where).outputs.items() if isinstance(output.value, Secret)]


def type_of(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Return the type of a value as cty writes it (zclconf/go-cty, cty/json/type.go)."""
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


def _holds(value: Any, kind: Any) -> bool:  # noqa: ANN401 - any value, any type
    if isinstance(value, kind):
        return True
    if isinstance(value, Secret):
        return _holds(value.value, kind)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_holds(item, kind) for item in items)


def _utc(time: str) -> str:
    """Return a time as Terraform's `timecmp` takes it: RFC 3339, whole seconds, UTC."""
    try:
        return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise BridgeError(f"the stack's state says no time of its writing ({time!r}): run `pulumi up` once") from None
