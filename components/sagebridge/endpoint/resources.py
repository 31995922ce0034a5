"""Builds the arguments of pulumi-aws's SageMaker resources from what an endpoint declares. Pure."""

from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict, TypeVar, cast

import pulumi
from pulumi_aws import sagemaker

from sagebridge.endpoint.args import AsyncInferenceConfigArgs
from sagebridge.endpoint.defaults import VariantDefaults
from sagebridge.endpoint.spec import (
    BlueGreen,
    CapacitySize,
    Container,
    DataCapture,
    Endpoint,
    Instances,
    Model,
    ModelDataSource,
    Rolling,
    Rollout,
    Serverless,
    Tags,
    Variant,
)
from sagebridge.images import handler

Arguments = TypeVar("Arguments", bound=Mapping[str, object])
Value = TypeVar("Value")


class ModelArguments(TypedDict):
    """The arguments of a model."""

    execution_role_arn: pulumi.Input[str]
    primary_container: NotRequired[sagemaker.ModelPrimaryContainerArgsDict | None]
    containers: NotRequired[list[sagemaker.ModelContainerArgsDict] | None]
    inference_execution_config: NotRequired[sagemaker.ModelInferenceExecutionConfigArgsDict | None]
    vpc_config: NotRequired[sagemaker.ModelVpcConfigArgsDict | None]
    enable_network_isolation: NotRequired[pulumi.Input[bool] | None]
    tags: NotRequired[Tags | None]


class ConfigurationArguments(TypedDict):
    """The arguments of an endpoint configuration, but for its tags."""

    production_variants: list[sagemaker.EndpointConfigurationProductionVariantArgsDict]
    shadow_production_variants: NotRequired[list[sagemaker.EndpointConfigurationShadowProductionVariantArgsDict] | None]
    data_capture_config: NotRequired[sagemaker.EndpointConfigurationDataCaptureConfigArgsDict | None]
    async_inference_config: NotRequired[sagemaker.EndpointConfigurationAsyncInferenceConfigArgsDict | None]
    kms_key_arn: NotRequired[pulumi.Input[str] | None]


def model(endpoint: Endpoint, declared: Model) -> ModelArguments:
    """Returns the arguments of a model.

    Args:
        endpoint: What the endpoint declares.
        declared: One of its models.
    """
    args, mode = endpoint.arguments, declared.execution_mode
    vpc = args.get("vpc_config")
    containers = [container(entry) for entry in declared.containers]
    return _set(
        ModelArguments(
            execution_role_arn=args["execution_role_arn"],
            primary_container=None if declared.several else containers[0],
            containers=containers if declared.several else None,
            inference_execution_config=None if mode is None else {"mode": mode},
            vpc_config=None
            if vpc is None
            else {"subnets": vpc["subnets"], "security_group_ids": vpc["security_group_ids"]},
            enable_network_isolation=args.get("enable_network_isolation"),
            tags=endpoint.tags,
        )
    )


def container(declared: Container) -> sagemaker.ModelContainerArgsDict:
    """Returns the arguments of a container, be it a model's only one or one of several."""
    args, source = declared.arguments, declared.model_data_source
    cache = args.get("model_cache_setting")
    variables = declared.handler_variables
    defaults = default_environment(declared) if variables is None else variables
    return _set(
        sagemaker.ModelContainerArgsDict(
            image=declared.image,
            model_data_url=declared.model_data_url,
            model_package_name=args.get("model_package_name"),
            container_hostname=args.get("container_hostname"),
            mode=declared.mode,
            environment=_merged(defaults, _merged(server_environment(declared), args.get("environment", {})) or {}),
            multi_model_config=None if cache is None else {"model_cache_setting": cache},
            model_data_source=None if source is None else {"s3_data_sources": [_data_source(source)]},
        )
    )


def default_environment(declared: Container) -> dict[str, str]:
    """Returns what leads AWS's framework containers to the handler of a single model in whose archive nobody looked.

    It is taken to be at the root.
    """
    image, url = declared.image, declared.model_data_url
    if not (declared.loads_one_model and declared.default_environment):
        return {}
    if not (isinstance(image, str) and isinstance(url, str)):
        return {}
    return dict(handler.unseen(handler.Model(image, url, {})))


def server_environment(declared: Container) -> dict[str, pulumi.Input[str]]:
    """Returns what tells a model server its model, and what it needs on SageMaker; see ``images/servers.py``."""
    server, model = declared.server, declared.hugging_face_model
    if server is None or not declared.is_model_server:
        return {}
    variables: dict[str, pulumi.Input[str]] = {}
    if declared.default_environment:
        fixed = (*server.fixed, *(server.mounted if declared.has_model_data else ()))
        variables |= {variable.name: variable.value for variable in fixed}
    if model is not None:
        variables[server.model.name] = model["id"]
        if server.revision is not None and "revision" in model:
            variables[server.revision.name] = model["revision"]
        if "token" in model:
            variables |= {variable.name: model["token"] for variable in server.tokens}
    return variables


