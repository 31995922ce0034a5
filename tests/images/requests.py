"""Turns the arguments of resources into the AWS API's requests, and checks those against botocore's models."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator
from pulumi import _types

NAMES = {"PutMetricAlarm": "AlarmName", "PutScalingPolicy": "PolicyName", "PutScheduledAction": "ScheduledActionName"}
USERS_OWN = ("dimensions", "tags")
"""Of an alarm and of any resource: mappings."""


def request(service: str, operation: str, args: object) -> dict[str, Any]:
    """Returns the request that the AWS provider makes of a resource's arguments; it is one that AWS's model allows."""
    params: dict[str, Any] = _pascal(args)
    if "Name" in params:
        params[NAMES[operation]] = params.pop("Name")
    if operation == "PutMetricAlarm":
        params["Dimensions"] = _pairs("Name", params["Dimensions"])
        params["Tags"] = _pairs("Key", params.get("Tags", {}))
    for step in params.get("StepScalingPolicyConfiguration", {}).get("StepAdjustments", []):
        step["MetricIntervalLowerBound"] = float(step["MetricIntervalLowerBound"])
    model = ServiceModel(Loader().load_service_model(service, "service-2"))
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), report.generate_report()
    _check_enums(params, shape)
    return params


def _pascal(value: Any) -> Any:
    """Returns the API's names for pulumi-aws's, of its classes and of dictionaries; some have keys of a user's own."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_pascal(item) for item in value]
    if type(value).__module__.startswith("pulumi_aws."):
        value = _types.input_type_to_dict(value)
    if isinstance(value, Mapping):
        own = {key for key in USERS_OWN if isinstance(value.get(key), Mapping)}
        return {_name(key): inner if key in own else _pascal(inner) for key, inner in value.items()}
    return value


def _name(key: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in key.split("_"))


def _pairs(key: str, mapping: Mapping[str, str]) -> list[dict[str, str]]:
    return [{key: name, "Value": value} for name, value in mapping.items()]


def _check_enums(value: Any, shape: Shape) -> None:
    if shape.type_name == "structure":
        for name, inner in value.items():
            _check_enums(inner, shape.members[name])  # type: ignore[attr-defined]
    elif shape.type_name == "list":
        for inner in value:
            _check_enums(inner, shape.member)  # type: ignore[attr-defined]
    elif shape.type_name == "string" and shape.enum:  # type: ignore[attr-defined]
        assert value in shape.enum, f"{shape.name}: {value}"  # type: ignore[attr-defined]
