"""Terraform forgets what was adopted, and nothing else."""

import dataclasses
from typing import Any

import pytest

from sagebridge.bridge.adopt.discover import ALARM, MODEL
from sagebridge.bridge.adopt.handover import plan_forgetting, plan_without_module
from sagebridge.bridge.adopt.keeping import plan_keeping, types_beside
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.terraform.state import Resource, State
from tests.bridge import states
from tests.bridge.adopt.resources import state

MAPPING = states.provider_mapping()
AWS = 'provider["registry.terraform.io/hashicorp/aws"]'
ROLE: dict[str, Any] = {
    "id": "runs",
    "arn": "arn:aws:iam::123456789012:role/runs",
    "name": "runs",
    "name_prefix": "ru",
    "assume_role_policy": "{}",
    "description": "",
    "force_detach_policies": False,
    "managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    "inline_policy": [{"name": "", "policy": ""}],
    "max_session_duration": 3600,
    "path": "/",
    "permissions_boundary": "",
    "tags": {},
    "tags_all": {"team": "ml"},
}


def resource(module: str, name: str, key: str | int | None = None, **changed: Any) -> Resource:
    return dataclasses.replace(Resource(module, MODEL, name, key), **changed)


def role(module: str, **changed: Any) -> Resource:
    return dataclasses.replace(Resource(module, "aws_iam_role", "this", provider=AWS, attributes=ROLE), **changed)


def test_removed_blocks_name_the_outermost_module_that_is_all_adopted() -> None:
    whole = [resource('module.a["x"].module.b', "m"), resource('module.a["y"].module.b', "m")]
    kept, split = resource("module.c", "other"), [resource("module.c", "each", "x"), resource("module.c", "each", "y")]
    forgetting = plan_forgetting(state(*whole, kept, *split), [*whole, split[0]])
    assert forgetting.removed.count("from = ") == 1
    assert "from = module.a\n" in forgetting.removed
    assert forgetting.commands == ("terraform state rm 'module.c.aws_sagemaker_model.each[\"x\"]'",)
    assert forgetting.renumbering == ()


def test_a_resource_whose_provider_is_the_modules_own_is_forgotten_by_a_command() -> None:
    adopted = resource("module.x", "m", provider=f"module.x.{AWS}")
    forgetting = plan_forgetting(state(adopted), [adopted])
    assert forgetting.removed == ""
    assert forgetting.commands == ("terraform state rm module.x.aws_sagemaker_model.m",)


def test_what_stays_of_a_count_gets_the_numbers_that_are_free() -> None:
    counted = [resource("module.a", "m", number) for number in range(3)]
    calls = [resource(f"module.c[{number}].module.d[{number}]", "m") for number in range(2)]
    forgetting = plan_forgetting(state(*counted, *calls), [counted[1], calls[0]])
    moved = "'module.c[0].module.d[1].aws_sagemaker_model.m'"
    assert forgetting.renumbering == (
        "terraform state mv 'module.a.aws_sagemaker_model.m[2]' 'module.a.aws_sagemaker_model.m[1]'",
        "terraform state mv 'module.c[1].module.d[1].aws_sagemaker_model.m' " + moved,
    )


def without_module(resources: State, *adopted: Resource) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns the files for the root module, and the commands, when the calls go that have made what was adopted."""
    assert types_beside(resources, adopted) <= {"aws_iam_role", "random_id", MODEL}
    plan = plan_without_module(resources, adopted, plan_keeping(resources, adopted, MAPPING))
    return dict(plan.files), plan.commands


def test_what_else_is_in_a_module_of_somebody_else_moves_to_the_root_module() -> None:
    adopted = resource("module.x", "m")
    kept = role('module.x.module.roles["a.b"]', key=0, provider=f"{AWS}.west")
    files, commands = without_module(state(adopted, kept, role("", name="x_roles_a_b_this")), adopted)
    assert commands == ()
    assert files["removed.tf"].count("from = ") == 1
    assert "from = module.x.aws_sagemaker_model.m\n" in files["removed.tf"]
    assert 'from = module.x.module.roles["a.b"].aws_iam_role.this[0]\n' in files["moved.tf"]
    assert "to   = aws_iam_role.x_roles_a_b_this_2\n" in files["moved.tf"]  # the root module has the other name
    assert files["kept.tf"].splitlines() == [
        'resource "aws_iam_role" "x_roles_a_b_this_2" {',
        "  provider              = aws.west",
        '  assume_role_policy    = "{}"',
        "  force_detach_policies = false",
        "  max_session_duration  = 3600",
        '  name                  = "runs"',
        '  path                  = "/"',
        "}",
    ]


@pytest.mark.parametrize(("metric_id", "has_threshold"), [("", True), ("m1", False)])
def test_a_zero_is_written_only_where_it_is_a_value(metric_id: str, *, has_threshold: bool) -> None:
    attributes = {
        "alarm_name": "a",
        "comparison_operator": "GreaterThanThreshold",
        "evaluation_periods": 1,
        "threshold": 0,
        "threshold_metric_id": metric_id,
        "datapoints_to_alarm": 0,
        "actions_enabled": False,
        "metric_query": [],
    }
    adopted, alarm = resource("module.x", "m"), Resource("module.x", ALARM, "a", provider=AWS, attributes=attributes)
    (block,) = plan_keeping(state(adopted, alarm), [adopted], MAPPING).blocks.values()
    assert ("threshold" in block.body) == has_threshold
    assert "datapoints_to_alarm" not in block.body
    assert block.body["actions_enabled"] is False  # its default is true


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Resource("module.x", "random_id", "this"), "it is not of the AWS provider"),
        (Resource("module.x", "aws_unheard_of", "this"), "the installed aws plugin does not know its type"),
        (role("module.x", attributes=ROLE | {"description": Secret("s3cr3t")}), "a value of it is sensitive"),
    ],
)
def test_what_cannot_be_written_is_forgotten_and_named(other: Resource, reason: str) -> None:
    adopted = resource("module.x", "m")
    resources = state(adopted, other)
    keeping = plan_keeping(resources, [adopted], MAPPING)
    assert keeping.not_kept == {other.address: reason}
    files = plan_without_module(resources, [adopted], keeping).files
    assert files.keys() == {"removed.tf"}
    assert "from = module.x\n" in files["removed.tf"]
    assert "s3cr3t" not in "".join(files.values())


def test_the_calls_of_a_count_that_stay_get_the_numbers_that_are_free() -> None:
    members = [
        item for number in range(2) for item in (resource(f"module.x[{number}]", "m"), role(f"module.x[{number}]"))
    ]
    files, commands = without_module(state(*members), members[0])
    assert files.keys() == {"kept.tf"}
    assert commands == (
        "terraform state rm 'module.x[0].aws_sagemaker_model.m'",
        "terraform state mv 'module.x[0].aws_iam_role.this' aws_iam_role.x_0_this",
        "terraform state mv 'module.x[1].aws_sagemaker_model.m' 'module.x[0].aws_sagemaker_model.m'",
        "terraform state mv 'module.x[1].aws_iam_role.this' 'module.x[0].aws_iam_role.this'",
    )


def test_nothing_is_kept_of_the_root_modules_own() -> None:
    adopted = resource("", "m")
    keeping = plan_keeping(state(adopted, role("")), [adopted], MAPPING)
    assert (keeping.calls, keeping.blocks, keeping.not_kept) == ((), {}, {})
