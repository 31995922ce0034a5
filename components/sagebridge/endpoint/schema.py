"""Checks the arguments of an endpoint one by one: field names, types, and the limits of botocore's own shapes.

What a field is follows from its name, ``botocore.xform_name`` of the AWS API's member. A shape here is botocore's name
of one, or ``any``, ``tags``, ``[shape]`` for a list, ``{shape}`` for a mapping, ``!shape`` for no output.
"""

import difflib
import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

import pulumi
from botocore import xform_name

from sagebridge._aws import shapes
from sagebridge.endpoint import args as kinds
from sagebridge.monitoring.alarms import AlarmsArgs
from sagebridge.scaling.autoscaling import AutoscalingArgs, ScheduleArgs
from sagebridge.validation import Problem, problem


class _Late(Enum):
    LATE = "late"


LATE = _Late.LATE
"""Stands for a value that is an output, or that has a problem of its own: the rules pass it over."""

_TAGS = {"type": "map", "key": {"shape": "TagKey"}, "value": {"shape": "TagValue"}, "max": shapes()["TagList"]["max"]}
_MOST_FLOAT = 3.4028234663852886e38
"""In 32 bits, which is what a botocore ``float`` has."""
_REASONS = {
    "managed_instance_scaling": "left out: AWS has it for inference components only, not for variants with a model; "
    "use autoscaling",
    "accelerator_type": "left out: AWS ended Elastic Inference",
}


