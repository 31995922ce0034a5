"""Rules of variants, of what a kind of endpoint excludes, and of what is made beside the endpoint."""

from collections.abc import Mapping, Sequence

from sagebridge._aws import shapes
from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.parts import (
    SHORT_FORM,
    all_variants,
    containers,
    field_path,
    is_serverless,
    models,
    shadow_variants,
    variants,
)
from sagebridge.endpoint.placements import placements
from sagebridge.endpoint.rules.common import (
    Problems,
    inferentia1_family,
    is_arn,
    is_known,
    is_structure,
    refused_fields,
    repeated,
)
from sagebridge.endpoint.spec import MAX_CONCURRENCY, capacity_of, kind_of
from sagebridge.monitoring import alarms
from sagebridge.redaction import derived
from sagebridge.scaling import rules as scaling
from sagebridge.validation import Problem

_INSTANCE_FIELDS = (
    "instance_type",
    "initial_instance_count",
    "volume_size_in_gb",
    "model_data_download_timeout_in_seconds",
    "inference_ami_version",
    "enable_ssm_access",
    "routing_strategy",
)
"""The fields of a variant that are about its instances (API: ProductionVariant; for SSM, Guide: ssm-access)."""
_CAPTURE_OPTIONS = 2
"""The most that the provider takes (endpoint_configuration.go)."""
_WITH_FIRST_TOKEN = ("vllm", "huggingface-vllm")
"""The frameworks that are known to publish the time to the first token."""


def _short_form(_: str, args: SageMakerEndpointArgs) -> Problems:
    """There is one way to say each thing."""
    if "production_variants" in args:
        yield from refused_fields(
            "", args, SHORT_FORM, "cannot be combined with production_variants", "Set it in each variant."
        )


def _variant_names(_: str, args: SageMakerEndpointArgs) -> Problems:
    """A variant is known by its name (API: ProductionVariant.VariantName)."""
    yield from repeated(
        [(field_path(path, "variant_name"), variant["variant_name"]) for path, variant in all_variants(args)]
    )


def _capacity(_: str, args: SageMakerEndpointArgs) -> Problems:
    """A variant has instances or is serverless (API: ProductionVariant, ProductionVariantServerlessConfig)."""
    for path, variant in all_variants(args):
        if not is_serverless(variant):
            continue
        yield from refused_fields(path, variant, _INSTANCE_FIELDS, "cannot be set on a serverless variant")
        config = variant["serverless_config"]
        if not is_structure(config):
            continue
        memory, provisioned = config.get("memory_size_in_mb"), config.get("provisioned_concurrency")
        where, most = field_path(path, "serverless_config"), config.get("max_concurrency", MAX_CONCURRENCY)
        if is_known(memory) and memory % 1024:  # API: ProductionVariantServerlessConfig.MemorySizeInMB
            yield Problem(f"{where}.memory_size_in_mb", "must be a multiple of 1024", memory)
        if is_known(provisioned) and is_known(most) and provisioned > most:  # …ProvisionedConcurrency
            yield Problem(f"{where}.provisioned_concurrency", f"must be at most max_concurrency ({most})", provisioned)


def _serverless(_: str, args: SageMakerEndpointArgs) -> Problems:
    """What serverless excludes.

    Guide: serverless-endpoints, "Feature exclusions" (VPC, network isolation, data capture, several variants,
    pipelines, multi-model); deploy-model-options (asynchronous is another option); deployment-guardrails ("only apply
    to Asynchronous inference and Real-time inference"); API: ContainerDefinition.ModelDataSource.
    """
    every = all_variants(args)
    serverless = [path for path, variant in every if is_serverless(variant)]
    if not serverless:
        return
    if len(every) > 1:
        rule = "cannot be combined with several variants"
        yield from (Problem(field_path(path, "serverless_config"), rule) for path in serverless)
    rule = "cannot be combined with serverless_config"
    if args.get("enable_network_isolation") not in (None, False):
        yield Problem("enable_network_isolation", rule)
    excluded = ["vpc_config", "data_capture_config", "async_inference_config", "deployment_config"]
    yield from refused_fields("", args, excluded, rule)
    yield from _single_models(args, "serverless_config")
    for path, model in models(args):
        for where, container in containers(path, model):
            yield from refused_fields(where, container, ["model_data_source"], rule)


def _asynchronous(_: str, args: SageMakerEndpointArgs) -> Problems:
    """API: InvokeEndpointAsync has no TargetModel and no TargetContainerHostname."""
    for path, model in models(args) if "async_inference_config" in args else []:
        execution_mode = model.get("inference_execution_mode")
        if execution_mode == "Direct":
            rule = f"cannot be {execution_mode} on an asynchronous endpoint, whose requests cannot name a container"
            yield Problem(field_path(path, "inference_execution_mode"), rule)
        for where, container in containers(path, model):
            if (mode := container.get("mode")) == "MultiModel":
                rule = f"cannot be {mode} on an asynchronous endpoint, whose requests cannot name a model"
                yield Problem(field_path(where, "mode"), rule)


