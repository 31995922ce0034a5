from typing import Any

import pytest

from sagebridge.local.shapes import AwsError, check, service

NAME = {"EndpointName": "e", "EndpointConfigName": "c"}
NO_CONFIG = (
    "2 validation errors detected: Value '-e' at 'endpointName' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}; "
    "Value null at 'endpointConfigName' failed to satisfy constraint: Member must not be null"
)
NO_INSTANCE = (
    "1 validation error detected: Value '0' at 'productionVariants.1.member.initialInstanceCount' "
    "failed to satisfy constraint: Member must have value greater than or equal to 1"
)
LONG_NAME = (
    f"2 validation errors detected: Value '{'e' * 64}' at 'endpointName' failed to satisfy constraint: "
    f"Member must have length less than or equal to 63; Value '{'e' * 64}' at 'endpointName'"
)
VARIANT = {"VariantName": "v", "ModelName": "m"}


def config(**variant: object) -> dict[str, Any]:
    return {"EndpointConfigName": "c", "ProductionVariants": [VARIANT | variant]}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("CreateEndpoint", NAME),
        ("CreateEndpoint", NAME | {"Tags": [{"Key": "équipe: a/b", "Value": ""}]}),
        ("CreateEndpointConfig", config(InitialInstanceCount=1, InstanceType="ml.m7i.large")),
        ("CreateEndpointConfig", config(InitialVariantWeight=1)),
        ("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Environment": {"A_1": "any\nthing"}}}),
        ("ListModels", {}),
    ],
)
def test_a_good_request_passes(operation: str, request_: dict[str, Any]) -> None:
    check(service("sagemaker").operation_model(operation), request_)


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("CreateEndpoint", {"EndpointName": "-e"}, NO_CONFIG),
        ("CreateEndpointConfig", config(InitialInstanceCount=0), NO_INSTANCE),
        ("CreateEndpoint", NAME | {"EndpointName": "e" * 64}, LONG_NAME),
        ("CreateEndpointConfig", config(InstanceType="ml.x"), "Member must satisfy enum value set: [ml."),
        ("CreateEndpoint", NAME | {"Tags": [{"Key": "a*b", "Value": ""}]}, "'tags.1.member.key'"),
        (
            "CreateModel",
            {"ModelName": "m", "PrimaryContainer": {"Environment": {"A-B": "x"}}},
            "'primaryContainer.environment.A-B.key'",
        ),
    ],
)
def test_a_bad_request_gets_awss_words(operation: str, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        check(service("sagemaker").operation_model(operation), request_)
    assert caught.value.code == "ValidationException"
    assert caught.value.status == 400
    assert message in caught.value.message


@pytest.mark.parametrize("name", [1, True, ["e"], {"a": 1}])
def test_a_wrong_json_type_is_a_serialization_error(name: object) -> None:
    with pytest.raises(AwsError, match="'endpointName' is not a string") as caught:
        check(service("sagemaker").operation_model("DescribeEndpoint"), {"EndpointName": name})
    assert caught.value.code == "SerializationException"