def _merged(
    defaults: pulumi.Input[Mapping[str, pulumi.Input[str]]], declared: pulumi.Input[Mapping[str, pulumi.Input[str]]]
) -> pulumi.Input[Mapping[str, pulumi.Input[str]]] | None:
    """Returns the variables of a container; None if there are none. Both may be outputs.

    A secret among declared variables stays the secret of its own variable: in an output of all, all would be secret.
    """
    if isinstance(defaults, Mapping) and isinstance(declared, Mapping):
        return {**defaults, **declared} or None
    if isinstance(declared, Mapping):
        return pulumi.Output.from_input(defaults).apply(lambda variables: {**variables, **declared})
    return pulumi.Output.all(defaults, declared).apply(lambda variables: {**variables[0], **variables[1]})


def _data_source(source: ModelDataSource) -> sagemaker.ModelContainerModelDataSourceS3DataSourceArgsDict:
    return _set(
        sagemaker.ModelContainerModelDataSourceS3DataSourceArgsDict(
            s3_uri=source.s3_uri,
            s3_data_type=source.s3_data_type,
            compression_type=source.compression_type,
            model_access_config=None if source.accept_eula is None else {"accept_eula": source.accept_eula},
        )
    )


def configuration(
    endpoint: Endpoint,
    model_names: Mapping[str | None, pulumi.Input[str]],
    capacities: Mapping[str, pulumi.Input[int]],
) -> ConfigurationArguments:
    """Returns the arguments of the endpoint configuration, but for its tags.

    Args:
        endpoint: What the endpoint declares.
        model_names: The name of each model in AWS, by :attr:`Model.variant`.
        capacities: What variants start with instead of what they declare, by the variant's name.
    """
    capture, asynchronous = endpoint.data_capture, endpoint.arguments.get("async_inference_config")
    shadows = [variant(shadow, model_names[shadow.model.variant]) for shadow in endpoint.shadow_variants]
    return _set(
        ConfigurationArguments(
            production_variants=[
                variant(production, model_names[production.model.variant], capacities.get(production.name))
                for production in endpoint.production_variants
            ],
            # The class is another, the fields are the same.
            shadow_production_variants=cast(
                "list[sagemaker.EndpointConfigurationShadowProductionVariantArgsDict] | None", shadows or None
            ),
            data_capture_config=None if capture is None else _data_capture(capture),
            async_inference_config=None if asynchronous is None else _async_inference(asynchronous),
            kms_key_arn=endpoint.arguments.get("kms_key_arn"),
        )
    )


def variant(
    declared: Variant, model_name: pulumi.Input[str], capacity: pulumi.Input[int] | None = None
) -> sagemaker.EndpointConfigurationProductionVariantArgsDict:
    """Returns the arguments of a production or a shadow variant.

    Args:
        declared: The variant.
        model_name: Name of its model in AWS.
        capacity: The instances, or the provisioned concurrency, that it starts with instead of what it declares.
    """
    args, defaults = declared.arguments, declared.defaults
    routing = args.get("routing_strategy")
    built = sagemaker.EndpointConfigurationProductionVariantArgsDict(
        variant_name=declared.name,
        model_name=model_name,
        initial_variant_weight=declared.weight if "initial_variant_weight" in args else None,
        volume_size_in_gb=_or_default(args.get("volume_size_in_gb"), defaults, lambda chosen: chosen.volume_size_in_gb),
        model_data_download_timeout_in_seconds=_or_default(
            args.get("model_data_download_timeout_in_seconds"),
            defaults,
            lambda chosen: chosen.model_data_download_timeout_in_seconds,
        ),
        container_startup_health_check_timeout_in_seconds=_or_default(
            args.get("container_startup_health_check_timeout_in_seconds"),
            defaults,
            lambda chosen: chosen.container_startup_health_check_timeout_in_seconds,
        ),
        inference_ami_version=_or_default(
            args.get("inference_ami_version"), defaults, lambda chosen: chosen.inference_ami_version
        ),
        enable_ssm_access=args.get("enable_ssm_access"),
        routing_configs=None if routing is None else [{"routing_strategy": routing}],
    )
    if isinstance(declared.capacity, Instances):
        built["instance_type"] = declared.capacity.instance_type
        built["initial_instance_count"] = declared.capacity.initial if capacity is None else capacity
    else:
        built["serverless_config"] = _serverless(declared.capacity, capacity)
    return _set(built)


def _or_default(
    value: pulumi.Input[Value] | None,
    defaults: VariantDefaults | pulumi.Output[VariantDefaults],
    choose: Callable[[VariantDefaults], Value | None],
) -> pulumi.Input[Value | None] | None:
    """Returns what a variant declares, or else its default; None is what AWS chooses."""
    if value is not None:
        return cast("pulumi.Input[Value | None]", value)
    return choose(defaults) if isinstance(defaults, VariantDefaults) else defaults.apply(choose)


