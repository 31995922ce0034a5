"""Pure: what AWS would refuse is refused before any call, every problem at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import tables
from tests.endpoint.endpoints import args
from tests.mocks import IMAGE, ROLE

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/boston/1"
VPC = {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}
CAPTURE = {"destination_s3_uri": "s3://captured/here", "initial_sampling_percentage": 10}
ASYNC = {"s3_output_path": "s3://answers/here"}
TWO = [{"variant_name": "one"}, {"variant_name": "two"}]


def properties(found: Any, name: str = "endpoint") -> list[str]:
    return [problem.property for problem in validate(name, found)]


def blue_green(**policy: Any) -> dict[str, Any]:
    return {"deployment_config": {"blue_green_update_policy": policy}}


def rolling(value: int = 50, type_: str = "CAPACITY_PERCENT", **policy: Any) -> dict[str, Any]:
    size = {"maximum_batch_size": {"type": type_, "value": value}}
    return {"deployment_config": {"rolling_update_policy": {**size, **policy}}}


def test_the_simple_case_has_no_problem() -> None:
    assert validate("endpoint", args()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"model_data_url": None},
        {"image": None, "framework": "sklearn", "framework_version": "1.9-0"},
        {"image": None, "model_data_url": None, "model_package_name": PACKAGE},
        {"image": None, "model_data_url": None, "containers": [{"image": "one"}, {"image": "two"}]},
        {"mode": "MultiModel", "model_data_url": "s3://models/many/", "model_cache_setting": "Disabled"},
        {"model_data_url": None, "model_data_source": {"s3_uri": "s3://models/llm/"}},
        {"production_variants": TWO},
        {
            "production_variants": [{"variant_name": "v", "image": "own"}],
            "image": None,
            "model_data_url": None,
        },
        {"production_variants": TWO[:1], "shadow_production_variants": TWO[1:]},
        {"serverless_config": {"max_concurrency": 5, "provisioned_concurrency": 5}},
        {"serverless_config": {}, "enable_network_isolation": False},
        {"async_inference_config": {**ASYNC, "kms_key_id": KEY}, "data_capture_config": {**CAPTURE, "kms_key_id": KEY}},
        blue_green(),
        blue_green(type="CANARY", canary_size={"value": 10}, wait_interval_in_seconds=300),
        blue_green(type="LINEAR", linear_step_size={"value": 25}, wait_interval_in_seconds=300),
        rolling(wait_interval_in_seconds=60, maximum_execution_timeout_in_seconds=600),
        {"initial_instance_count": 4, **rolling(2, "INSTANCE_COUNT")},
        {"deployment_config": {"auto_rollback_alarms": ["too-slow"]}, "alarms": {}},
        {"deployment_config": {}, "alarms": {}, "endpoint_name": "boston"},
        {"tags": {"größe": "1/2 : a@b"}},
    ],
)
def test_what_aws_takes_has_no_problem(changes: dict[str, Any]) -> None:
    assert [str(problem) for problem in validate("endpoint", args(**changes))] == []


SIMPLE = [
    ({"execution_role_arn": "sagemaker"}, "execution_role_arn", "characters long"),
    ({"execution_role_arn": "arn:aws:iam::123456789012:user/me"}, "execution_role_arn", ":role/"),
    ({"execution_role_arn": None}, "execution_role_arn", "is required"),
    ({"image": "has a space"}, "image", "must be text without spaces"),
    ({"image": None}, "image", "or model_package_name"),
    ({"model_data_url": "s3://bucket/model.zip"}, "model_data_url", "ends in .tar.gz"),
    ({"model_data_url": "https://bucket/model.tar.gz"}, "model_data_url", "an S3 URL"),
    ({"model_data_url": "model.tar.gz"}, "model_data_url", "begins with https:// or s3://"),
    ({"instance_type": "ml.m5.huge"}, "instance_type", "Did you mean ml.m5."),
    ({"instance_type": "m5.xlarge"}, "instance_type", "botocore lists"),
    ({"initial_instance_count": 0}, "initial_instance_count", "1 or more"),
    ({"initial_instance_count": True}, "initial_instance_count", "a whole number"),
    ({"endpoint_name": "under_score"}, "endpoint_name", "must be letters, digits and dashes, without a dash"),
    ({"endpoint_name": "e" * 64}, "endpoint_name", "63 characters"),
    ({"tags": {str(number): "x" for number in range(51)}}, "tags", "at most 50"),
    (
        {
            "tags": {str(number): "x" for number in range(50)},
            "autoscaling": {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 70},
        },
        "tags",
        "at most 49 entries with autoscaling",
    ),
    ({"tags": {"a": "*"}}, "tags['a']", "must be letters, digits, spaces, underscores, "),
    ({"environment": {"1": "x"}}, "environment['1']", "has a name that must be letters, digits and underscores"),
    ({"environment": {"A": "secret" * 200}}, "environment['A']", "1024 characters"),
    ({"environment": {f"A{number}": "x" * 1000 for number in range(40)}}, "environment", "32768 bytes"),
    ({"modeldata_url": "x"}, "modeldata_url", "model_data_url?"),
    ({"serverless_config": "yes"}, "serverless_config", "a dict of fields"),
    ({"production_variants": "AllTraffic"}, "production_variants", "a list"),
    ({"enable_network_isolation": "yes"}, "enable_network_isolation", "true or false"),
    ({"kms_key_arn": "alias/mine"}, "kms_key_arn", "an ARN"),
    ({"kms_key_arn": "arn:aws:kms:here:123456789012:key/1"}, "kms_key_arn", "an ARN"),
    ({"kms_key_arn": "arn:aws:kms:us-east-1:12345:key/1"}, "kms_key_arn", "an ARN"),
    ({"kms_key_arn": "arn:aws:kms:us-east-1"}, "kms_key_arn", "an ARN"),
    ({"default_environment": "no"}, "default_environment", "true or false"),
    ({"vpc_config": {**VPC, "subnets": []}}, "vpc_config.subnets", "1 to 16"),
]
MODELS = [
    ({"framework": "sklearn", "framework_version": "1.9-0"}, "image", "with framework, which finds"),
    ({"image": None, "framework": "sklearn"}, "framework_version", "is required"),
    ({"model_package_name": PACKAGE, "model_data_url": None}, "image", "with model_package_name"),
    ({"image": None, "model_data_url": None, "model_package_name": "boston/1"}, "model_package_name", "an ARN"),
    ({"model_data_url": None, "containers": [{"image": "two"}]}, "image", "with containers. Set it in each"),
    ({"image": None, "model_data_url": None, "containers": []}, "containers", "at least one entry"),
    ({"inference_execution_mode": "Serial"}, "inference_execution_mode", "without containers"),
    ({"mode": "MultiModel"}, "model_data_url", "in / with"),
    ({"mode": "MultiModel", "model_data_url": None}, "model_data_url", "the prefix"),
    ({"model_cache_setting": "Enabled"}, "model_cache_setting", "without mode MultiModel"),
    ({"model_data_source": {"s3_uri": "s3://models/llm/"}}, "model_data_url", "with model_data_source"),
    (
        {"model_data_url": None, "model_data_source": {"s3_uri": "s3://models/llm"}},
        "model_data_source.s3_uri",
        "in / with",
    ),
    (
        {"model_data_url": None, "model_data_source": {"s3_uri": "s3://models/llm/", "compression_type": "Gzip"}},
        "model_data_source.compression_type",
        "cannot be Gzip",
    ),
    (
        {"model_data_url": None, "model_data_source": {}},
        "model_data_source.s3_uri",
        "is required",
    ),
    (
        {
            "image": None,
            "model_data_url": None,
            "containers": [{"image": "one", "container_hostname": "same"}, {"image": "two"}],
        },
        "containers[1].container_hostname",
        "for every container or for none",
    ),
    (
        {
            "image": None,
            "model_data_url": None,
            "containers": [{"image": "one", "container_hostname": "one"}, {"image": "two"}],
            "inference_execution_mode": "Direct",
        },
        "containers[1].container_hostname",
        "with inference_execution_mode Direct",
    ),
    (
        {
            "image": None,
            "model_data_url": None,
            "containers": [{"image": "one", "container_hostname": "same"}] * 2,
        },
        "containers[1].container_hostname",
        "unique",
    ),
    (
        {"image": None, "model_data_url": None, "containers": [{"image": "one"}] * 16},
        "containers",
        "0 to 15",
    ),
]
VARIANTS = [
    (
        {"production_variants": TWO, "instance_type": "ml.m5.large"},
        "instance_type",
        "with production_variants. Set it in each",
    ),
    ({"production_variants": []}, "production_variants", "1 to 10"),
    ({"production_variants": [{"variant_name": "same"}] * 2}, "production_variants[1].variant_name", "unique"),
    ({"production_variants": [{}]}, "production_variants[0].variant_name", "is required"),
    (
        {"production_variants": [{"variant_name": "v", "initial_variant_weight": -1}]},
        "production_variants[0].initial_variant_weight",
        "0 or more",
    ),
    (
        {"production_variants": [{"variant_name": "v", "initial_variant_weight": 10**400}]},
        "production_variants[0].initial_variant_weight",
        "in 32 bits",
    ),
    (
        {"production_variants": [{"variant_name": "v", "initial_variant_weight": float("nan")}]},
        "production_variants[0].initial_variant_weight",
        "a number",
    ),
    (
        {"production_variants": [{"variant_name": "v", "volume_size_in_gb": 513}]},
        "production_variants[0].volume_size_in_gb",
        "between 1 and 512, not 513",
    ),
    (
        {"production_variants": [{"variant_name": "v", "container_startup_health_check_timeout_in_seconds": 59}]},
        "production_variants[0].container_startup_health_check_timeout_in_seconds",
        "between 60 and 3600, not 59",
    ),
    (
        {"production_variants": [{"variant_name": "v", "managed_instance_scaling": {}}]},
        "production_variants[0].managed_instance_scaling",
        "is for inference components, not",
    ),
    (
        {"production_variants": [{"variant_name": "v", "accelerator_type": "ml.eia2.medium"}]},
        "production_variants[0].accelerator_type",
        "Elastic Inference",
    ),
    (
        {"serverless_config": {"memory_size_in_mb": 512}},
        "serverless_config.memory_size_in_mb",
        "between 1024 and 6144, not 512",
    ),
    (
        {"serverless_config": {"memory_size_in_mb": 1500}},
        "serverless_config.memory_size_in_mb",
        "multiple of 1024, not 1500",
    ),
    (
        {"serverless_config": {"max_concurrency": 201}},
        "serverless_config.max_concurrency",
        "between 1 and 200, not 201",
    ),
    (
        {"serverless_config": {"provisioned_concurrency": 3}},
        "serverless_config.provisioned_concurrency",
        "at most max_concurrency (2), not 3",
    ),
    (
        {"serverless_config": {}, "instance_type": "ml.m5.large"},
        "instance_type",
        "cannot be set on a serverless variant",
    ),
    (
        {"serverless_config": {}, "initial_instance_count": 1},
        "initial_instance_count",
        "cannot be set on a serverless variant",
    ),
    (
        {"production_variants": [{"variant_name": "v", "serverless_config": {}, "enable_ssm_access": True}]},
        "production_variants[0].enable_ssm_access",
        "cannot be set on a serverless variant",
    ),
    ({"serverless_config": {}, "vpc_config": VPC}, "vpc_config", "cannot be combined with serverless_config"),
    (
        {"serverless_config": {}, "enable_network_isolation": True},
        "enable_network_isolation",
        "cannot be combined with serverless_config",
    ),
    (
        {"serverless_config": {}, "data_capture_config": CAPTURE},
        "data_capture_config",
        "cannot be combined with serverless_config",
    ),
    (
        {"serverless_config": {}, "async_inference_config": ASYNC},
        "async_inference_config",
        "cannot be combined with serverless_config",
    ),
    (
        {"serverless_config": {}, "deployment_config": {}},
        "deployment_config",
        "cannot be combined with serverless_config",
    ),
    (
        {"serverless_config": {}, "mode": "MultiModel", "model_data_url": "s3://models/many/"},
        "mode",
        "MultiModel with serverless_config",
    ),
    (
        {"serverless_config": {}, "image": None, "model_data_url": None, "containers": [{"image": "one"}]},
        "containers",
        "cannot be combined with serverless_config",
    ),
    (
        {"serverless_config": {}, "model_data_url": None, "model_data_source": {"s3_uri": "s3://models/llm/"}},
        "model_data_source",
        "cannot be combined with serverless_config",
    ),
    (
        {"production_variants": [{**TWO[0], "serverless_config": {}}, TWO[1]]},
        "production_variants[0].serverless_config",
        "with several variants",
    ),
    ({"shadow_production_variants": TWO}, "shadow_production_variants", "must have one entry in a shadow test"),
    ({"production_variants": TWO, "shadow_production_variants": [{"variant_name": "s"}]}, "production_variants", "one"),
    (
        {"shadow_production_variants": TWO[:1], "async_inference_config": ASYNC},
        "async_inference_config",
        "with shadow variants",
    ),
    (
        {"shadow_production_variants": TWO[:1], "instance_type": "ml.inf1.xlarge"},
        "instance_type",
        "inf1",
    ),
    (
        {"shadow_production_variants": TWO[:1], "mode": "MultiModel", "model_data_url": "s3://models/many/"},
        "mode",
        "MultiModel with shadow variants",
    ),
]
REST = [
    (
        {"async_inference_config": ASYNC, "mode": "MultiModel", "model_data_url": "s3://models/many/"},
        "mode",
        "cannot name a model",
    ),
    (
        {
            "async_inference_config": ASYNC,
            "image": None,
            "model_data_url": None,
            "containers": [{"image": "one", "container_hostname": "one"}],
            "inference_execution_mode": "Direct",
        },
        "inference_execution_mode",
        "cannot name a container",
    ),
    ({"async_inference_config": {}}, "async_inference_config.s3_output_path", "is required"),
    (
        {"async_inference_config": {**ASYNC, "max_concurrent_invocations_per_instance": 1001}},
        "async_inference_config.max_concurrent_invocations_per_instance",
        "between 1 and 1000",
    ),
    (
        {"async_inference_config": {**ASYNC, "success_topic": "topic"}},
        "async_inference_config.success_topic",
        ":sns:",
    ),
    (
        {"async_inference_config": {**ASYNC, "include_inference_response_in": ["ALL"]}},
        "async_inference_config.include_inference_response_in[0]",
        "one of",
    ),
    ({"async_inference_config": {**ASYNC, "kms_key_id": "alias/mine"}}, "async_inference_config.kms_key_id", "an ARN"),
    (
        {"data_capture_config": {**CAPTURE, "initial_sampling_percentage": 101}},
        "data_capture_config.initial_sampling_percentage",
        "between 0 and 100",
    ),
    (
        {"data_capture_config": {**CAPTURE, "capture_options": ["Input", "Output", "Input"]}},
        "data_capture_config.capture_options",
        "1 or 2",
    ),
    (
        {"data_capture_config": {**CAPTURE, "csv_content_types": ["csv"]}},
        "data_capture_config.csv_content_types[0]",
        "must be a content type such as text/csv",
    ),
    ({"data_capture_config": {**CAPTURE, "kms_key_id": "1"}}, "data_capture_config.kms_key_id", "an ARN"),
    (blue_green(type="CANARY"), "deployment_config.blue_green_update_policy.canary_size", "with type CANARY"),
    (
        blue_green(canary_size={"value": 10}),
        "deployment_config.blue_green_update_policy.canary_size",
        "with type ALL_AT_ONCE",
    ),
    (
        blue_green(type="CANARY", canary_size={"value": 51}),
        "deployment_config.blue_green_update_policy.canary_size.value",
        "between 1 and 50 percent, not 51",
    ),
    (
        blue_green(type="LINEAR", linear_step_size={"value": 9}),
        "deployment_config.blue_green_update_policy.linear_step_size.value",
        "between 10 and 50 percent",
    ),
    (
        blue_green(
            type="LINEAR",
            linear_step_size={"value": 10},
            wait_interval_in_seconds=100,
            maximum_execution_timeout_in_seconds=900,
        ),
        "deployment_config.blue_green_update_policy.maximum_execution_timeout_in_seconds",
        "more than the 900 seconds",
    ),
    (
        blue_green(wait_interval_in_seconds=1800, termination_wait_in_seconds=1800),
        "deployment_config.blue_green_update_policy.wait_interval_in_seconds",
        "less than 3600",
    ),
    (
        blue_green(maximum_execution_timeout_in_seconds=20000),
        "deployment_config.blue_green_update_policy.maximum_execution_timeout_in_seconds",
        "14400",
    ),
    (rolling(4), "deployment_config.rolling_update_policy.maximum_batch_size.value", "between 5 and 50 percent"),
    (
        {"initial_instance_count": 3, **rolling(2, "INSTANCE_COUNT")},
        "deployment_config.rolling_update_policy.maximum_batch_size.value",
        "of the 3 instances",
    ),
    ({"production_variants": TWO, **rolling()}, "deployment_config.rolling_update_policy", "several variants"),
    ({"instance_type": "ml.inf1.xlarge", **rolling()}, "instance_type", "without watching"),
    (
        {"deployment_config": {**rolling()["deployment_config"], "blue_green_update_policy": {}}},
        "deployment_config.blue_green_update_policy",
        "with rolling_update_policy",
    ),
    ({"deployment_config": {"auto_rollback_alarms": []}}, "deployment_config.auto_rollback_alarms", "1 to 10"),
    ({"deployment_config": {}, "alarms": {}}, "endpoint_name", "for alarms that roll"),
    ({"autoscaling": {"min_capacity": 1, "max_capacity": 2}}, "autoscaling", "or schedules"),
    ({"alarms": {"error_rate_5xx": 2}}, "alarms.error_rate_5xx", ""),
]


@pytest.mark.parametrize(("changes", "property_", "allowed"), [*SIMPLE, *MODELS, *VARIANTS, *REST])
def test_each_problem_names_property_value_and_what_is_allowed(
    changes: dict[str, Any], property_: str, allowed: str
) -> None:
    (found,) = validate("endpoint", args(**changes))
    assert found.property == property_
    assert allowed in str(found)
    assert "secret" not in str(found)


def test_all_problems_are_found_at_once() -> None:
    found = properties(args(image="a b", endpoint_name="-", instance_type="x", initial_instance_count=-1))
    assert sorted(found) == ["endpoint_name", "image", "initial_instance_count", "instance_type"]


def test_a_wrong_field_does_not_hide_what_is_wrong_between_others() -> None:
    wrong = args(serverless_config={"memory_size_in_mb": "much", "provisioned_concurrency": 3}, vpc_config=VPC)
    assert properties(wrong) == [
        "serverless_config.memory_size_in_mb",
        "serverless_config.provisioned_concurrency",
        "vpc_config",
    ]


def test_a_variants_own_model_is_checked_where_it_stands() -> None:
    own = {"variant_name": "v", "model_data_url": "s3://models/model.zip"}
    assert properties(args(production_variants=[own])) == [
        "production_variants[0].image",
        "production_variants[0].model_data_url",
    ]


@given(length=st.integers(1, 100))
def test_names_leave_room_for_auto_naming(length: int) -> None:
    refused = "name" in properties(args(), "n" * length)
    assert refused == (len("n" * length + "-config" + "-1234567") > 63)


@given(length=st.integers(1, 63), variant=st.integers(1, 63))
def test_names_of_variants_count_where_a_model_has_them(length: int, variant: int) -> None:
    own = args(production_variants=[{"variant_name": "v" * variant, "image": IMAGE}])
    longest = max(len("-config"), variant + len("--model"))
    assert ("name" in properties(own, "n" * length)) == (length + longest + len("-1234567") > 63)


@given(memory=st.integers(0, 8192))
def test_serverless_memory_goes_in_steps_of_1024(memory: int) -> None:
    allowed = memory in {1024, 2048, 3072, 4096, 5120, 6144}
    assert (properties(args(serverless_config={"memory_size_in_mb": memory})) == []) == allowed


def test_every_field_has_a_shape_of_botocores() -> None:
    others = {"AutoscalingArgs", "ScheduleArgs", "AlarmsArgs"}
    loose = {
        f"{structure}.{field}"
        for structure, fields in tables().items()
        for field, shape in fields.items()
        if shape == "any" and structure not in others
    }
    assert loose == set()


def test_the_role_is_enough_to_say_what_else_is_missing() -> None:
    assert properties({"execution_role_arn": ROLE}) == ["image"]
