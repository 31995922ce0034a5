"""Every argument of the resources around an endpoint, through the real provider: no plan after an apply has changes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fields
from tests.conftest import Aws
from tests.fields import Given, Ref, Resources

pytestmark = [pytest.mark.terraform, pytest.mark.long]

PROVIDER = {"required_providers": {"aws": {"source": "hashicorp/aws"}}}  # the mirror has a single version


@pytest.fixture
def folder(aws: Aws, tmp_path: Path) -> Iterator[Path]:
    """A folder for configurations, on a local AWS whose deployments take no time."""
    (tmp_path / "terraform.tf.json").write_text(json.dumps({"terraform": PROVIDER, "provider": {"aws": {}}}))
    aws.must("terraform", "init", "-input=false", cwd=tmp_path)
    aws.must("sagebridge", "local", "times", "--pace", "10000")
    yield tmp_path
    aws.attached_in(tmp_path).must("terraform", "destroy", "-input=false", "-auto-approve", cwd=tmp_path)
    aws.must("sagebridge", "local", "times", "--pace", "1")


def write(folder: Path, resources: Resources) -> None:
    """Writes resources as Terraform's JSON."""
    written: Any = plain(resources)
    written["aws_sagemaker_endpoint_configuration"]["live"]["lifecycle"] = {"create_before_destroy": True}
    target = ["aws_appautoscaling_target.all"]
    written["aws_appautoscaling_target"]["all"]["depends_on"] = ["aws_sagemaker_endpoint.plain"]
    for scaling in ("aws_appautoscaling_policy", "aws_appautoscaling_scheduled_action"):
        for arguments in written[scaling].values():
            arguments["depends_on"] = target
    (folder / "main.tf.json").write_text(json.dumps({"resource": written}, indent=1))


def plain(value: Any) -> Any:
    """Makes JSON of arguments."""
    if isinstance(value, Ref):
        return f"${{{value.type}.{value.label}.{value.attribute}}}"
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def changes(aws: Aws, folder: Path) -> str:
    """Plans, and returns what a person would read if there is anything to do."""
    command = ("terraform", "plan", "-input=false", "-no-color", "-detailed-exitcode")
    planned = aws.attached_in(folder).run(*command, cwd=folder)
    return "" if planned.returncode == 0 else planned.stdout + planned.stderr


def test_every_argument_is_kept_created_and_changed(aws: Aws, folder: Path, given: Given) -> None:
    for changed in (False, True):
        write(folder, fields.resources(given, changed=changed))
        command = ("terraform", "apply", "-input=false", "-auto-approve", "-no-color")
        aws.attached_in(folder).must(*command, cwd=folder)
        assert changes(aws, folder) == ""


def test_no_argument_of_the_providers_schema_is_left_out(aws: Aws, folder: Path, given: Given) -> None:
    schemas = json.loads(aws.must("terraform", "providers", "schema", "-json", cwd=folder))["provider_schemas"]
    (provider,) = schemas.values()
    known = {
        path
        for resource in fields.resources(given, changed=False)
        for path in settable(provider["resource_schemas"][resource]["block"], resource)
    }
    covered = {
        path
        for changed in (False, True)
        for resource, labelled in fields.resources(given, changed=changed).items()
        for arguments in labelled.values()
        for path in fields.paths(arguments, resource)
    }
    assert {path for path in known - covered if not excused(path)} == set()
    assert {path for path in covered if excused(path)} == set()


def settable(block: dict[str, Any], at: str) -> Iterator[str]:
    """Lists the arguments of a resource's schema."""
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("required") or attribute.get("optional"):
            yield f"{at}.{name}"
    for name, nested in block.get("block_types", {}).items():
        yield f"{at}.{name}"
        yield from settable(nested["block"], f"{at}.{name}")


def excused(path: str) -> bool:
    """Tells whether the table gives a reason for leaving an argument out."""
    return path.partition(".")[2] in fields.NOT_SET or any(path.startswith(begin) for begin in fields.NOT_SET)
