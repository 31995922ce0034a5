"""Checks the arguments of an endpoint one by one: field names, types, and the limits of botocore's own shapes.

The shape of a field follows from its name, which is ``botocore.xform_name`` of the AWS API's member. Besides botocore's
names, a shape may be ``any``, ``tags``, ``[shape]`` for a list, ``{shape}`` for a mapping, and ``!shape`` for a value
that cannot be an output.
"""

import enum
import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, Protocol, cast

import pulumi
from botocore import xform_name

from sagebridge import _sdk
from sagebridge._aws import shapes
from sagebridge.endpoint import args as kinds
from sagebridge.redaction import derived, is_bool
from sagebridge.validation import Problem, Shape, problem
from sagebridge.wording import did_you_mean


class Unknown(enum.Enum):
    """What stands for a value that is an output, or that has a problem of its own: the rules pass it over."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN

_TAGS: Shape = {
    "type": "map",
    "key": {"shape": "TagKey"},
    "value": {"shape": "TagValue"},
    "max": shapes()["TagList"]["max"],
}
_MOST_FLOAT = 3.4028234663852886e38
"""The largest number in 32 bits, which is what a botocore ``float`` has."""
_NOT_SUPPORTED = {
    "managed_instance_scaling": ("is for inference components, not for variants with a model", "Use autoscaling."),
    "accelerator_type": ("is not supported any more: AWS ended Elastic Inference", ""),
}
"""Fields that AWS has and the component has not: why, and what to do."""
_OBJECT_TEXT = re.compile(rf"{re.escape(_sdk.OUTPUT_TEXT)}|<[\w.]+ object at 0x[0-9a-f]+>")
_FORMATTED = (
    "is not the value of an output, but the text that Python makes of one",
    "Use pulumi.Output.concat or pulumi.Output.format instead of an f-string, str() or format().",
)
"""What is wrong with text that was made of an output, or of another object, and what to do."""
_AWS_TAG_PREFIX = "aws:"
"""The beginning of tags that only AWS itself sets (AWS General Reference: aws_tagging, "Tag naming limits")."""


class Arguments(Protocol):
    """The class of a typed dictionary."""

    __annotations__: dict[str, object]
    __required_keys__: frozenset[str]


def check(args: Mapping[str, object]) -> tuple[kinds.SageMakerEndpointArgs, list[Problem]]:
    """Checks an endpoint's arguments one by one.

    Args:
        args: See :class:`SageMakerEndpointArgs`.

    Returns:
        The arguments as the rules may look at them, with :data:`UNKNOWN` for what is not known or not right, and every
        problem.
    """
    problems: list[Problem] = []
    clean = _check("", args, "SageMakerEndpointArgs", problems)
    return cast("kinds.SageMakerEndpointArgs", clean if isinstance(clean, dict) else {}), problems


def is_output(value: object) -> bool:
    """Tells whether a value becomes known only later."""
    return isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def is_formatted_output(value: object) -> bool:
    """Tells whether a value is text that was made of an output, or of another object, as by an f-string."""
    return isinstance(value, str) and _OBJECT_TEXT.search(value) is not None


def formatted(path: str) -> Problem:
    """Returns the problem of text that was made of an output."""
    rule, fix = _FORMATTED
    return Problem(path, rule, fix=fix)


def _check(path: str, value: object, shape: str, problems: list[Problem]) -> object:
    """Returns the value if it is right, or else :data:`UNKNOWN`; adds to the problems."""
    if value is UNKNOWN:
        return UNKNOWN
    if is_output(value):
        if wrong := _not_plain(path, shape):
            problems.append(wrong)
        return UNKNOWN
    if is_formatted_output(value):
        problems.append(formatted(path))
        return UNKNOWN
    return _check_plain(path, value, shape.lstrip("!"), problems)


def _check_plain(path: str, value: object, shape: str, problems: list[Problem]) -> object:
    rule = rule_of(shape)
    clean = value
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
            if wrong := _scalar(path, value, shape, rule):
                problems.append(wrong)
                clean = UNKNOWN
    return clean


def _not_plain(path: str, shape: str) -> Problem | None:
    """Returns the problem of an output where the program must know the value, or None if it may be an output."""
    rule = rule_of(shape.lstrip("!"))
    inner = rule.get("member") or rule.get("value")
    structured = rule["type"] == "fields" or (inner is not None and rule_of(inner["shape"])["type"] == "fields")
    if not structured and not shape.startswith("!"):
        return None
    if rule["type"] in ("fields", "list", "map"):
        return Problem(path or "args", "must be plain, not an output", fix="What is in it may be outputs.")
    return Problem(path, "must be a plain value, not an output")


def rule_of(shape: str) -> Shape:
    """Returns what a shape asks for, as botocore writes it."""
    if shape in tables():
        return {"type": "fields"}
    if shape.startswith("["):
        return {"type": "list", "member": {"shape": shape[1:-1]}}
    if shape.startswith("{"):
        return {"type": "map", "key": {"shape": "String"}, "value": {"shape": shape[1:-1]}}
    special: Mapping[str, Shape] = {"any": {"type": "any"}, "tags": _TAGS}
    rule: Shape = special.get(shape) or shapes()[shape]
    return rule


def _scalar(path: str, value: object, shape: str, rule: Shape) -> Problem | None:
    if rule["type"] == "boolean":
        return None if is_bool(value) else Problem(path, "must be true or false", value)
    if rule["type"] == "float":
        least = rule.get("min", 0)
        number = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= _MOST_FLOAT
        return None if number else Problem(path, f"must be a number of {least} or more that fits in 32 bits", value)
    if rule["type"] == "integer" and _may_be_rounded(value):
        return Problem(path, "must be at most 2^53, beyond which Pulumi rounds whole numbers", value)
    return problem(path, value, shape)


def _may_be_rounded(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) >= _sdk.MOST_EXACT
    return isinstance(value, int) and abs(value) > _sdk.MOST_EXACT


def _structure(path: str, value: object, shape: str, problems: list[Problem]) -> object:
    table = tables()[shape]
    if not isinstance(value, Mapping):
        fields = [*dict.fromkeys([*sorted(required(shape)), *table])]
        few = ", ".join(f'"{field}": …' for field in fields[:2])
        problems.append(Problem(path or "args", "must be a dict of fields", value, f"Write {{{few}}}."))
        return UNKNOWN
    clean = {}
    for field, inner in value.items():
        where = f"{path}.{field}" if path else f"{field}"
        if field not in table:
            problems.append(_not_a_field(path, field, table))
        elif inner is not None:
            clean[field] = _check(where, inner, table[field], problems)
    missing = sorted(field for field in required(shape) if value.get(field) is None)
    problems += [Problem(f"{path}.{field}" if path else field, "is required") for field in missing]
    return {**clean, **dict.fromkeys(missing, UNKNOWN)}


def _not_a_field(path: str, field: object, table: Mapping[str, str]) -> Problem:
    if is_formatted_output(field):
        return formatted(f"the name of a field of {path or 'args'}")
    where = f"{path}.{field}" if path else f"{field}"
    if field in _NOT_SUPPORTED:
        rule, fix = _NOT_SUPPORTED[str(field)]
        return Problem(where, rule, fix=fix)
    near = did_you_mean(field, table) or did_you_mean(xform_name(f"{field}"), table)
    return Problem(where, "is not a field", fix=near)


def _list(path: str, value: object, rule: Shape, problems: list[Problem]) -> object:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        problems.append(Problem(path, "must be a list", value))
        return UNKNOWN
    least, most = rule.get("min", 0), rule.get("max", len(value))
    if not least <= len(value) <= most:
        problems.append(Problem(path, f"must have {least} to {most} entries", derived(len(value), value)))
    shape = rule["member"]["shape"]
    return [_check(f"{path}[{position}]", inner, shape, problems) for position, inner in enumerate(value)]


def _map(path: str, value: object, rule: Shape, problems: list[Problem]) -> object:
    if not isinstance(value, Mapping):
        problems.append(Problem(path, "must be a dict"))
        return UNKNOWN
    if len(value) > rule.get("max", len(value)):
        problems.append(Problem(path, f"must have at most {rule['max']} entries", derived(len(value), value)))
    clean = {}
    key_shape, value_shape = rule["key"]["shape"], rule["value"]["shape"]
    for key, inner in value.items():
        if is_formatted_output(key):
            problems.append(formatted(f"a key of {path}"))
            continue
        where = f"{path}[{key!r}]"
        if wrong := _key(where, key, key_shape):
            problems.append(wrong)
        inside: list[Problem] = []
        clean[key] = _check(where, inner, value_shape, inside)
        # A value in a container's environment may be a password, so it is not shown.
        problems += [wrong._replace(value=None) if key_shape == "EnvironmentKey" else wrong for wrong in inside]
    return clean


def _key(path: str, key: object, shape: str) -> Problem | None:
    if wrong := _scalar(path, key, shape, rule_of(shape)):
        return Problem(path, f"has a name that {wrong.rule}")
    if shape == "TagKey" and isinstance(key, str) and key.lower().startswith(_AWS_TAG_PREFIX):
        return Problem(path, f"has a name that must not begin with {_AWS_TAG_PREFIX}, which AWS keeps for itself")
    return None


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Returns the shape of each field, by the shape of the structure it stands in."""
    by_structure = {}
    for name, kind in _KINDS.items():
        members = {
            xform_name(member): details["shape"]
            for structure in (*_WITHIN.get(name, ()), name)
            for member, details in shapes().get(structure, {}).get("members", {}).items()
        }
        by_structure[name] = {field: _OWN.get(field) or members.get(field, "any") for field in kind.__annotations__}
    return by_structure


