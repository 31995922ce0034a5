"""From Terraform's attributes to the call of the component: all of it, or refused by name."""

from typing import Any

import pytest

from sagebridge.bridge.adopt import declare
from sagebridge.bridge.adopt.discover import find_endpoints
from sagebridge.bridge.stack.mapping import ProviderMapping
from sagebridge.bridge.terraform.state import Resource
from sagebridge.errors import UserError
from sagebridge.guards.lookup import GENERATION_TAG
from tests.bridge.adopt.resources import (
    CONTAINER,
    ENVIRONMENT,
    ROLE,
    URL,
    configuration,
    endpoint,
    model,
    scaling,
    state,
    variant,
)
from tests.fields import IMAGE, KEYS

ASYNCHRONOUS = {
    "output_config": [
        {
            "s3_output_path": "s3://bucket/out",
            "notification_config": [{"error_topic": "", "success_topic": "", "include_inference_response_in": []}],
        }
    ],
    "client_config": [],
}
NOTIFICATION = "async_inference_config.output_config.notification_config"
EMPTY_BLOCK = "SageMakerEndpoint cannot declare an empty block; take it out"


def call(mapping: ProviderMapping, *resources: Resource) -> declare.Call:
    (adopted,) = find_endpoints(state(*resources))
    return declare.call(adopted, mapping)


pytestmark = pytest.mark.engine  # the mapping is the plugin's own


def test_the_simplest_endpoint_is_the_short_form(provider_mapping: ProviderMapping) -> None:
    made = call(provider_mapping, endpoint(), configuration(), model())
    assert made.arguments == {
        "endpoint_name": "e",
        "execution_role_arn": ROLE,
        "image": IMAGE,
        "model_data_url": URL,
        "instance_type": "ml.m5.large",
        "initial_instance_count": 1,
    }
    assert made.imports == {
        ("aws:sagemaker/model:Model", "e-model"): "m",
        ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "e-config"): "c",
        ("aws:sagemaker/endpoint:Endpoint", "e"): "e",
    }


def test_variants_models_and_the_other_blocks_are_kept(provider_mapping: ProviderMapping) -> None:
    other = model("n", primary_container=[CONTAINER | {"environment": {**ENVIRONMENT, "A": "1"}}])
    config = configuration(
        variant("blue", routing_config=[{"routing_strategy": "LEAST_OUTSTANDING_REQUESTS"}], volume_size_in_gb=20),
        variant("green", model_name="n", initial_variant_weight=0.25),
        data_capture_config=[
            {
                "enable_capture": True,
                "destination_s3_uri": "s3://bucket/capture",
                "initial_sampling_percentage": 50,
                "capture_options": [{"capture_mode": "Input"}],
                "capture_content_type_header": [{"json_content_types": ["application/json"]}],
            }
        ],
        kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
    )
    policy = {
        "traffic_routing_configuration": [
            {
                "type": "CANARY",
                "wait_interval_in_seconds": 60,
                "canary_size": [{"type": "CAPACITY_PERCENT", "value": 20}],
            }
        ],
        "termination_wait_in_seconds": 30,
    }
    rollback = [{"alarms": [{"alarm_name": "x"}]}]
    deployment = [{"blue_green_update_policy": [policy], "auto_rollback_configuration": rollback}]
    made = call(provider_mapping, endpoint(deployment_config=deployment), config, model(), other)
    blue, green = made.arguments["production_variants"]
    assert blue["routing_strategy"] == "LEAST_OUTSTANDING_REQUESTS"
    assert (blue["volume_size_in_gb"], green["initial_variant_weight"]) == (20, 0.25)
    assert blue["image"] == IMAGE  # each its own model
    assert green["environment"] == {"A": "1"}
    assert made.arguments["deployment_config"] == {
        "blue_green_update_policy": {
            "type": "CANARY",
            "wait_interval_in_seconds": 60,
            "canary_size": {"type": "CAPACITY_PERCENT", "value": 20},
            "termination_wait_in_seconds": 30,
        },
        "auto_rollback_alarms": ["x"],
    }
    assert made.arguments["data_capture_config"]["json_content_types"] == ["application/json"]
    assert made.imports["aws:sagemaker/model:Model", "e-green-model"] == "n"


