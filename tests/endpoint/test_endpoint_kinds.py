"""Mocks: what each kind of endpoint asks AWS for."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.endpoint.grants import invoke_policy
from sagebridge.guards.lookup import GENERATION_TAG
from sagebridge.images import uris
from sagebridge.validation import Problem
from tests.endpoint.endpoints import ALARM, COMPONENT, CONFIGURATION, ENDPOINT, MODEL, STASH, TARGET, args, requests
from tests.mocks import ARCHIVE, IMAGE, ROLE, Monitor, World

Run = Callable[[Callable[[], object]], Monitor]
Declare = Callable[..., Monitor]
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
HANDLER = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": ARCHIVE}
OTHER = "s3://models/other/model.tar.gz"


@pytest.fixture
def declare(run: Run) -> Declare:
    """Declares an endpoint with changed arguments, and checks every request against AWS's own model."""

    def declare(**changes: Any) -> Monitor:
        seen = run(lambda: SageMakerEndpoint("endpoint", args(**changes)))
        requests(seen)
        return seen

    return declare


def only(seen: Monitor, kind: str) -> dict[str, Any]:
    (request,) = requests(seen)[kind]
    return request


def test_an_inference_pipeline(declare: Declare, world: World) -> None:
    world.archives.add(OTHER)
    containers = [
        {"image": IMAGE, "model_data_url": ARCHIVE, "container_hostname": "first"},
        {"image": "own:1", "model_data_url": OTHER, "container_hostname": "second", "environment": {"A": "b"}},
    ]
    seen = declare(image=None, model_data_url=None, containers=containers, inference_execution_mode="Direct")
    model = only(seen, MODEL)
    assert [container["ContainerHostname"] for container in model["Containers"]] == ["first", "second"]
    assert model["Containers"][1]["Environment"]["A"] == "b"
    assert model["InferenceExecutionConfig"] == {"Mode": "Direct"}
    assert "PrimaryContainer" not in model
    assert len(world.calls) == 2  # both archives are looked for


def test_a_multi_model_endpoint_whose_prefix_is_not_looked_for(declare: Declare, world: World) -> None:
    seen = declare(mode="MultiModel", model_data_url="s3://models/many/", model_cache_setting="Disabled")
    assert only(seen, MODEL)["PrimaryContainer"] == {
        "Image": IMAGE,
        "Mode": "MultiModel",
        "ModelDataUrl": "s3://models/many/",
        "MultiModelConfig": {"ModelCacheSetting": "Disabled"},
    }
    assert world.calls == []


def test_a_model_package(declare: Declare) -> None:
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/boston/1"
    seen = declare(image=None, model_data_url=None, model_package_name=package)
    assert only(seen, MODEL)["PrimaryContainer"] == {"ModelPackageName": package, "Mode": "SingleModel"}


def test_uncompressed_model_data_which_is_listed(declare: Declare, world: World) -> None:
    seen = declare(model_data_url=None, model_data_source={"s3_uri": "s3://models/llm/", "accept_eula": True})
    container = only(seen, MODEL)["PrimaryContainer"]
    assert container["ModelDataSource"] == {
        "S3DataSource": {
            "S3Uri": "s3://models/llm/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
            "ModelAccessConfig": {"AcceptEula": True},
        }
    }
    assert container.get("Environment", {}) == {}  # nobody knows what is there
    (call,) = world.calls
    assert (call.token, call.args["prefix"]) == ("aws:s3/getObjects:getObjects", "llm/")


def test_an_archive_as_a_data_source_is_looked_for(declare: Declare) -> None:
    source = {"s3_data_type": "S3Object", "compression_type": "Gzip"}
    declare(model_data_url=None, model_data_source={"s3_uri": ARCHIVE, **source})
    with pytest.raises(
        pulumi.RunError, match=r"model_data_source\.s3_uri: cannot read s3://models/none: it is not there"
    ):
        declare(model_data_url=None, model_data_source={"s3_uri": "s3://models/none", **source})


