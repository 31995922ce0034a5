"""From an endpoint's arguments, which have no problem, to those of pulumi-aws. Pure."""

from collections.abc import Mapping, Sequence
from ctypes import c_float
from typing import Any

import pulumi
import pulumi_aws as aws

from sagebridge.endpoint.args import DEFAULT_CONCURRENCY, DEFAULT_INSTANCE_TYPE, DEFAULT_MEMORY
from sagebridge.endpoint.parts import shadow_variants, variants
from sagebridge.endpoint.schema import is_late

Args = Mapping[str, Any]

_VARIANT_FIELDS = (
    "volume_size_in_gb",
    "model_data_download_timeout_in_seconds",
    "container_startup_health_check_timeout_in_seconds",
    "inference_ami_version",
)
_CONTAINER_FIELDS = ("image", "model_data_url", "model_package_name", "container_hostname")


def model(args: Args, own: Args) -> aws.sagemaker.ModelArgs:
    """Returns the arguments of a model.

    Args:
        args: the endpoint's arguments.
        own: those that say the model: the endpoint's, or a variant's.
    """
    several = own.get("containers")
    execution: Any = {"mode": own["inference_execution_mode"]} if "inference_execution_mode" in own else None
    return aws.sagemaker.ModelArgs(
        execution_role_arn=args["execution_role_arn"],
        primary_container=None if several else container(own),
        containers=[container(one) for one in several] if several else None,
        inference_execution_config=execution,
        vpc_config=args.get("vpc_config"),
        enable_network_isolation=args.get("enable_network_isolation"),
        tags=args.get("tags"),
    )


def container(own: Args) -> Any:  # noqa: ANN401 - the same for a primary container and one of several
    """Returns the arguments of one container."""
    built = {**_given(own, _CONTAINER_FIELDS), "mode": own.get("mode", "SingleModel")}
    if variables := {**default_environment(own), **own.get("environment", {})}:
        built["environment"] = variables
    if "model_cache_setting" in own:
        built["multi_model_config"] = {"model_cache_setting": own["model_cache_setting"]}
    if source := own.get("model_data_source"):
        built["model_data_source"] = {"s3_data_sources": [_data_source(source)]}
    return built