def _shadow(_: str, args: SageMakerEndpointArgs) -> Problems:
    """A shadow variant and a production variant (API: CreateEndpointConfig.ShadowProductionVariants).

    Guide: shadow-tests-exclusions.
    """
    shadows, production = shadow_variants(args), variants(args)
    if not shadows:
        return
    for field, count in (("shadow_production_variants", len(shadows)), ("production_variants", len(production))):
        if count != 1:
            yield Problem(field, "must have one entry in a shadow test", count)
    rule = "cannot be combined with shadow variants"
    yield from refused_fields("", args, ["async_inference_config"], rule)
    for path, variant in shadows:
        yield from refused_fields(path, variant, ["autoscaling"], "cannot be set on a shadow variant")
    for path, variant in all_variants(args):
        yield from refused_fields(path, variant, ["serverless_config"], rule)
        if family := inferentia1_family(variant):
            yield Problem(field_path(path, "instance_type"), f"cannot be of the family {family} in a shadow test")
    yield from _single_models(args, "shadow variants")


def _single_models(args: SageMakerEndpointArgs, excluder: str) -> Problems:
    """Finds models of several containers, and containers of several models."""
    for path, model in models(args):
        yield from refused_fields(path, model, ["containers"], f"cannot be combined with {excluder}")
        for where, container in containers(path, model):
            if (mode := container.get("mode")) == "MultiModel":
                yield Problem(field_path(where, "mode"), f"cannot be {mode} with {excluder}")


def _keys(_: str, args: SageMakerEndpointArgs) -> Problems:
    """The provider wants ARNs where AWS takes names too (endpoint_configuration.go, verify.ValidARN)."""
    asynchronous, capture = args.get("async_inference_config"), args.get("data_capture_config")
    keys = {
        "kms_key_arn": args.get("kms_key_arn"),
        "async_inference_config.kms_key_id": asynchronous.get("kms_key_id") if is_structure(asynchronous) else None,
        "data_capture_config.kms_key_id": capture.get("kms_key_id") if is_structure(capture) else None,
    }
    for path, key in keys.items():
        if is_known(key) and not is_arn(key):
            yield Problem(path, "must be an ARN", key)


def _capture(_: str, args: SageMakerEndpointArgs) -> Problems:
    """The provider takes two capture options at most (endpoint_configuration.go)."""
    capture = args.get("data_capture_config")
    options = capture.get("capture_options") if is_structure(capture) else None
    if isinstance(options, Sequence) and len(options) > _CAPTURE_OPTIONS:
        yield Problem("data_capture_config.capture_options", "must have 1 or 2 entries", derived(len(options), options))


def _scaling(_: str, args: SageMakerEndpointArgs) -> Problems:
    """See ``scaling/rules.py``; for the tag ``guards/retained.py``."""
    most, tags, production = shapes()["TagList"]["max"] - 1, args.get("tags"), variants(args)
    if isinstance(tags, Mapping) and len(tags) > most and any("autoscaling" in variant for _, variant in production):
        rule = f"must have at most {most} entries with autoscaling"
        yield Problem("tags", rule, derived(len(tags), tags), "Autoscaling adds a tag of its own.")
    for path, variant in production:
        autoscaling, config = variant.get("autoscaling"), variant.get("serverless_config")
        if is_structure(autoscaling) and (config is None or is_structure(config)):
            where = field_path(path, "autoscaling")
            yield from scaling.problems(where, kind_of(args), capacity_of(variant), autoscaling)


def _alarms(_: str, args: SageMakerEndpointArgs) -> Problems:
    """See ``monitoring/alarms.py``."""
    declared = args.get("alarms")
    if is_structure(declared):
        yield from alarms.problems("alarms", kind_of(args), declared)


def _first_token(_: str, args: SageMakerEndpointArgs) -> Problems:
    """Only for vLLM does the Guide name the metric (monitoring-detailed-observability-promql)."""
    declared = args.get("alarms")
    if not is_structure(declared) or declared.get("time_to_first_token") is None:
        return
    production = [path for path, _ in variants(args)]
    for placement in placements(args):
        server = placement.server
        other = placement.container.get("framework") if server is None else server.framework
        if placement.variant_path in production and other is not None and other not in _WITH_FIRST_TOKEN:
            rule = f"can be set for {' and '.join(_WITH_FIRST_TOKEN)} only"
            yield Problem("alarms.time_to_first_token", rule, other, "No other server is known to publish the metric.")
            return


RULES = (
    _short_form,
    _variant_names,
    _capacity,
    _serverless,
    _asynchronous,
    _shadow,
    _keys,
    _capture,
    _scaling,
    _alarms,
    _first_token,
)
