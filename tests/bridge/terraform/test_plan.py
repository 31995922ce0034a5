"""The check of a plan: what would change is named by resource and attribute, and no secret is shown."""

import copy
from typing import Any

import pytest

from sagebridge.bridge.terraform.cli import masked
from sagebridge.bridge.terraform.plan import plan_differences
from sagebridge.errors import UserError

ADDRESS = "aws_x.a"
VALUES = {"name": "n", "tags": {"team": "ml"}, "list": [1, 2], "token": "hidden"}
IMPORTED: dict[str, Any] = {"actions": ["no-op"], "before": VALUES, "after": VALUES, "importing": {"id": "n"}}


def document(**changes: Any) -> dict[str, Any]:
    return {"resource_changes": [{"address": ADDRESS, "change": copy.deepcopy(IMPORTED) | changes}]}


def differences(**changes: Any) -> list[str]:
    return list(map(str, plan_differences(document(**changes), [ADDRESS])))


def test_only_imports_are_fine() -> None:
    assert differences() == []


@pytest.mark.parametrize(
    ("actions", "word"),
    [
        (["create"], "created"),
        (["delete"], "destroyed"),
        (["delete", "create"], "replaced"),
        (["create", "delete"], "replaced"),
    ],
)
def test_other_actions_are_not(actions: list[str], word: str) -> None:
    assert differences(actions=actions)[0] == f"{ADDRESS}: would be {word}"


def test_differences_are_named_by_attribute() -> None:
    after = {"name": "m", "tags": {"team": "ml", "new": "yes"}, "list": [1, 3], "token": "hidden", "id": None}
    lines = differences(
        actions=["update"], after=after, after_unknown={"list": [False, True]}, replace_paths=[["name"]]
    )
    assert lines == [
        f"{ADDRESS}: id: nothing → null",
        f"{ADDRESS}: list[1]: 2 → (known after apply)",
        f'{ADDRESS}: name: "n" → "m" (replaces it)',
        f'{ADDRESS}: tags.new: nothing → "yes"',
    ]


def test_what_aws_tells_anew_is_not_named_beside_its_cause() -> None:
    after = VALUES | {"name": "m", "arn": None, "url": None}
    unknown = {"arn": True, "url": True}
    assert differences(actions=["update"], after=after, after_unknown=unknown) == [f'{ADDRESS}: name: "n" → "m"']
    alone = differences(actions=["update"], after=VALUES | {"arn": None}, after_unknown={"arn": True})
    assert alone == [f"{ADDRESS}: arn: nothing → (known after apply)"]


@pytest.mark.parametrize("marks", [True, {"token": True}])
@pytest.mark.parametrize("side", ["before_sensitive", "after_sensitive"])
def test_a_secret_that_changed_is_named_and_not_shown(side: str, marks: Any) -> None:
    lines = differences(actions=["update"], after=VALUES | {"token": "other"}, **{side: marks})
    assert "(secret) → (secret)" in lines[0]
    assert "hidden" not in str(lines)
    assert "other" not in str(lines)


def test_marking_a_value_as_sensitive_is_no_change() -> None:
    marked = {"actions": ["update"], "before_sensitive": {}, "after_sensitive": {"token": True}}
    assert differences(**marked) == []
    assert differences(**marked, importing=None) == [f"{ADDRESS}: would not be imported"]
    assert differences(**marked, after_unknown={"name": True}) != []
    assert differences(actions=["update"]) == [f"{ADDRESS}: would be updated"]


def test_nothing_else_may_be_there_and_nothing_be_missing() -> None:
    plan = document(importing=None)
    plan["resource_changes"].append({"address": "aws_x.b", "change": {"actions": ["create"]}})
    plan |= {"output_changes": {"url": {"actions": ["create"]}}, "complete": False}
    assert list(map(str, plan_differences(plan, [ADDRESS, "aws_x.c"]))) == [
        "aws_x.c: is not in the plan",
        f"{ADDRESS}: would not be imported",
        "aws_x.b: would be created, and is not of the stack",
        "output.url: would be created",
        "the plan: is not complete",
    ]


@pytest.mark.parametrize("changes", [1, [1], [{"address": "a"}], [{"address": "a", "change": {}}]])
def test_what_is_no_plan_is_refused(changes: Any) -> None:
    with pytest.raises(UserError, match="another form"):
        plan_differences({"resource_changes": changes}, [])


def test_a_secret_that_the_provider_repeats_is_masked() -> None:
    values = ['say "sw0rd"', {"deep": ["fish!"]}, "sw0rd", 4711]
    message = masked('tags_all.token: nothing → "say \\"sw0rd\\"", fish!, sw0rd, 4711', values)
    assert message == 'tags_all.token: nothing → "(secret)", (secret), (secret), 4711'