def test_asynchronous_and_serverless_endpoints_are_kept(provider_mapping: ProviderMapping) -> None:
    output = {
        "s3_output_path": "s3://bucket/out",
        "notification_config": [{"error_topic": "arn:aws:sns:us-east-1:123456789012:t"}],
    }
    asynchronous = [{"output_config": [output], "client_config": [{"max_concurrent_invocations_per_instance": 2}]}]
    made = call(provider_mapping, endpoint(), configuration(async_inference_config=asynchronous), model())
    assert made.arguments["async_inference_config"] == {
        "s3_output_path": "s3://bucket/out",
        "error_topic": "arn:aws:sns:us-east-1:123456789012:t",
        "max_concurrent_invocations_per_instance": 2,
    }
    serverless = [{"memory_size_in_mb": 2048, "max_concurrency": 5, "provisioned_concurrency": 0}]
    served = variant(serverless_config=serverless, instance_type="", initial_instance_count=0)
    made = call(provider_mapping, endpoint(), configuration(served), model())
    assert made.arguments["serverless_config"] == {"memory_size_in_mb": 2048, "max_concurrency": 5}
    assert "instance_type" not in made.arguments


@pytest.mark.parametrize("environment", [{}, {"SAGEMAKER_PROGRAM": "inference.py", "A": "1"}])
def test_an_archive_without_the_variables_that_the_component_sets_is_kept(
    provider_mapping: ProviderMapping, environment: dict[str, str]
) -> None:
    bare = model(primary_container=[CONTAINER | {"environment": environment}])
    arguments = call(provider_mapping, endpoint(), configuration(), bare).arguments
    assert arguments["default_environment"] is False
    assert arguments.get("environment", {}) == environment


@pytest.mark.parametrize(
    ("in_terraform", "declared"), [(0.800000011920929, 0.8), (0.25, 0.25), (1.0000001192092896, 1.0000001), (3, 3)]
)
def test_a_weight_is_declared_as_a_person_would_write_it(
    provider_mapping: ProviderMapping, in_terraform: float, declared: float
) -> None:
    weighed = configuration(variant("a", initial_variant_weight=in_terraform), variant("b"))
    made = call(provider_mapping, endpoint(), weighed, model())
    assert made.arguments["production_variants"][0]["initial_variant_weight"] == declared


def test_a_configuration_that_scales_is_a_generations_own_and_one_that_had_a_generation_keeps_it(
    provider_mapping: ProviderMapping,
) -> None:
    made = call(provider_mapping, endpoint(), configuration(), model(), *scaling())
    assert made.arguments["autoscaling"]["invocations_per_instance"] == 100
    assert made.generations == {"e-generation": "adopted:c"}
    exported = configuration(tags={GENERATION_TAG: "1234"})
    made = call(provider_mapping, endpoint(), exported, model(), *scaling())
    assert made.generations == {"e-generation": "1234"}
    assert "tags" not in made.arguments
    with pytest.raises(UserError, match=r"c: tags\.sagebridge:generation"):
        call(provider_mapping, endpoint(), exported, model())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"model": {"primary_container": [CONTAINER | {"image_config": [{"repository_access_mode": "Vpc"}]}]}},
            "m: primary_container.image_config",
        ),
        ({"model": {"tags": {"a": "b"}}}, "c: tags"),
        ({"configuration": {"execution_role_arn": ROLE}}, "c: execution_role_arn"),
        (
            {"variant": {"core_dump_config": [{"destination_s3_uri": "s3://bucket/cores", "kms_key_id": KEYS[0]}]}},
            "c: production_variants.core_dump_config",
        ),
        ({"variant": {"instance_type": "ml.nonsense"}}, "instance_type"),
        ({"configuration": {"async_inference_config": [ASYNCHRONOUS]}}, f"c: {NOTIFICATION}: {EMPTY_BLOCK}"),
        ({"variant": {"managed_instance_scaling": [{}]}}, "c: production_variants.managed_instance_scaling: "),
    ],
)
def test_what_the_component_cannot_say_is_refused_by_name(
    provider_mapping: ProviderMapping, changed: dict[str, Any], message: str
) -> None:
    config = configuration(variant(**changed.get("variant", {})), **changed.get("configuration", {}))
    with pytest.raises(UserError) as refused:
        call(provider_mapping, endpoint(), config, model(**changed.get("model", {})))
    assert message in refused.value.message
