"""Every argument of the resources around an endpoint, in the providers' terms, before and after a change.

One table for Terraform and Pulumi: resources by their Terraform type and a label, arguments by Terraform's names. A
block that there can be several of is a list, one that there is once at most a dictionary.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.local.account import HANDLER

Arguments = dict[str, Any]
Resources = dict[str, dict[str, Arguments]]

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
LOGIN = "arn:aws:lambda:us-east-1:123456789012:function:registry-login"
KEYS = tuple(f"arn:aws:kms:us-east-1:123456789012:key/{digit * 8}-1111-1111-1111-111111111111" for digit in "12")
TOPICS = tuple(f"arn:aws:sns:us-east-1:123456789012:topic-{number}" for number in (1, 2, 3))
REGION = "us-east-1"
NAMES = ("before", "after")

NOT_SET = {
    "id": "Terraform's own",
    "tags_all": "follows from tags",
    "aws_sagemaker_endpoint_configuration.shadow_production_variants.serverless_config": "serverless is alone",
    "aws_appautoscaling_target.role_arn": "the provider's docs: a service-linked role is used",
    "aws_cloudwatch_metric_alarm.metric_query.account_id": "moto forgets it",
    "aws_appautoscaling_policy.predictive_scaling_policy_configuration": "ECS services only have predictive scaling",
    "aws_appautoscaling_policy.target_tracking_scaling_policy_configuration.predefined_metric_specification"
    ".resource_label": "load balancers only have labels",
}
"""Arguments that no case sets, or what they begin with, and why."""


@dataclass(frozen=True)
class Ref:
    """An attribute of another of the resources."""

    type: str
    label: str
    attribute: str


@dataclass(frozen=True)
class Given:
    """What is there before: the role's ARN, the model's URI, a prefix for names, and a model package's ARN."""

    role: str
    model_data: str
    prefix: str
    package: str


def resources(given: Given, *, changed: bool) -> Resources:
    """Returns all resources, before or after a change of as many arguments as can change."""
    n = int(changed)
    return {
        "aws_sagemaker_model": _models(given, n),
        "aws_sagemaker_endpoint_configuration": _configurations(given, n),
        "aws_cloudwatch_metric_alarm": _alarms(given, n),
        "aws_cloudwatch_dashboard": {"all": _dashboard(given, n)},
        "aws_sagemaker_endpoint": _endpoints(given, n),
        "aws_appautoscaling_target": {"all": _target(given, n)},
        "aws_appautoscaling_policy": _policies(given, n),
        "aws_appautoscaling_scheduled_action": {"all": _action(given, n)},
    }


def paths(value: Any, at: str) -> Iterator[str]:
    """Lists the arguments that are set, each by its path without numbers."""
    yield at
    if isinstance(value, dict):
        for name, item in value.items():
            yield from paths(item, f"{at}.{name}")
    if isinstance(value, list):
        for item in value:
            yield from paths(item, at)


def _tags(n: int) -> Arguments:
    return {"team": "ml", "stage": ("test", "live")[n]} | ({"new": "yes"} if n else {"old": "yes"})


def _container(given: Given, n: int, hostname: str) -> Arguments:
    return {
        "container_hostname": hostname + str(n),
        "environment": {**HANDLER, "NUMBER": str(n)},
        "image": IMAGE,
        "image_config": {
            "repository_access_mode": "Vpc",
            "repository_auth_config": {"repository_credentials_provider_arn": LOGIN + str(n)},
        },
        "mode": "SingleModel",
        "model_data_url": given.model_data,
        "additional_model_data_source": [
            {
                "channel_name": f"draft{number}",
                "s3_data_source": [_source(given.model_data.rpartition("/")[0] + "/", "S3Prefix", "None", n)],
            }
            for number in range(1 + n)
        ],
    }


def _source(uri: str, kind: str, compression: str, n: int) -> Arguments:
    return {
        "s3_uri": uri,
        "s3_data_type": kind,
        "compression_type": compression,
        "model_access_config": {"accept_eula": bool(n)},
    }