def check(args: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Checks an endpoint's arguments; returns what the rules may look at, and the problems.

    Args:
        args: see :class:`SageMakerEndpointArgs`.

    Returns:
        The arguments without what is not known or not right, which is :data:`LATE`, and every problem.
    """
    problems: list[Problem] = []
    clean = _check("", args, "SageMakerEndpointArgs", problems)
    return (clean if isinstance(clean, dict) else {}), problems


def is_late(value: object) -> bool:
    """Tells what becomes known only later."""
    return value is LATE or isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def _check(path: str, value: object, shape: str, problems: list[Problem]) -> Any:  # noqa: ANN401 - any argument
    """Returns the value if it is right, :data:`LATE` if it cannot be looked at; adds to the problems."""
    if is_late(value):
        if shape.startswith("!"):
            problems.append(Problem(path, "an output", "plain: it must be known at once"))
        return LATE
    shape = shape.lstrip("!")
    rule = rule_of(shape)
    clean: Any = value
    match rule["type"]:
        case "any":
            pass
        case "fields":
            clean = _structure(path, value, shape, problems)
        case "structure":  # of one member, which is flat here
            clean = _check(path, value, next(iter(rule["members"].values()))["shape"], problems)
        case "list":
            clean = _list(path, value, rule, problems)
        case "map":
            clean = _map(path, value, rule, problems)
        case _:
            if found := _scalar(path, value, shape, rule):
                problems.append(found)
                clean = LATE
    return clean


def rule_of(shape: str) -> Mapping[str, Any]:
    """Returns what a shape asks for, as botocore writes it."""
    if shape in tables():
        return {"type": "fields"}
    if shape.startswith("["):
        return {"type": "list", "member": {"shape": shape[1:-1]}}
    if shape.startswith("{"):
        return {"type": "map", "key": {"shape": "String"}, "value": {"shape": shape[1:-1]}}
    rule: Mapping[str, Any] = {"any": {"type": "any"}, "tags": _TAGS}.get(shape) or shapes()[shape]
    return rule


def _scalar(path: str, value: object, shape: str, rule: Mapping[str, Any]) -> Problem | None:
    if rule["type"] == "boolean":
        return None if isinstance(value, bool) else Problem(path, value, "true or false")
    if rule["type"] == "float":
        least = rule.get("min", 0)
        number = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= _MOST_FLOAT
        return None if number else Problem(path, value, f"a number, {least} or more, in 32 bits")
    return problem(path, value, shape)


def _structure(path: str, value: object, shape: str, problems: list[Problem]) -> Any:  # noqa: ANN401 - any argument
    if not isinstance(value, Mapping):
        problems.append(Problem(path, value, "a mapping of fields"))
        return LATE
    table, needed = tables()[shape], required(shape)
    clean = {}
    for field, inner in value.items():
        where = f"{path}.{field}" if path else str(field)
        if field not in table:
            near = difflib.get_close_matches(str(field), table, n=1)
            hint = f"left out: there is no such field{f'; {near[0]}?' if near else ''}"
            problems.append(Problem(where, inner, _REASONS.get(field, hint)))
        elif inner is not None:
            clean[field] = _check(where, inner, table[field], problems)
    missing = sorted(field for field in needed if value.get(field) is None)
    problems += [Problem(f"{path}.{field}" if path else field, None, "given") for field in missing]
    return {**clean, **dict.fromkeys(missing, LATE)}


def _list(path: str, value: object, rule: Mapping[str, Any], problems: list[Problem]) -> Any:  # noqa: ANN401 - any
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        problems.append(Problem(path, value, "a list"))
        return LATE
    least, most = rule.get("min", 0), rule.get("max", len(value))
    if not least <= len(value) <= most:
        problems.append(Problem(path, f"{len(value)} entries", f"{least} to {most}"))
    return [_check(f"{path}[{at}]", inner, rule["member"]["shape"], problems) for at, inner in enumerate(value)]


def _map(path: str, value: object, rule: Mapping[str, Any], problems: list[Problem]) -> Any:  # noqa: ANN401 - any
    if not isinstance(value, Mapping):
        problems.append(Problem(path, "a value", "a mapping"))  # not shown: it may be a password, as below
        return LATE
    if len(value) > rule.get("max", len(value)):
        problems.append(Problem(path, f"{len(value)} entries", f"at most {rule['max']}"))
    clean = {}
    for key, inner in value.items():
        wrong = _scalar(f"{path}: key", key, rule["key"]["shape"], rule_of(rule["key"]["shape"]))
        own: list[Problem] = [wrong] if wrong else []
        clean[key] = _check(f"{path}[{key!r}]", inner, rule["value"]["shape"], own)
        # What is in the environment may be a password: it is not shown.
        problems += [found._replace(value="its value") if "environment[" in found.property else found for found in own]
    return clean


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Returns the shape of each field, by the shape of the structure it stands in."""
    found = {}
    for name, kind in _KINDS.items():
        members = {
            xform_name(member): details["shape"]
            for structure in (*_WITHIN.get(name, ()), name)
            for member, details in shapes().get(structure, {}).get("members", {}).items()
        }
        found[name] = {field: _OWN.get(field) or members.get(field, "any") for field in kind.__annotations__}
    return found


def required(shape: str) -> frozenset[str]:
    """Returns the fields that a structure must have."""
    keys: frozenset[str] = _KINDS[shape].__required_keys__
    return keys


_KINDS: Mapping[str, Any] = {
    "SageMakerEndpointArgs": kinds.SageMakerEndpointArgs,
    "ProductionVariant": kinds.VariantArgs,
    "ContainerDefinition": kinds.ContainerArgs,
    "S3ModelDataSource": kinds.ModelDataSourceArgs,
    "ProductionVariantServerlessConfig": kinds.ServerlessConfigArgs,
    "VpcConfig": kinds.VpcConfigArgs,
    "AsyncInferenceConfig": kinds.AsyncInferenceConfigArgs,
    "DataCaptureConfig": kinds.DataCaptureConfigArgs,
    "DeploymentConfig": kinds.DeploymentConfigArgs,
    "BlueGreenUpdatePolicy": kinds.BlueGreenUpdatePolicyArgs,
    "RollingUpdatePolicy": kinds.RollingUpdatePolicyArgs,
    "CapacitySize": kinds.CapacitySizeArgs,
    "AutoscalingArgs": AutoscalingArgs,
    "ScheduleArgs": ScheduleArgs,
    "AlarmsArgs": AlarmsArgs,
}
"""The arguments by the shape they stand for; where AWS has none, by their own name."""

_WITHIN: Mapping[str, tuple[str, ...]] = {
    "SageMakerEndpointArgs": (
        "CreateModelInput",
        "CreateEndpointConfigInput",
        "CreateEndpointInput",
        "ProductionVariant",
        "ContainerDefinition",
    ),
    "ProductionVariant": ("ContainerDefinition",),
    "S3ModelDataSource": ("ModelAccessConfig",),
    "AsyncInferenceConfig": (
        "AsyncInferenceOutputConfig",
        "AsyncInferenceClientConfig",
        "AsyncInferenceNotificationConfig",
    ),
    "DataCaptureConfig": ("CaptureContentTypeHeader",),
    "BlueGreenUpdatePolicy": ("TrafficRoutingConfig",),
}
"""Structures whose members are flat in another."""

_OWN = {
    "framework": "!String",
    "framework_version": "!String",
    "variant_name": "!VariantName",
    "model_data_source": "S3ModelDataSource",
    "model_cache_setting": "ModelCacheSetting",
    "containers": "ContainerDefinitionList",
    "inference_execution_mode": "InferenceExecutionMode",
    "routing_strategy": "RoutingStrategy",
    "kms_key_arn": "KmsKeyId",
    "auto_rollback_alarms": "AlarmList",
    "autoscaling": "AutoscalingArgs",
    "schedules": "{ScheduleArgs}",
    "alarms": "AlarmsArgs",
    "schedule": "String",
    "timezone": "String",
    "disable_scale_in": "Boolean",
    "alarm_actions": "[any]",
    "dashboard": "!Boolean",
    "default_environment": "!Boolean",
    "import_endpoint": "!EndpointName",
    "allow_replacement": "!Boolean",
    "tags": "tags",
}
"""Fields that AWS does not have, or has one level deeper."""