def required(shape: str) -> frozenset[str]:
    """Returns the fields that a structure must have."""
    keys: frozenset[str] = _KINDS[shape].__required_keys__
    return keys


_KINDS: Mapping[str, Arguments] = {
    "SageMakerEndpointArgs": kinds.SageMakerEndpointArgs,
    "ProductionVariant": kinds.VariantArgs,
    "ContainerDefinition": kinds.ContainerArgs,
    "S3ModelDataSource": kinds.ModelDataSourceArgs,
    "HuggingFaceModelArgs": kinds.HuggingFaceModelArgs,
    "ProductionVariantServerlessConfig": kinds.ServerlessConfigArgs,
    "VpcConfig": kinds.VpcConfigArgs,
    "AsyncInferenceConfig": kinds.AsyncInferenceConfigArgs,
    "DataCaptureConfig": kinds.DataCaptureConfigArgs,
    "DeploymentConfig": kinds.DeploymentConfigArgs,
    "BlueGreenUpdatePolicy": kinds.BlueGreenUpdatePolicyArgs,
    "RollingUpdatePolicy": kinds.RollingUpdatePolicyArgs,
    "CapacitySize": kinds.CapacitySizeArgs,
    "AutoscalingArgs": kinds.AutoscalingArgs,
    "ScheduleArgs": kinds.ScheduleArgs,
    "AlarmsArgs": kinds.AlarmsArgs,
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
    "hugging_face_model": "HuggingFaceModelArgs",
    "id": "EnvironmentValue",
    "revision": "EnvironmentValue",
    "token": "EnvironmentValue",
    "variant_name": "!VariantName",
    "model_data_source": "S3ModelDataSource",
    "model_cache_setting": "ModelCacheSetting",
    "containers": "ContainerDefinitionList",
    "inference_execution_mode": "InferenceExecutionMode",
    "routing_strategy": "RoutingStrategy",
    "kms_key_arn": "KmsKeyId",
    "auto_rollback_alarms": "!AlarmList",
    "capture_options": "!CaptureOptionList",
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