def _models(given: Given, n: int) -> dict[str, Arguments]:
    role = given.role
    several = {"image": IMAGE, "mode": "MultiModel", "model_data_url": given.model_data.rpartition("/")[0] + "/"}
    cache = {"multi_model_config": {"model_cache_setting": ("Enabled", "Disabled")[n]}}
    one = {"s3_data_source": [_source(given.model_data, "S3Object", "Gzip", n)]}
    package = {
        "model_package_name": given.package,
        "inference_specification_name": ("fast", "small")[n],
        "environment": {"NUMBER": str(n)},
    }
    return {
        "live": {
            "execution_role_arn": role,
            "primary_container": {
                "image": IMAGE,
                "model_data_url": given.model_data,
                "environment": HANDLER,
            },
        },
        "all": {
            "name": f"{given.prefix}-{NAMES[n]}",
            "region": REGION,
            "execution_role_arn": role,
            "enable_network_isolation": bool(n),
            "primary_container": _container(given, n, "first"),
            "vpc_config": {"security_group_ids": [f"sg-{n}1", f"sg-{n}2"], "subnets": [f"subnet-{n}1", f"subnet-{n}2"]},
            "tags": _tags(n),
        },
        "row": {
            "execution_role_arn": role,
            "container": [
                _container(given, n, "first"),
                {"image": IMAGE, "container_hostname": "second", "model_data_source": one},
            ],
            "inference_execution_config": {"mode": ("Serial", "Direct")[n]},
        },
        "row_of_others": {
            "execution_role_arn": role,
            "container": [several | cache | {"container_hostname": "first"}, package],
        },
        "source": {"execution_role_arn": role, "primary_container": {"image": IMAGE, "model_data_source": one}},
        "several": {"execution_role_arn": role, "primary_container": several | cache},
        "package": {"execution_role_arn": role, "primary_container": package},
    }