@pytest.fixture
def by_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up itself is tested in test_images.py."""

    def image_uri(framework: str, version: str, region: str, instance_type: str | None) -> str | Problem:
        if version == "9":
            return Problem("framework_version", "must be one of those that there are", version)
        return f"{region}/{framework}:{version}-{'gpu' if instance_type == 'ml.g5.xlarge' else 'cpu'}"

    monkeypatch.setattr(uris, "image_uri", image_uri)
    pulumi.runtime.set_config("aws:region", "eu-central-1")


@pytest.mark.usefixtures("by_framework")
def test_awss_image_by_framework_and_version_in_the_providers_region(declare: Declare) -> None:
    seen = declare(image=None, framework="sklearn", framework_version="1.9-0")
    assert only(seen, MODEL)["PrimaryContainer"]["Image"] == "eu-central-1/sklearn:1.9-0-cpu"


@pytest.mark.usefixtures("by_framework")
def test_an_unknown_framework_version_is_refused_by_name(declare: Declare) -> None:
    with pytest.raises(pulumi.RunError, match="framework_version must be one of those that there are, not '9'"):
        declare(image=None, framework="sklearn", framework_version="9")


@pytest.mark.usefixtures("by_framework")
def test_one_image_must_do_for_all_variants_that_run_a_model(declare: Declare) -> None:
    several = [{"variant_name": "cpu"}, {"variant_name": "gpu", "instance_type": "ml.g5.xlarge"}]
    with pytest.raises(pulumi.RunError, match="framework must have one image for all instance types"):
        declare(image=None, framework="sklearn", framework_version="1", production_variants=several)


def test_environment_beside_what_finds_the_handler_secrets_stay_secret(run: Run) -> None:
    def program() -> None:
        SageMakerEndpoint("endpoint", args(environment={"TOKEN": pulumi.Output.secret("hidden"), "A": "b"}))

    environment = run(program).of_type(MODEL).inputs["primaryContainer"]["value"]["environment"]  # a secret as a whole
    assert environment == {**HANDLER, "A": "b", "TOKEN": "hidden"}


@pytest.mark.parametrize("own", [{}, {"SAGEMAKER_PROGRAM": "serve.py"}])
def test_the_variables_that_find_the_handler_can_be_left_out(
    declare: Declare, world: World, own: dict[str, str]
) -> None:
    seen = declare(default_environment=False, environment=own)
    assert only(seen, MODEL)["PrimaryContainer"].get("Environment", {}) == own
    assert len(world.calls) == 1  # the archive is looked for all the same


def test_vpc_isolation_and_keys(declare: Declare) -> None:
    vpc = {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}
    seen = declare(vpc_config=vpc, enable_network_isolation=True, kms_key_arn=KEY)
    assert only(seen, MODEL)["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert only(seen, MODEL)["EnableNetworkIsolation"] is True
    assert only(seen, CONFIGURATION)["KmsKeyId"] == KEY


def test_several_variants_with_the_shared_model_and_their_own(declare: Declare) -> None:
    big = {
        "variant_name": "big",
        "image": "own:1",
        "initial_variant_weight": 0.5,
        "instance_type": "ml.g5.xlarge",
        "initial_instance_count": 2,
        "volume_size_in_gb": 100,
        "model_data_download_timeout_in_seconds": 600,
        "container_startup_health_check_timeout_in_seconds": 700,
        "inference_ami_version": "al2-ami-sagemaker-inference-gpu-2",
        "enable_ssm_access": True,
        "routing_strategy": "LEAST_OUTSTANDING_REQUESTS",
    }
    seen = declare(production_variants=[{"variant_name": "small"}, big])
    assert {model.name for model in seen.all_of_type(MODEL)} == {"endpoint-model", "endpoint-big-model"}
    assert only(seen, CONFIGURATION)["ProductionVariants"] == [
        {
            "VariantName": "small",
            "ModelName": "endpoint-model-1234567",
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 1,
        },
        {
            "VariantName": "big",
            "ModelName": "endpoint-big-model-1234567",
            "InstanceType": "ml.g5.xlarge",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": 0.5,
            "VolumeSizeInGB": 100,
            "ModelDataDownloadTimeoutInSeconds": 600,
            "ContainerStartupHealthCheckTimeoutInSeconds": 700,
            "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
            "EnableSSMAccess": True,
            "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        },
    ]


def test_a_model_that_no_variant_uses_is_not_made_if_there_is_none(declare: Declare) -> None:
    own = {"variant_name": "own", "image": "own:1"}
    seen = declare(image=None, model_data_url=None, production_variants=[own])
    assert [model.name for model in seen.all_of_type(MODEL)] == ["endpoint-own-model"]


def test_a_weight_is_what_is_left_of_it_in_32_bits_or_a_refresh_would_find_it_changed(run: Run) -> None:
    def program() -> None:
        two = [{"variant_name": "a", "initial_variant_weight": 0.8}]
        two.append({"variant_name": "b", "initial_variant_weight": pulumi.Output.from_input(0.2)})
        SageMakerEndpoint("endpoint", args(production_variants=two))

    variants = run(program).of_type(CONFIGURATION).inputs["productionVariants"]
    assert [variant["initialVariantWeight"] for variant in variants] == [0.800000011920929, 0.20000000298023224]


def test_a_shadow_variant(declare: Declare) -> None:
    shadow = {"variant_name": "next", "image": "own:2", "initial_variant_weight": 0.25}
    configuration = only(declare(shadow_production_variants=[shadow]), CONFIGURATION)
    assert [variant["VariantName"] for variant in configuration["ProductionVariants"]] == ["AllTraffic"]
    (found,) = configuration["ShadowProductionVariants"]
    assert found["ModelName"] == "endpoint-next-model-1234567"
    assert found["InitialVariantWeight"] == 0.25


def test_serverless_with_provisioned_concurrency(declare: Declare) -> None:
    serverless = {"max_concurrency": 5, "provisioned_concurrency": 2}
    (variant,) = only(declare(serverless_config=serverless), CONFIGURATION)["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}


def test_async_inference(declare: Declare) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:topic"
    asynchronous = {
        "s3_output_path": "s3://answers/out",
        "s3_failure_path": "s3://answers/failed",
        "kms_key_id": KEY,
        "success_topic": topic,
        "error_topic": topic,
        "include_inference_response_in": ["ERROR_NOTIFICATION_TOPIC"],
        "max_concurrent_invocations_per_instance": 4,
    }
    assert only(declare(async_inference_config=asynchronous), CONFIGURATION)["AsyncInferenceConfig"] == {
        "OutputConfig": {
            "S3OutputPath": "s3://answers/out",
            "S3FailurePath": "s3://answers/failed",
            "KmsKeyId": KEY,
            "NotificationConfig": {
                "SuccessTopic": topic,
                "ErrorTopic": topic,
                "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"],
            },
        },
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
    }


def test_data_capture_is_switched_on_as_the_provider_would_switch_it_off(declare: Declare) -> None:
    capture = {"destination_s3_uri": "s3://captured/here", "initial_sampling_percentage": 10}
    seen = declare(data_capture_config={**capture, "json_content_types": ["application/json"], "kms_key_id": KEY})
    assert only(seen, CONFIGURATION)["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 10,
        "DestinationS3Uri": "s3://captured/here",
        "KmsKeyId": KEY,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}),
        (
            {"type": "CANARY", "canary_size": {"value": 10}, "wait_interval_in_seconds": 60},
            {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 60,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
            },
        ),
        (
            {"type": "LINEAR", "linear_step_size": {"type": "CAPACITY_PERCENT", "value": 50}},
            {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": 0,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            },
        ),
    ],
)
def test_blue_green(declare: Declare, policy: dict[str, Any], expected: dict[str, Any]) -> None:
    config = {"blue_green_update_policy": policy} if policy else {}
    found = only(declare(deployment_config=config), ENDPOINT)["DeploymentConfig"]
    assert found == {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": expected}}


def test_rolling_with_waits_and_alarms(declare: Declare) -> None:
    policy = {
        "maximum_batch_size": {"value": 25},
        "rollback_maximum_batch_size": {"value": 100},
        "wait_interval_in_seconds": 60,
        "maximum_execution_timeout_in_seconds": 1800,
    }
    config = {"rolling_update_policy": policy, "auto_rollback_alarms": ["slow", "broken"]}
    assert only(declare(deployment_config=config), ENDPOINT)["DeploymentConfig"] == {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
            "WaitIntervalInSeconds": 60,
            "MaximumExecutionTimeoutInSeconds": 1800,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "slow"}, {"AlarmName": "broken"}]},
    }


def test_own_alarms_roll_back_and_are_there_before_the_endpoint(declare: Declare) -> None:
    seen = declare(endpoint_name="boston", alarms={}, deployment_config={}, tags={"team": "ml"})
    named = {alarm.inputs["name"] for alarm in seen.all_of_type(ALARM)}
    assert named == {f"boston-AllTraffic-{what}" for what in ("latency", "4xx", "5xx", "saturation")}
    rollback = only(seen, ENDPOINT)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert {alarm["AlarmName"] for alarm in rollback} == {"boston-AllTraffic-latency", "boston-AllTraffic-5xx"}
    before = seen.of_type(ENDPOINT).dependencies
    assert len([urn for urn in before if ALARM in urn]) == 4
    assert all(alarm.inputs["tags"] == {"team": "ml"} for alarm in seen.all_of_type(ALARM))


def test_alarms_of_an_auto_named_endpoint_come_after_it(declare: Declare) -> None:
    seen = declare(alarms={})
    assert len(seen.all_of_type(ALARM)) == 4
    assert not [urn for urn in seen.of_type(ENDPOINT).dependencies if ALARM in urn]


def test_autoscaling_depends_on_the_endpoint(declare: Declare) -> None:
    seen = declare(autoscaling={"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 100})
    target = seen.of_type(TARGET)
    assert target.inputs["resourceId"] == "endpoint/endpoint-1234567/variant/AllTraffic"
    assert any(urn.endswith("Endpoint::endpoint") for urn in target.dependencies)
    assert any(STASH in urn for urn in seen.of_type(ENDPOINT).dependencies)


@pytest.mark.parametrize("named", [{"endpoint_name": "boston"}, {}])
def test_what_scales_is_made_for_a_generation_whether_or_not_the_endpoint_is_named(
    declare: Declare, named: dict[str, str]
) -> None:
    scaling = {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 100}
    seen = declare(autoscaling=scaling, initial_instance_count=2, tags={"team": "ml"}, **named)
    made = seen.of_type(CONFIGURATION).inputs
    (variant,) = made["productionVariants"]
    assert variant["initialInstanceCount"] == 2  # a unit test asks no AWS what there is
    assert made["tags"] == {"team": "ml", GENERATION_TAG: "endpoint-generation-1234567"}
    assert len(seen.all_of_type(STASH)) == 3  # with those for the order and for `protect`


def test_a_dashboard(declare: Declare) -> None:
    seen = declare(dashboard=True, endpoint_name="boston")
    made = seen.of_type("aws:cloudwatch/dashboard:Dashboard").inputs
    assert made["dashboardName"] == "boston"
    assert json.loads(made["dashboardBody"])["widgets"]


@pytest.mark.parametrize("asynchronous", [None, {"s3_output_path": "s3://answers/out"}])
def test_a_caller_is_granted_what_it_needs(run: Run, asynchronous: dict[str, str] | None) -> None:
    """In Python by a method, and in any language by an output."""

    def program() -> None:
        made = SageMakerEndpoint("endpoint", args(async_inference_config=asynchronous))
        made.grant_invoke("caller", "role")

    seen = run(program)
    granted = seen.of_type("aws:iam/rolePolicy:RolePolicy").inputs
    (outputs,) = [outputs for urn, outputs in seen.outputs.items() if urn.endswith(f"{COMPONENT}::endpoint")]
    assert granted["role"] == "role"
    assert granted["policy"] == outputs["invokePolicy"]
    paths = [*asynchronous.values()] if asynchronous else None
    assert json.loads(outputs["invokePolicy"]) == invoke_policy(outputs["endpointArn"], paths)


def test_an_import_takes_the_endpoint_as_it_is(declare: Declare) -> None:
    endpoint = declare(import_endpoint="boston").of_type(ENDPOINT)
    assert endpoint.import_id == "boston"
    assert endpoint.inputs["name"] == "boston"
    assert endpoint.ignore_changes == ["endpointConfigName", "deploymentConfig", "tags"]


def test_protect_protects_the_endpoint_and_what_goes_first_so_that_updates_may_replace_the_rest(run: Run) -> None:
    scaling = {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 100}
    given = args(autoscaling=scaling, alarms={})
    seen = run(lambda: SageMakerEndpoint("endpoint", given, pulumi.ResourceOptions(protect=True)))
    assert {resource.name for resource in seen.registered if resource.protect} == {"endpoint", "endpoint-protection"}
    (last,) = [resource for resource in seen.registered if resource.name == "endpoint-protection"]
    others = {resource.name for resource in seen.registered if resource.parent.endswith(f"{COMPONENT}::endpoint")}
    assert {urn.rpartition("::")[2] for urn in last.dependencies} >= others


def test_fields_that_are_none_are_not_given(run: Run) -> None:
    given: Any = {**args(), "serverless_config": None, "tags": None, "endpoint_name": None}
    assert "tags" not in run(lambda: SageMakerEndpoint("endpoint", given)).of_type(MODEL).inputs


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instance_type": "ml.m5.huge"}, "instance_type must be one of the"),
        ({"endpoint_name": "a_b"}, "endpoint_name must be letters, digits and dashes"),
        ({"environment": {"A": "x" * 2000}}, "environment['A'] must be at most 1024 characters long."),
    ],
)
def test_outputs_are_checked_once_known_before_anything_is_made_of_them(
    run: Run, monitor: Monitor, changes: dict[str, Any], said: str
) -> None:
    def late(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: late(inner) for key, inner in value.items()}
        return pulumi.Output.from_input(value)

    with pytest.raises(pulumi.RunError) as refused:
        run(lambda: SageMakerEndpoint("endpoint", args(**{key: late(value) for key, value in changes.items()})))
    assert said in str(refused.value)
    assert ENDPOINT not in [resource.type for resource in monitor.registered]


def test_rules_between_outputs_are_checked_once_all_are_known(run: Run, monitor: Monitor) -> None:
    serverless = {"max_concurrency": pulumi.Output.from_input, "provisioned_concurrency": pulumi.Output.from_input}

    def program() -> None:
        config = {field: make(number) for (field, make), number in zip(serverless.items(), (2, 3), strict=True)}
        SageMakerEndpoint("endpoint", args(serverless_config=config))

    with pytest.raises(pulumi.RunError, match=r"provisioned_concurrency must be at most max_concurrency \(2\), not 3"):
        run(program)
    assert CONFIGURATION not in [resource.type for resource in monitor.registered]


def test_the_role_reaches_every_model(declare: Declare) -> None:
    seen = declare(production_variants=[{"variant_name": "a"}, {"variant_name": "b", "image": "own:1"}])
    assert {model["ExecutionRoleArn"] for model in requests(seen)[MODEL]} == {ROLE}