def default_environment(own: Args) -> dict[str, pulumi.Input[str]]:
    """Returns what AWS's framework containers read to find the handler in the archive of a single model."""
    loads_archive = "model_data_url" in own and own.get("mode", "SingleModel") == "SingleModel"
    if not loads_archive or not own.get("default_environment", True):
        return {}
    return {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": own["model_data_url"]}


def _data_source(source: Args) -> dict[str, Any]:
    built = {
        "s3_uri": source["s3_uri"],
        "s3_data_type": source.get("s3_data_type", "S3Prefix"),
        "compression_type": source.get("compression_type", "None"),
    }
    if "accept_eula" in source:
        built["model_access_config"] = {"accept_eula": source["accept_eula"]}
    return built


def configuration(
    args: Args, model_names: Mapping[str, pulumi.Input[str]], capacities: Mapping[str, pulumi.Input[int]]
) -> dict[str, Any]:
    """Returns the arguments of the endpoint configuration, but for its tags.

    Args:
        args: the endpoint's arguments.
        model_names: the name of each variant's model, by the variant's path.
        capacities: what variants start with instead of what is declared, by name.
    """
    capture, asynchronous = args.get("data_capture_config"), args.get("async_inference_config")
    production = [variant(own, model_names[path], capacities.get(own["variant_name"])) for path, own in variants(args)]
    shadows = [variant(own, model_names[path]) for path, own in shadow_variants(args)]
    return {
        "production_variants": production,
        **({"shadow_production_variants": shadows} if shadows else {}),
        **({"data_capture_config": _data_capture(capture)} if capture else {}),
        **({"async_inference_config": _async_inference(asynchronous)} if asynchronous else {}),
        **_given(args, ("kms_key_arn",)),
    }


def variant(own: Args, model_name: pulumi.Input[str], capacity: pulumi.Input[int] | None = None) -> dict[str, Any]:
    """Returns the arguments of one variant, with instances or serverless.

    Args:
        own: the variant.
        model_name: name of its model.
        capacity: the instances, or the provisioned concurrency, that it starts with instead of what is declared.
    """
    built: dict[str, Any] = {
        "variant_name": own["variant_name"],
        "model_name": model_name,
        **_given(own, _VARIANT_FIELDS),
        **({"initial_variant_weight": weight(own)} if "initial_variant_weight" in own else {}),
    }
    if "routing_strategy" in own:
        built["routing_configs"] = [{"routing_strategy": own["routing_strategy"]}]
    serverless = own.get("serverless_config")
    if serverless is None:
        return {
            **built,
            "instance_type": own.get("instance_type", DEFAULT_INSTANCE_TYPE),
            "initial_instance_count": own.get("initial_instance_count", 1) if capacity is None else capacity,
        }
    size = {
        "memory_size_in_mb": serverless.get("memory_size_in_mb", DEFAULT_MEMORY),
        "max_concurrency": serverless.get("max_concurrency", DEFAULT_CONCURRENCY),
        **_given(serverless, ("provisioned_concurrency",)),
        **({} if capacity is None else {"provisioned_concurrency": capacity}),
    }
    return {**built, "serverless_config": size}


def weight(own: Args) -> pulumi.Input[float]:
    """Returns a variant's weight as AWS and the provider keep it, in 32 bits: else a refresh would find 0.8 changed."""
    given: pulumi.Input[float] = own.get("initial_variant_weight", 1)
    if is_late(given):
        return pulumi.Output.from_input(given).apply(lambda known: c_float(known).value)
    return c_float(given).value  # type: ignore[arg-type] # it is plain


def _data_capture(capture: Args) -> Any:  # noqa: ANN401 - a dictionary of pulumi-aws
    headers = _given(capture, ("csv_content_types", "json_content_types"))
    return {
        # Not left out: the provider would send false, where AWS's default is true (endpoint_configuration.go).
        "enable_capture": capture.get("enable_capture", True),
        **_given(capture, ("destination_s3_uri", "initial_sampling_percentage", "kms_key_id")),
        "capture_options": [{"capture_mode": mode} for mode in capture.get("capture_options", ["Input", "Output"])],
        **({"capture_content_type_header": headers} if headers else {}),
    }


def _async_inference(asynchronous: Args) -> Any:  # noqa: ANN401 - a dictionary of pulumi-aws
    notification = _given(asynchronous, ("success_topic", "error_topic"))
    if responses := asynchronous.get("include_inference_response_in"):
        notification["include_inference_response_ins"] = responses
    client = _given(asynchronous, ("max_concurrent_invocations_per_instance",))
    return {
        "output_config": {
            **_given(asynchronous, ("s3_output_path", "s3_failure_path", "kms_key_id")),
            **({"notification_config": notification} if notification else {}),
        },
        **({"client_config": client} if client else {}),
    }


def deployment(config: Args, alarm_names: Sequence[pulumi.Input[str]]) -> Any:  # noqa: ANN401 - as above
    """Returns the arguments of the rollout.

    The block of the alarms is there only with an alarm: without one the provider crashes on it (endpoint.go,
    expandAutoRollbackConfig), so there is no form of it that could always stay.

    Args:
        config: see :class:`DeploymentConfigArgs`.
        alarm_names: the alarms that roll an update back.
    """
    built: dict[str, Any] = {}
    if rolling := config.get("rolling_update_policy"):
        built["rolling_update_policy"] = {
            **_given(rolling, ("maximum_execution_timeout_in_seconds",)),
            **{
                field: _size(rolling[field])
                for field in ("maximum_batch_size", "rollback_maximum_batch_size")
                if field in rolling
            },
            "wait_interval_in_seconds": rolling.get("wait_interval_in_seconds", 0),
        }
    else:
        built["blue_green_update_policy"] = _blue_green(config.get("blue_green_update_policy", {}))
    if alarm_names:
        built["auto_rollback_configuration"] = {"alarms": [{"alarm_name": name} for name in alarm_names]}
    return built


def _blue_green(policy: Args) -> dict[str, Any]:
    return {
        **_given(policy, ("termination_wait_in_seconds", "maximum_execution_timeout_in_seconds")),
        "traffic_routing_configuration": {
            "type": policy.get("type", "ALL_AT_ONCE"),
            "wait_interval_in_seconds": policy.get("wait_interval_in_seconds", 0),
            **{field: _size(policy[field]) for field in ("canary_size", "linear_step_size") if field in policy},
        },
    }


def _size(size: Args) -> dict[str, Any]:
    return {"type": size.get("type", "CAPACITY_PERCENT"), "value": size["value"]}


def _given(args: Args, fields: Sequence[str]) -> dict[str, Any]:
    return {field: args[field] for field in fields if field in args}


def without_none(value: Any) -> Any:  # noqa: ANN401 - any argument
    """Returns the arguments without fields that are None, which is how Pulumi says "not given"."""
    if isinstance(value, Mapping):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list | tuple) else value