def _variant(given: Given, n: int, name: str) -> Arguments:
    return {
        "variant_name": f"{name}{n}",
        "model_name": Ref("aws_sagemaker_model", "live", "name"),
        "initial_instance_count": 1 + n,
        "initial_variant_weight": (1, 0.5)[n],
        "instance_type": ("ml.m5.xlarge", "ml.m5.large")[n],
        "accelerator_type": ("ml.eia2.medium", "ml.eia2.large")[n],
        "container_startup_health_check_timeout_in_seconds": 60 + n,
        "enable_ssm_access": bool(n),
        "inference_ami_version": ("al2-ami-sagemaker-inference-gpu-2", "al2-ami-sagemaker-inference-gpu-3-1")[n],
        "model_data_download_timeout_in_seconds": 60 + n,
        "volume_size_in_gb": 10 + n,
        "core_dump_config": {"destination_s3_uri": f"s3://{given.prefix}/cores-{n}", "kms_key_id": KEYS[n]},
        "managed_instance_scaling": {
            "status": ("ENABLED", "DISABLED")[n],
            "min_instance_count": 1 + n,
            "max_instance_count": 3 + n,
        },
        "routing_config": [{"routing_strategy": ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")[n]}],
    }


def _configurations(given: Given, n: int) -> dict[str, Arguments]:
    live = {"variant_name": "AllTraffic", "model_name": Ref("aws_sagemaker_model", "live", "name")}
    # The type stays: the variant is scaled automatically, and then AWS refuses another one.
    instances = {"instance_type": "ml.m5.xlarge", "initial_instance_count": 2 + n}
    serverless = {
        "memory_size_in_mb": 2048 * (1 + n),
        "max_concurrency": 5 + n,
        "provisioned_concurrency": 1 + n,
    }
    notices = {
        "success_topic": TOPICS[n],
        "error_topic": TOPICS[n + 1],
        "include_inference_response_in": ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"][: 2 - n],
    }
    return {
        "live": {
            "name_prefix": f"{given.prefix}-live-{n}-",
            "production_variants": [live | instances],
        },
        "all": {
            "name": f"{given.prefix}-{NAMES[n]}",
            "region": REGION,
            "execution_role_arn": given.role,
            "kms_key_arn": KEYS[n],
            "data_capture_config": {
                "enable_capture": not n,
                "initial_sampling_percentage": 50 + n,
                "destination_s3_uri": f"s3://{given.prefix}/captured-{n}",
                "kms_key_id": KEYS[n],
                "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}][: 2 - n],
                "capture_content_type_header": {
                    "csv_content_types": ["text/csv", "text/x-csv"][: 2 - n],
                    "json_content_types": ["application/json", "application/x-json"][: 2 - n],
                },
            },
            "production_variants": [_variant(given, n, "First")],
            "shadow_production_variants": [_variant(given, n, "Shadow")],
            "tags": _tags(n),
        },
        "serverless": {"production_variants": [live | {"serverless_config": serverless}]},
        "asynchronous": {
            "production_variants": [live | instances],
            "async_inference_config": {
                "client_config": {"max_concurrent_invocations_per_instance": 4 + n},
                "output_config": {
                    "s3_output_path": f"s3://{given.prefix}/out-{n}/",
                    "s3_failure_path": f"s3://{given.prefix}/failed-{n}/",
                    "kms_key_id": KEYS[n],
                    "notification_config": notices,
                },
            },
        },
    }


def _size(value: int, kind: str = "CAPACITY_PERCENT") -> Arguments:
    return {"type": kind, "value": value}


def _endpoints(given: Given, n: int) -> dict[str, Arguments]:
    live = {"endpoint_config_name": Ref("aws_sagemaker_endpoint_configuration", "live", "name")}
    canary = {
        "type": "CANARY",
        "wait_interval_in_seconds": 60,
        "canary_size": (_size(10), _size(1, "INSTANCE_COUNT"))[n],
    }
    linear = {"type": "LINEAR", "wait_interval_in_seconds": 120, "linear_step_size": _size(50)}
    alarms = [{"alarm_name": Ref("aws_cloudwatch_metric_alarm", label, "alarm_name")} for label in ("all", "queries")]
    return {
        "plain": live | {"region": REGION, "name": f"{given.prefix}-plain", "tags": _tags(n)},
        "shifted": live
        | {
            "name": f"{given.prefix}-shifted",
            "deployment_config": {
                "blue_green_update_policy": {
                    "maximum_execution_timeout_in_seconds": 1800 + n,
                    "termination_wait_in_seconds": 120 + n,
                    "traffic_routing_configuration": (canary, linear)[n],
                },
                "auto_rollback_configuration": {"alarms": alarms[n:]},
            },
        },
        "rolled": live
        | {
            "name": f"{given.prefix}-rolled",
            "deployment_config": {
                "rolling_update_policy": {
                    "maximum_execution_timeout_in_seconds": 1800 + n,
                    "wait_interval_in_seconds": 60 + n,
                    "maximum_batch_size": (_size(50), _size(1, "INSTANCE_COUNT"))[n],
                    "rollback_maximum_batch_size": (_size(100), _size(2, "INSTANCE_COUNT"))[n],
                },
            },
        },
    }


def _alarms(given: Given, n: int) -> dict[str, Arguments]:
    endpoint = {"EndpointName": f"{given.prefix}-plain", "VariantName": "AllTraffic"}
    metric = {
        "metric_name": "Invocation5XXErrors",
        "namespace": "AWS/SageMaker",
        "period": 60 * (1 + n),
        "stat": ("Sum", "Average")[n],
        "unit": "Count",
        "dimensions": endpoint,
    }
    common = {"evaluation_periods": 2 + n, "comparison_operator": "GreaterThanOrEqualToThreshold"}
    simple = {"metric_name": "ModelLatency", "namespace": "AWS/SageMaker", "period": 60 * (1 + n), "threshold": 1000}
    return {
        "all": common
        | simple
        | {
            "alarm_name": f"{given.prefix}-all",
            "region": REGION,
            "actions_enabled": bool(n),
            "alarm_actions": list(TOPICS[n:]),
            "ok_actions": list(TOPICS[: 1 + n]),
            "insufficient_data_actions": [TOPICS[n]],
            "alarm_description": ("slow", "too slow")[n],
            "comparison_operator": ("GreaterThanOrEqualToThreshold", "GreaterThanThreshold")[n],
            "datapoints_to_alarm": 1 + n,
            "dimensions": endpoint,
            "statistic": ("Average", "Maximum")[n],
            "threshold": 1000.5 + n,
            "treat_missing_data": ("notBreaching", "ignore")[n],
            "unit": ("Microseconds", "Milliseconds")[n],
            "tags": _tags(n),
        },
        "percentile": common
        | simple
        | {
            "alarm_name": f"{given.prefix}-percentile",
            "extended_statistic": ("p90", "p99")[n],
            "evaluate_low_sample_count_percentiles": ("ignore", "evaluate")[n],
        },
        "queries": common
        | {
            "alarm_name": f"{given.prefix}-queries",
            "threshold": 1 + n,
            "metric_query": [
                {"id": "errors", "metric": metric},
                {"id": "rate", "expression": f"errors * {2 + n}", "label": f"Rate {n}", "return_data": True},
            ],
        },
        "band": common
        | {
            "alarm_name": f"{given.prefix}-band",
            "comparison_operator": "GreaterThanUpperThreshold",
            "threshold_metric_id": "band",
            "metric_query": [
                {"id": "errors", "metric": metric, "return_data": True},
                {"id": "band", "expression": f"ANOMALY_DETECTION_BAND(errors, {2 + n})", "return_data": True},
            ],
        },
        "insight": common
        | {
            "alarm_name": f"{given.prefix}-insight",
            "threshold": 1,
            "metric_query": [
                {
                    "id": "slowest",
                    "expression": 'SELECT MAX(ModelLatency) FROM "AWS/SageMaker"',
                    "period": 60 * (1 + n),
                    "return_data": True,
                }
            ],
        },
    }


def _dashboard(given: Given, n: int) -> Arguments:
    text = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 2 + n, "properties": {"markdown": "Endpoints"}}
    return {
        "dashboard_name": f"{given.prefix}-all",
        "region": REGION,
        "dashboard_body": json.dumps({"widgets": [text]}),
    }


def _scaled(given: Given) -> Arguments:
    return {
        "service_namespace": "sagemaker",
        "resource_id": f"endpoint/{given.prefix}-plain/variant/AllTraffic",
        "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _target(given: Given, n: int) -> Arguments:
    suspended = ("dynamic_scaling_in_suspended", "dynamic_scaling_out_suspended", "scheduled_scaling_suspended")
    return _scaled(given) | {
        "region": REGION,
        "min_capacity": 1,
        "max_capacity": 4 + n,
        "suspended_state": {name: number % 2 == n for number, name in enumerate(suspended)},
        "tags": _tags(n),
    }


def _policies(given: Given, n: int) -> dict[str, Arguments]:
    scaled = _scaled(given) | {"region": REGION, "policy_type": "TargetTrackingScaling"}
    dimensions = [{"name": "EndpointName", "value": f"{given.prefix}-plain"}]
    metric = {"metric_name": "Invocations", "namespace": "AWS/SageMaker", "dimensions": dimensions}
    return {
        "predefined": scaled
        | {
            "name": f"{given.prefix}-predefined-{n}",
            "target_tracking_scaling_policy_configuration": {
                "target_value": 100 + n,
                "scale_in_cooldown": 300 + n,
                "scale_out_cooldown": 60 + n,
                "disable_scale_in": bool(n),
                "predefined_metric_specification": {
                    "predefined_metric_type": "SageMakerVariantInvocationsPerInstance",
                },
            },
        },
        "customized": scaled
        | {
            "name": f"{given.prefix}-customized",
            "target_tracking_scaling_policy_configuration": {
                "target_value": 50 + n,
                "customized_metric_specification": {
                    "metric_name": "CPUUtilization",
                    "namespace": "/aws/sagemaker/Endpoints",
                    "statistic": ("Average", "Maximum")[n],
                    "unit": "Percent",
                    "dimensions": [*dimensions, {"name": "VariantName", "value": "AllTraffic"}],
                },
            },
        },
        "computed": scaled
        | {
            "name": f"{given.prefix}-computed",
            "target_tracking_scaling_policy_configuration": {
                "target_value": 50 + n,
                "customized_metric_specification": {
                    "metrics": [
                        {
                            "id": "all",
                            "return_data": False,
                            "metric_stat": {"metric": metric, "stat": ("Sum", "Average")[n], "unit": "Count"},
                        },
                        {"id": "half", "label": f"Half {n}", "expression": f"all / {2 + n}", "return_data": True},
                    ]
                },
            },
        },
        "stepped": scaled
        | {
            "name": f"{given.prefix}-stepped",
            "policy_type": "StepScaling",
            "step_scaling_policy_configuration": {
                "adjustment_type": "PercentChangeInCapacity",
                "cooldown": 60 + n,
                "metric_aggregation_type": ("Average", "Maximum")[n],
                "min_adjustment_magnitude": 1 + n,
                "step_adjustment": [
                    {"metric_interval_upper_bound": 10 + n, "scaling_adjustment": 10},
                    {"metric_interval_lower_bound": 10 + n, "scaling_adjustment": 50 + n},
                ],
            },
        },
    }


def _action(given: Given, n: int) -> Arguments:
    return _scaled(given) | {
        "name": f"{given.prefix}-nightly",
        "region": REGION,
        "schedule": f"cron({n} 22 * * ? *)",
        "timezone": ("Europe/Berlin", "Asia/Tokyo")[n],
        "start_time": f"2099-01-0{1 + n}T00:00:00Z",
        "end_time": f"2099-02-0{1 + n}T00:00:00Z",
        "scalable_target_action": {"min_capacity": 1, "max_capacity": 2 + n},
    }
