"""Every argument of the resources around an endpoint, through the real engine: no preview after an up has changes."""

import uuid
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws
import pytest
from pulumi import automation

from tests import fields
from tests.conftest import Aws
from tests.fields import Given, Ref
from tests.stacks import create_stack

pytestmark = [pytest.mark.engine, pytest.mark.long]

CONFIG = {"aws:region": fields.REGION}
CLASSES: dict[str, type[pulumi.CustomResource]] = {
    "aws_sagemaker_model": pulumi_aws.sagemaker.Model,
    "aws_sagemaker_endpoint_configuration": pulumi_aws.sagemaker.EndpointConfiguration,
    "aws_cloudwatch_metric_alarm": pulumi_aws.cloudwatch.MetricAlarm,
    "aws_cloudwatch_dashboard": pulumi_aws.cloudwatch.Dashboard,
    "aws_sagemaker_endpoint": pulumi_aws.sagemaker.Endpoint,
    "aws_appautoscaling_target": pulumi_aws.appautoscaling.Target,
    "aws_appautoscaling_policy": pulumi_aws.appautoscaling.Policy,
    "aws_appautoscaling_scheduled_action": pulumi_aws.appautoscaling.ScheduledAction,
}
NEEDS = {
    "aws_appautoscaling_target": "aws_sagemaker_endpoint",
    "aws_appautoscaling_policy": "aws_appautoscaling_target",
    "aws_appautoscaling_scheduled_action": "aws_appautoscaling_target",
}
Made = dict[tuple[str, str], pulumi.CustomResource]


@pytest.fixture
def stack(aws: Aws) -> Iterator[automation.Stack]:
    """An empty stack, on a local AWS whose deployments take no time."""
    aws.must("sagebridge", "local", "times", "--pace", "10000")
    stack = create_stack(aws, f"t{uuid.uuid4().hex[:8]}", "fields", CONFIG, lambda: None)
    yield stack
    stack.destroy(color="never")
    aws.must("sagebridge", "local", "times", "--pace", "1")


def make(given: Given, *, changed: bool) -> None:
    """Declares all resources."""
    made: Made = {}
    for kind, labelled in fields.resources(given, changed=changed).items():
        needed = [resource for (other, _), resource in made.items() if other == NEEDS.get(kind)]
        for label, arguments in labelled.items():
            given_names = named(arguments, made)
            if kind == "aws_cloudwatch_metric_alarm":
                given_names["name"] = given_names.pop("alarm_name")
            options = pulumi.ResourceOptions(depends_on=needed)
            made[kind, label] = CLASSES[kind](f"{kind}-{label}".replace("_", "-"), **given_names, opts=options)


def named(value: Any, made: Made) -> Any:
    """Gives arguments Pulumi's names: lists have plural ones."""
    if isinstance(value, Ref):
        return getattr(made[value.type, value.label], "name" if value.attribute == "alarm_name" else value.attribute)
    if isinstance(value, dict):
        return {plural(name) if isinstance(item, list) else name: named(item, made) for name, item in value.items()}
    return [named(item, made) for item in value] if isinstance(value, list) else value


def plural(name: str) -> str:
    """Gives a name's plural."""
    return name if name.endswith("s") else f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def operations(stack: automation.Stack) -> dict[str, int]:
    """Previews, and returns the number of resources by operation."""
    summary = stack.preview(color="never").change_summary
    return {automation.OpType(operation).value: count for operation, count in summary.items()}


def test_every_argument_is_kept_created_and_changed(stack: automation.Stack, given: Given) -> None:
    for changed in (False, True):
        stack.workspace.program = lambda changed=changed: make(given, changed=changed)
        stack.up(color="never")
        assert set(operations(stack)) == {"same"}
        stack.refresh(color="never")
        assert set(operations(stack)) == {"same"}