def _serverless(
    declared: Serverless, provisioned: pulumi.Input[int] | None
) -> sagemaker.EndpointConfigurationProductionVariantServerlessConfigArgsDict:
    return _set(
        sagemaker.EndpointConfigurationProductionVariantServerlessConfigArgsDict(
            memory_size_in_mb=declared.memory_size_in_mb,
            max_concurrency=declared.max_concurrency,
            provisioned_concurrency=declared.provisioned_concurrency if provisioned is None else provisioned,
        )
    )


def _data_capture(declared: DataCapture) -> sagemaker.EndpointConfigurationDataCaptureConfigArgsDict:
    args = declared.arguments
    headers = _set(
        sagemaker.EndpointConfigurationDataCaptureConfigCaptureContentTypeHeaderArgsDict(
            csv_content_types=args.get("csv_content_types"), json_content_types=args.get("json_content_types")
        )
    )
    return _set(
        sagemaker.EndpointConfigurationDataCaptureConfigArgsDict(
            # Always said: where it is left out the provider sends false, and AWS's default is true.
            enable_capture=declared.enabled,
            destination_s3_uri=args["destination_s3_uri"],
            initial_sampling_percentage=args["initial_sampling_percentage"],
            kms_key_id=args.get("kms_key_id"),
            capture_options=[{"capture_mode": mode} for mode in declared.options],
            capture_content_type_header=headers or None,
        )
    )


def _async_inference(args: AsyncInferenceConfigArgs) -> sagemaker.EndpointConfigurationAsyncInferenceConfigArgsDict:
    notification = _set(
        sagemaker.EndpointConfigurationAsyncInferenceConfigOutputConfigNotificationConfigArgsDict(
            success_topic=args.get("success_topic"),
            error_topic=args.get("error_topic"),
            include_inference_response_ins=args.get("include_inference_response_in") or None,
        )
    )
    output = _set(
        sagemaker.EndpointConfigurationAsyncInferenceConfigOutputConfigArgsDict(
            s3_output_path=args["s3_output_path"],
            s3_failure_path=args.get("s3_failure_path"),
            kms_key_id=args.get("kms_key_id"),
            notification_config=notification or None,
        )
    )
    concurrency = args.get("max_concurrent_invocations_per_instance")
    return _set(
        sagemaker.EndpointConfigurationAsyncInferenceConfigArgsDict(
            output_config=output,
            client_config=None if concurrency is None else {"max_concurrent_invocations_per_instance": concurrency},
        )
    )


def deployment(rollout: Rollout) -> sagemaker.EndpointDeploymentConfigArgsDict:
    """Returns the arguments of the rollout.

    The block of the alarms is there only with an alarm: without one the provider crashes on it (endpoint.go,
    expandAutoRollbackConfig), so there is no form of it that could always stay.
    """
    policy, alarm_names = rollout.policy, rollout.alarm_names
    return _set(
        sagemaker.EndpointDeploymentConfigArgsDict(
            rolling_update_policy=_rolling(policy) if isinstance(policy, Rolling) else None,
            blue_green_update_policy=_blue_green(policy) if isinstance(policy, BlueGreen) else None,
            auto_rollback_configuration={"alarms": [{"alarm_name": name} for name in alarm_names]}
            if alarm_names
            else None,
        )
    )


def _rolling(policy: Rolling) -> sagemaker.EndpointDeploymentConfigRollingUpdatePolicyArgsDict:
    rollback = policy.rollback_maximum_batch_size
    return _set(
        sagemaker.EndpointDeploymentConfigRollingUpdatePolicyArgsDict(
            maximum_batch_size=_size(policy.maximum_batch_size),
            rollback_maximum_batch_size=None if rollback is None else _size(rollback),
            wait_interval_in_seconds=policy.wait_interval_in_seconds,
            maximum_execution_timeout_in_seconds=policy.arguments.get("maximum_execution_timeout_in_seconds"),
        )
    )


def _blue_green(policy: BlueGreen) -> sagemaker.EndpointDeploymentConfigBlueGreenUpdatePolicyArgsDict:
    canary, linear = policy.canary_size, policy.linear_step_size
    traffic = _set(
        sagemaker.EndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfigurationArgsDict(
            type=policy.type,
            wait_interval_in_seconds=policy.wait_interval_in_seconds,
            canary_size=None if canary is None else _size(canary),
            linear_step_size=None if linear is None else _size(linear),
        )
    )
    return _set(
        sagemaker.EndpointDeploymentConfigBlueGreenUpdatePolicyArgsDict(
            traffic_routing_configuration=traffic,
            termination_wait_in_seconds=policy.arguments.get("termination_wait_in_seconds"),
            maximum_execution_timeout_in_seconds=policy.arguments.get("maximum_execution_timeout_in_seconds"),
        )
    )


def _size(size: CapacitySize) -> sagemaker.EndpointDeploymentConfigRollingUpdatePolicyMaximumBatchSizeArgsDict:
    return {"type": size.type, "value": size.value}


def _set(arguments: Arguments) -> Arguments:
    """Returns arguments without those that are None, which is how Pulumi says "not set"."""
    return cast("Arguments", {name: value for name, value in arguments.items() if value is not None})
