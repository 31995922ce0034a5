"""What the tests of the endpoint share: arguments, and the AWS API's requests for what was registered."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from sagebridge._aws import shapes
from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.validation import problem
from tests.mocks import ARCHIVE, IMAGE, ROLE, Monitor

MODEL = "aws:sagemaker/model:Model"
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
COMPONENT = "sagebridge:index:SageMakerEndpoint"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TARGET = "aws:appautoscaling/target:Target"
STASH = "pulumi:index:Stash"

_OPERATIONS = {
    MODEL: ("CreateModelInput", "ModelName"),
    CONFIGURATION: ("CreateEndpointConfigInput", "EndpointConfigName"),
    ENDPOINT: ("CreateEndpointInput", "EndpointName"),
}
_RENAMED = {"KmsKeyArn": "KmsKeyId"}
_VALIDATOR = ParamValidator()


def args(**changes: Any) -> SageMakerEndpointArgs:
    """Returns the simplest arguments with changes; None takes a field away."""
    simple = {"execution_role_arn": ROLE, "image": IMAGE, "model_data_url": ARCHIVE, **changes}
    return {field: value for field, value in simple.items() if value is not None}  # type: ignore[return-value]


def requests(seen: Monitor) -> dict[str, list[dict[str, Any]]]:
    """Returns the SageMaker API's requests for what was registered; each is one that AWS's own model allows."""
    made = {}
    for kind, (input_name, name) in _OPERATIONS.items():
        shape = ServiceModel({"shapes": shapes(), "metadata": {}, "operations": {}}).shape_for(input_name)
        made[kind] = [_request(resource.inputs, shape, name, resource.name) for resource in seen.all_of_type(kind)]
    return made


def _request(inputs: Mapping[str, Any], shape: Shape, name: str, resource: str) -> dict[str, Any]:
    given = {key: value for key, value in inputs.items() if key not in ("name", "tags")}
    params: dict[str, Any] = _named(given, shape) | {name: inputs.get("name", f"{resource}-1234567")}
    params["Tags"] = [{"Key": key, "Value": value} for key, value in inputs.get("tags", {}).items()]
    report = _VALIDATOR.validate(params, shape)
    assert not report.has_errors(), report.generate_report()
    _within_limits(params, shape)
    return params


def _named(value: Any, shape: Shape) -> Any:
    """Returns the API's names for the wire's; a list of one where AWS has a structure is that one."""
    if shape.type_name == "structure":
        (value,) = value if isinstance(value, list) else [value]
        members = {member.lower(): member for member in shape.members}  # type: ignore[attr-defined]
        named = {}
        for key, inner in value.items():
            wire = _RENAMED.get(key[0].upper() + key[1:], key).lower()
            member = members.get(wire) or members.get(re.sub("s$", "", wire))
            assert member, f"{shape.name} has no {key}"
            named[member] = _named(inner, shape.members[member])  # type: ignore[attr-defined]
        return named
    if shape.type_name == "list":
        return [_named(inner, shape.member) for inner in value]  # type: ignore[attr-defined]
    return int(value) if shape.type_name == "integer" else value


def _within_limits(value: Any, shape: Shape) -> None:
    """Checks what botocore's validator passes over: patterns, enums, most."""
    if shape.type_name == "structure":
        for member, inner in value.items():
            _within_limits(inner, shape.members[member])  # type: ignore[attr-defined]
    elif shape.type_name in ("list", "map"):
        assert len(value) <= shape.metadata.get("max", len(value)), shape.name
        inner_shape = shape.member if shape.type_name == "list" else shape.value  # type: ignore[attr-defined]
        for inner in value if shape.type_name == "list" else value.values():
            _within_limits(inner, inner_shape)
    elif shape.type_name in ("string", "integer"):
        wrong = problem(shape.name, value, shape.name)
        assert wrong is None, str(wrong)
