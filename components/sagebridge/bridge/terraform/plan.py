"""Checks a plan's JSON: it imports the resources that are expected, and nothing would change.

The form is Terraform's documented one (JSON output format, `resource_changes`); exit codes do not tell, as a plan that
only imports ends like one with changes.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sagebridge.errors import UserError

HIDDEN = "(secret)"
UNKNOWN = "(known after apply)"
_ABSENT = object()
_OUTCOMES: dict[tuple[str, ...], str] = {
    ("create",): "created",
    ("update",): "updated",
    ("delete",): "destroyed",
    ("read",): "read",
    ("no-op",): "left alone",
    ("forget",): "forgotten",
}

Steps = tuple[str | int, ...]


class Difference(NamedTuple):
    """Something that is not as it must be."""

    address: str
    """The resource's or the output's address."""
    attribute: str
    """The attribute; empty where the difference is about the whole."""
    what: str
    """What would happen to it."""

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


def plan_differences(plan: Mapping[str, Any], expected: Collection[str]) -> list[Difference]:
    """Returns how a plan is not one that only imports the expected resources, as they are.

    Args:
        plan: What `terraform show -json` printed.
        expected: The resources' addresses.

    Raises:
        UserError: It is not a plan.
    """
    try:
        changes = {change["address"]: change["change"] for change in plan.get("resource_changes", [])}
        differences = [Difference(address, "", "is not in the plan") for address in expected if address not in changes]
        for address, change in changes.items():
            differences += _resource_differences(address, change, expected=address in expected)
        for name, change in plan.get("output_changes", {}).items():
            if change["actions"] != ["no-op"]:
                differences.append(Difference(f"output.{name}", "", _would_be(change["actions"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"the plan has another form than Terraform writes ({type(error).__name__}: {error})") from None
    if plan.get("errored") or plan.get("complete") is False:
        differences.append(Difference("the plan", "", "is not complete"))
    return differences


def _resource_differences(address: str, change: Mapping[str, Any], *, expected: bool) -> Iterator[Difference]:
    actions = change["actions"]
    if not expected:
        yield Difference(address, "", f"{_would_be(actions)}, and is not of the stack")
        return
    if actions != ["no-op"] and not _only_marked(change):
        details = list(_attribute_changes(change))
        if not details or actions != ["update"]:
            yield Difference(address, "", _would_be(actions))
        yield from (Difference(address, attribute, what) for attribute, what in details)
    elif not change.get("importing"):
        yield Difference(address, "", "would not be imported")


def _only_marked(change: Mapping[str, Any]) -> bool:
    """Tells whether an update only makes values sensitive in Terraform's state.

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


def _would_be(actions: list[str]) -> str:
    return f"would be {_OUTCOMES.get(tuple(actions), 'replaced')}"


def _attribute_changes(change: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the path of each attribute that changes, and how it does."""
    forced = {_text(path) for path in change.get("replace_paths", [])}
    marks = (change.get("before_sensitive"), change.get("after_sensitive"))
    changes = list(_value_changes(change["before"], change["after"], change.get("after_unknown"), marks))
    # A whole attribute that AWS is to tell anew is a consequence of the other changes.
    causes = [(path, before, after) for path, before, after in changes if after != UNKNOWN or len(path) > 1]
    for path, before, after in causes or changes:
        yield _text(path), f"{before} → {after}" + (" (replaces it)" if _text(path) in forced else "")


def _value_changes(
    before: Any,  # noqa: ANN401 - JSON's types
    after: Any,  # noqa: ANN401 - JSON's types
    unknown: Any,  # noqa: ANN401 - Terraform's marks
    marks: tuple[Any, Any],
    path: Steps = (),
) -> Iterator[tuple[Steps, str, str]]:
    """Yields the paths where two values differ, with both as text; sensitive values are compared and not shown."""
    if unknown is True:
        yield path, _shown(before, hidden=_any(list(marks))), UNKNOWN
    elif True in marks or not isinstance(before, dict | list) or type(before) is not type(after):
        if before != after:
            hidden = _any(list(marks))
            yield path, _shown(before, hidden=hidden), _shown(after, hidden=hidden)
    else:
        keys = sorted({*before, *after}) if isinstance(before, dict) else range(max(len(before), len(after)))
        for key in keys:
            yield from _value_changes(
                _member(before, key, _ABSENT),
                _member(after, key, _ABSENT),
                _member(unknown, key, None),
                (_member(marks[0], key, None), _member(marks[1], key, None)),
                (*path, key),
            )


def _member(value: Any, key: str | int, default: Any) -> Any:  # noqa: ANN401 - JSON's types
    if isinstance(value, Mapping):
        return value.get(key, default)
    return value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else default


def _shown(value: Any, *, hidden: bool) -> str:  # noqa: ANN401 - JSON's types
    if value is _ABSENT:
        return "nothing"
    return HIDDEN if hidden else json.dumps(value, ensure_ascii=False)


def _text(path: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
