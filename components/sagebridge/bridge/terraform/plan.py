"""The verdict on a plan's JSON: it imports what is expected, and nothing would change. Pure.

The form is Terraform's documented one (JSON output format, `resource_changes`); exit codes do not tell, as a plan that
only imports ends like one with changes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sagebridge.bridge.errors import BridgeError

HIDDEN = "(secret)"
UNKNOWN = "(known after apply)"
_ABSENT = object()


class Difference(NamedTuple):
    """Something that is not as it must be.

    Attributes:
        address: the resource's, or the output's.
        attribute: its attribute; empty where it is about the whole.
        what: what would happen to it.
    """

    address: str
    attribute: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


def verdict(plan: Mapping[str, Any], expected: Iterable[str]) -> list[Difference]:
    """Return what is against a plan; nothing means that it only imports the resources that are expected, as they are.

    Args:
        plan: what `terraform show -json` printed.
        expected: addresses.

    Raises:
        BridgeError: It is no plan.
    """
    try:
        changes = {change["address"]: change["change"] for change in plan.get("resource_changes", [])}
        found = [Difference(address, "", "is not in the plan") for address in expected if address not in changes]
        for address, change in changes.items():
            found += _resource(address, change, expected=address in expected)
        for name, change in plan.get("output_changes", {}).items():
            if change["actions"] != ["no-op"]:
                found.append(Difference(f"output.{name}", "", _would(change["actions"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise BridgeError(
            f"the plan has another form than Terraform writes ({type(error).__name__}: {error})"
        ) from None
    if plan.get("errored") or plan.get("complete") is False:
        found.append(Difference("the plan", "", "is not complete"))
    return found


def _resource(address: str, change: Mapping[str, Any], *, expected: bool) -> Iterator[Difference]:
    actions = change["actions"]
    if not expected:
        yield Difference(address, "", f"{_would(actions)}, and is not of the stack")
        return
    if actions != ["no-op"] and not _only_marked(change):
        details = list(_attributes(change))
        if not details or actions != ["update"]:
            yield Difference(address, "", _would(actions))
        yield from (Difference(address, attribute, what) for attribute, what in details)
    elif not change.get("importing"):
        yield Difference(address, "", "would not be imported")


def _only_marked(change: Mapping[str, Any]) -> bool:
    """Tell whether an update only makes values sensitive in Terraform's state.

    Terraform calls it an update where an equal value comes from a sensitive variable (internal/terraform,
    node_resource_abstract_instance.go: "If we plan to write or delete sensitive paths from state, this is an Update").
    """
    return (
        change["actions"] == ["update"]
        and change["before"] == change["after"]
        and not _any(change.get("after_unknown"))
        and change.get("before_sensitive") != change.get("after_sensitive")
    )


def _any(marks: Any) -> bool:  # noqa: ANN401 - Terraform's marks: true, or in the form of the value
    if isinstance(marks, Mapping):
        return any(_any(mark) for mark in marks.values())
    return any(_any(mark) for mark in marks) if isinstance(marks, list) else bool(marks)


def _would(actions: list[str]) -> str:
    words: dict[tuple[str, ...], str] = {
        ("create",): "created",
        ("update",): "updated",
        ("delete",): "destroyed",
        ("read",): "read",
    }
    words |= {("no-op",): "left alone", ("forget",): "forgotten"}
    return f"would be {words.get(tuple(actions), 'replaced')}"


def _attributes(change: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    forced = {_path(path) for path in change.get("replace_paths", [])}
    marks = (change.get("before_sensitive"), change.get("after_sensitive"))
    for path, before, after in _differences(change["before"], change["after"], change.get("after_unknown"), marks, ()):
        shown = _path(path)
        yield shown, f"{before} → {after}" + (" (replaces it)" if shown in forced else "")


def _differences(
    before: Any,  # noqa: ANN401 - JSON's types
    after: Any,  # noqa: ANN401 - JSON's types
    unknown: Any,  # noqa: ANN401 - Terraform's marks
    marks: tuple[Any, Any],
    path: tuple[str | int, ...],
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Walk two values; what either side hides is compared and not shown."""
    if unknown is True:
        yield path, _shown(before, hidden=any(_any(mark) for mark in marks)), UNKNOWN
    elif True in marks or not isinstance(before, dict | list) or type(before) is not type(after):
        if before != after:
            hidden = any(_any(mark) for mark in marks)
            yield path, _shown(before, hidden=hidden), _shown(after, hidden=hidden)
    else:
        keys = sorted({*before, *after}) if isinstance(before, dict) else range(max(len(before), len(after)))
        for key in keys:
            inner = _at(marks[0], key, None), _at(marks[1], key, None)
            one, other = _at(before, key, _ABSENT), _at(after, key, _ABSENT)
            yield from _differences(one, other, _at(unknown, key, None), inner, (*path, key))


def _at(value: Any, key: str | int, default: Any) -> Any:  # noqa: ANN401 - JSON's types
    if isinstance(value, Mapping):
        return value.get(key, default)
    return value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else default


def _shown(value: Any, *, hidden: bool) -> str:  # noqa: ANN401 - JSON's types
    if value is _ABSENT:
        return "nothing"
    return HIDDEN if hidden else json.dumps(value, ensure_ascii=False)


def _path(path: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
