"""Finds the arguments that declare what there is.

A name that pulumi-aws's arguments and the component's have in common means the same, so a field that is only passed on
comes back by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from ctypes import c_float
from typing import cast

from sagebridge.endpoint import names, resources, spec
from sagebridge.endpoint.args import (
    AlarmsArgs,
    AsyncInferenceConfigArgs,
    AutoscalingArgs,
    BlueGreenUpdatePolicyArgs,
    ContainerArgs,
    DataCaptureConfigArgs,
    ModelDataSourceArgs,
    SageMakerEndpointArgs,
    ScheduleArgs,
    VariantArgs,
)
from sagebridge.endpoint.parts import DEFAULT_VARIANT, SHORT_FORM
from sagebridge.endpoint.reverse.existing import Arguments, Existing, Reveal, block, blocks, plain
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import UNKNOWN
from sagebridge.images import handler
from sagebridge.monitoring import alarms as monitoring
from sagebridge.scaling import autoscaling as scaling
from sagebridge.validation import Problem


def arguments(existing: Existing) -> SageMakerEndpointArgs:
    """Returns the arguments that declare an endpoint without its scaling and its alarms.

    The model that most variants run is the endpoint's; another one is its variant's.
    """
    runs, shared_models = existing.model_names, existing.shared_models
    shared = shared_models[0] if shared_models else None
    if len(runs) == 1:
        (shared,) = runs.values()
    first = existing.models[next(iter(runs.values()))]
    args = {
        "endpoint_name": existing.endpoint["name"],
        **(_model(existing.models[shared], existing.reveal) if shared is not None else {}),
        **_same(first, SageMakerEndpointArgs, but=["containers"]),
        **_configuration(existing),
        **_deployment(block(existing.endpoint, "deployment_config")),
        **_variants(existing, shared),
    }
    return cast("SageMakerEndpointArgs", args)


def _variants(existing: Existing, shared: str | None) -> Arguments:
    """Returns the variants, in the short form if that can declare them."""
    variants = [_variant(variant, existing, shared) for variant in existing.variants]
    production = len(blocks(existing.configuration, "production_variants"))
    if len(variants) == 1 and variants[0]["variant_name"] == DEFAULT_VARIANT:
        fields = {field: value for field, value in variants[0].items() if field != "variant_name"}
        if fields.keys() <= set(SHORT_FORM):
            return fields
    shadows = {"shadow_production_variants": variants[production:]} if variants[production:] else {}
    return {"production_variants": variants[:production], **shadows}


def _variant(variant: Arguments, existing: Existing, shared: str | None) -> Arguments:
    name = str(existing.reveal(variant["model_name"]))
    fields = _same(variant, VariantArgs)
    if isinstance(weight := fields.get("initial_variant_weight"), float):
        fields["initial_variant_weight"] = _shortest(weight)
    for routing in blocks(variant, "routing_configs"):
        fields |= _same(routing, VariantArgs)
    return {**fields, **(_model(existing.models[name], existing.reveal) if name != shared else {})}


def _model(model: Arguments, reveal: Reveal) -> Arguments:
    several = blocks(model, "containers")
    if not several:
        return _container(block(model, "primary_container"), reveal)
    mode = block(model, "inference_execution_config").get("mode")
    containers = {"containers": [_container(container, reveal) for container in several]}
    return {**containers, **({} if mode is None else {"inference_execution_mode": mode})}


def _container(container: Arguments, reveal: Reveal) -> Arguments:
    fields = _same(container, ContainerArgs, but=["mode", "environment", "model_data_source"])
    mode = container.get("mode", spec.CONTAINER_MODE)
    if reveal(mode) != spec.CONTAINER_MODE:
        fields["mode"] = mode
    fields |= _same(block(container, "multi_model_config"), ContainerArgs)
    sources = blocks(block(container, "model_data_source"), "s3_data_sources")
    if sources and "model_data_url" not in fields:  # AWS shows a URL as a source, too
        access = block(sources[0], "model_access_config")
        fields["model_data_source"] = {**_same(sources[0], ModelDataSourceArgs), **_same(access, ModelDataSourceArgs)}
    return {**fields, **_environment(fields, block(container, "environment"), reveal)}


def _environment(container: Arguments, environment: Arguments, reveal: Reveal) -> Arguments:
    """Returns the variables that the component does not set by itself, and whether it is to set those.

    Nobody looks into the archive here. So what the component sets only for some archives is always declared.
    """
    declared = spec.container_of("", cast("ContainerArgs", reveal(container)))
    has_data = declared.model_data_url is not None or declared.model_data_source is not None
    switch: Arguments = {}
    defaults: Arguments = {}
    if isinstance(image := declared.image, str) and handler.has_rules(image) and has_data and declared.loads_one_model:
        if set(handler.VARIABLES) - environment.keys():
            switch = {"default_environment": False}
        elif not handler.uses_toolkit(image):
            defaults = resources.default_environment(declared)
    others = {name: value for name, value in environment.items() if reveal(value) != defaults.get(name)}
    return {**switch, **({"environment": others} if others else {})}


def _configuration(existing: Existing) -> Arguments:
    fields = _same(existing.configuration, SageMakerEndpointArgs, but=_OF_CONFIGURATION)
    if capture := block(existing.configuration, "data_capture_config"):
        fields["data_capture_config"] = _data_capture(capture)
    if asynchronous := block(existing.configuration, "async_inference_config"):
        fields["async_inference_config"] = _async_inference(asynchronous)
    return fields


_OF_CONFIGURATION = ("production_variants", "shadow_production_variants", "execution_role_arn", "tags")
"""Arguments of a configuration that are declared elsewhere, or not at all."""


def _data_capture(capture: Arguments) -> Arguments:
    fields = _same(capture, DataCaptureConfigArgs, but=["enable_capture", "capture_options"])
    options = [option.get("capture_mode") for option in blocks(capture, "capture_options")]
    return {
        **({} if capture.get("enable_capture") else {"enable_capture": False}),
        **fields,
        "capture_options": options,
        **_same(block(capture, "capture_content_type_header"), DataCaptureConfigArgs),
    }


def _async_inference(config: Arguments) -> Arguments:
    output = block(config, "output_config")
    notification = block(output, "notification_config")
    responses = notification.get("include_inference_response_ins")
    return {
        **_same(output, AsyncInferenceConfigArgs),
        **_same(notification, AsyncInferenceConfigArgs),
        **({"include_inference_response_in": responses} if responses else {}),
        **_same(block(config, "client_config"), AsyncInferenceConfigArgs),
    }


def _deployment(deployment: Arguments) -> Arguments:
    if not deployment:
        return {}
    fields: dict[str, object] = {}
    if rolling := block(deployment, "rolling_update_policy"):
        fields["rolling_update_policy"] = rolling
    if policy := block(deployment, "blue_green_update_policy"):
        traffic = block(policy, "traffic_routing_configuration")
        fields["blue_green_update_policy"] = {**traffic, **_same(policy, BlueGreenUpdatePolicyArgs)}
    if alarms := blocks(block(deployment, "auto_rollback_configuration"), "alarms"):
        fields["auto_rollback_alarms"] = [alarm.get("alarm_name") for alarm in alarms]
    return {"deployment_config": fields}


def autoscaling(
    args: SageMakerEndpointArgs,
    target: Arguments,
    policies: Mapping[str, Arguments],
    actions: Mapping[str, Arguments],
    reveal: Reveal = plain,
) -> AutoscalingArgs:
    """Returns the arguments that come nearest to a variant's scaling.

    Args:
        args: The endpoint's arguments, which say its kind.
        target: The scalable target.
        policies: Its policies, by name.
        actions: Its scheduled actions, by name.
        reveal: Unwraps secrets.
    """
    schedules = {name: _schedule(action) for name, action in actions.items()}
    fields = {
        **_same(target, AutoscalingArgs),
        **_tracking(spec.kind_of(args), policies.get(scaling.TARGET_TRACKING, {}), reveal),
        **({"schedules": schedules} if schedules else {}),
    }
    return cast("AutoscalingArgs", fields)


def _tracking(kind: spec.Kind, policy: Arguments, reveal: Reveal) -> Arguments:
    """Returns the target, and how fast it is followed, if it is one that the kind has."""
    tracking = block(policy, "target_tracking_scaling_policy_configuration")
    predefined = block(tracking, "predefined_metric_specification").get("predefined_metric_type")
    metric = reveal(predefined or block(tracking, "customized_metric_specification").get("metric_name"))
    for field, tracked in scaling.TRACKED.items():
        if (tracked.kind, tracked.metric) == (kind, metric):
            return {field: tracking["target_value"], **_same(tracking, AutoscalingArgs)}
    return {}


def _schedule(action: Arguments) -> Arguments:
    bounds = _same(block(action, "scalable_target_action"), ScheduleArgs)
    whole = {name: int(value) if isinstance(value, str | float) else value for name, value in bounds.items()}
    return {"timezone": spec.TIMEZONE, **_same(action, ScheduleArgs), **whole}


def with_autoscaling(args: SageMakerEndpointArgs, variant: str, autoscaling: AutoscalingArgs) -> SageMakerEndpointArgs:
    """Returns arguments with the scaling of a production variant."""
    if "production_variants" not in args:
        return {**args, "autoscaling": autoscaling}
    variants: list[VariantArgs] = [
        {**declared, "autoscaling": autoscaling} if declared["variant_name"] == variant else declared
        for declared in args["production_variants"]
    ]
    return {**args, "production_variants": variants}


def alarms(args: SageMakerEndpointArgs, existing: Mapping[str, Arguments], reveal: Reveal = plain) -> AlarmsArgs | None:
    """Returns the arguments that come nearest to the alarms that there are; None if one of the component's is missing.

    Args:
        args: The endpoint's arguments.
        existing: The alarms that watch the endpoint, by name in AWS.
        reveal: Unwraps secrets.
    """
    declared, endpoint_name = spec.parse(args), str(args["endpoint_name"])
    watches = monitoring.watches(declared.kind, spec.alarms_of(declared.kind, {}))
    wanted = {
        (variant.name, what): str(names.alarm_in_aws(endpoint_name, variant.name, what))
        for variant in declared.production_variants
        for what in watches
    }
    if not set(wanted.values()) <= existing.keys():
        return None
    first = declared.production_variants[0].name
    watching = {what: existing[wanted[first, what]] for what in watches}
    thresholds = {what: cast("float", reveal(alarm.get("threshold", 0))) for what, alarm in watching.items()}
    actions = watching["latency"].get("alarm_actions")
    fields = {
        **({"alarm_actions": actions} if actions else {}),
        "model_latency": thresholds["latency"] / 1000,
        "error_rate_4xx": thresholds["4xx"],
        "error_rate_5xx": thresholds["5xx"],
        "saturation": thresholds["saturation"],
    }
    first_token = existing.get(str(names.alarm_in_aws(endpoint_name, first, monitoring.FIRST_TOKEN)), {})
    threshold = monitoring.first_token_threshold(str(reveal(_query(first_token))))
    return cast("AlarmsArgs", fields | ({} if threshold is None else {"time_to_first_token": threshold}))


def _query(alarm: Arguments) -> object:
    """Returns the query of an alarm; an empty text if it is on a metric."""
    criteria = alarm.get("evaluation_criteria")
    on_query = criteria.get("promql_criteria") if isinstance(criteria, Mapping) else None
    return on_query.get("query", "") if isinstance(on_query, Mapping) else ""


def problems(name: str, args: SageMakerEndpointArgs, is_secret: Callable[[object], bool]) -> list[Problem]:
    """Returns why the component would refuse arguments; secrets are passed over, so that no message shows them."""
    return validate(name, cast("SageMakerEndpointArgs", _without_secrets(args, is_secret)))


def _without_secrets(value: object, is_secret: Callable[[object], bool]) -> object:
    if is_secret(value):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _without_secrets(inner, is_secret) for key, inner in value.items()}
    return [_without_secrets(inner, is_secret) for inner in value] if isinstance(value, list | tuple) else value


def _shortest(weight: float) -> float:
    """Returns the number of fewest digits that is the same in 32 bits: 0.8, not 0.800000011920929."""
    candidates = (float(f"{weight:.{digits}g}") for digits in range(1, 10))
    return next((short for short in candidates if c_float(short).value == c_float(weight).value), weight)


def _same(arguments: Arguments, declares: type, but: Sequence[str] = ()) -> dict[str, object]:
    """Returns the arguments whose names a class of the component's arguments has, too: they mean the same."""
    return {name: arguments[name] for name in declares.__annotations__ if name in arguments and name not in but}
