"""Rules of variants, of what a kind of endpoint excludes, and of what is made beside the endpoint."""

from collections.abc import Mapping
from typing import Any

from sagebridge._aws import shapes
from sagebridge.endpoint.args import DEFAULT_CONCURRENCY
from sagebridge.endpoint.parts import (
    SHORT_FORM,
    all_variants,
    at,
    containers,
    endpoint_kind,
    models,
    scaled,
    shadow_variants,
    variants,
)
from sagebridge.endpoint.rules.common import Args, Found, inferentia1, known, out, unique
from sagebridge.monitoring import alarms
from sagebridge.scaling import rules as scaling
from sagebridge.validation import Problem

_INSTANCE_FIELDS = (
    "instance_type",
    "initial_instance_count",
    "volume_size_in_gb",
    "model_data_download_timeout_in_seconds",
    "inference_ami_version",
    "routing_strategy",
)


def _short_form(_: str, args: Args) -> Found:
    """One way to say each thing."""
    if "production_variants" in args:
        yield from out("", args, SHORT_FORM, "beside production_variants: it stands in each of them")


def _variant_names(_: str, args: Args) -> Found:
    """A variant is known by its name (API: ProductionVariant.VariantName)."""
    yield from unique([(at(path, "variant_name"), variant.get("variant_name")) for path, variant in all_variants(args)])


def _capacity(_: str, args: Args) -> Found:
    """Instances or serverless (API: ProductionVariant), and what is serverless' own (…ServerlessConfig)."""
    for path, variant in all_variants(args):
        if "serverless_config" not in variant:
            continue
        yield from out(path, variant, _INSTANCE_FIELDS, "of a serverless variant")
        if not isinstance(variant["serverless_config"], Mapping):
            continue
        where, serverless = at(path, "serverless_config"), variant["serverless_config"]
        memory: Any = serverless.get("memory_size_in_mb")
        provisioned: Any = serverless.get("provisioned_concurrency")
        if known(memory) and memory % 1024:  # API: ProductionVariantServerlessConfig.MemorySizeInMB
            yield Problem(f"{where}.memory_size_in_mb", memory, "a multiple of 1024")
        most = serverless.get("max_concurrency", DEFAULT_CONCURRENCY)
        if known(provisioned, most) and provisioned > most:  # …ProvisionedConcurrency
            yield Problem(f"{where}.provisioned_concurrency", provisioned, f"at most max_concurrency, {most}")


def _serverless(_: str, args: Args) -> Found:
    """What serverless excludes.

    Guide: serverless-endpoints, "Feature exclusions" (VPC, network isolation, data capture, several variants,
    pipelines, multi-model); deploy-model-options (asynchronous is another option); deployment-guardrails ("only apply
    to Asynchronous inference and Real-time inference"); API: ContainerDefinition.ModelDataSource.
    """
    every = all_variants(args)
    serverless = [path for path, variant in every if "serverless_config" in variant]
    if not serverless:
        return
    if len(every) > 1:
        yield from (Problem(at(path, "serverless_config"), None, "of the only variant") for path in serverless)
    if args.get("enable_network_isolation") not in (None, False):
        yield from out("", args, ["enable_network_isolation"], "of a serverless endpoint")
    excluded = ["vpc_config", "data_capture_config", "async_inference_config", "deployment_config"]
    yield from out("", args, excluded, "of a serverless endpoint")
    yield from _single(args, "of a serverless endpoint")
    for path, model in models(args):
        for where, container in containers(path, model):
            yield from out(where, container, ["model_data_source"], "of a serverless endpoint")


def _asynchronous(_: str, args: Args) -> Found:
    """What a request would have to name: API: InvokeEndpointAsync has no TargetModel and no TargetContainerHostname."""
    for path, model in models(args) if "async_inference_config" in args else []:
        if model.get("inference_execution_mode") == "Direct":
            allowed = "Serial of an asynchronous endpoint, whose requests cannot name a container"
            yield Problem(at(path, "inference_execution_mode"), "Direct", allowed)
        for where, container in containers(path, model):
            if container.get("mode") == "MultiModel":
                allowed = "SingleModel of an asynchronous endpoint, whose requests cannot name a model"
                yield Problem(at(where, "mode"), "MultiModel", allowed)


def _shadow(_: str, args: Args) -> Found:
    """One and one (API: CreateEndpointConfig.ShadowProductionVariants), and Guide: shadow-tests-exclusions."""
    shadows, production = shadow_variants(args), variants(args)
    if not shadows:
        return
    for field, count in (("shadow_production_variants", len(shadows)), ("production_variants", len(production))):
        if count != 1:
            yield Problem(field, f"{count} variants", "one, as shadow variants come one to one")
    yield from out("", args, ["async_inference_config"], "beside shadow variants")
    for path, variant in shadows:
        yield from out(path, variant, ["autoscaling"], "of a shadow variant")
    for path, variant in all_variants(args):
        yield from out(path, variant, ["serverless_config"], "beside shadow variants")
        if inferentia1(variant):
            allowed = "not of the family inf1 beside shadow variants"
            yield Problem(at(path, "instance_type"), variant["instance_type"], allowed)
    yield from _single(args, "beside shadow variants")


def _single(args: Args, why: str) -> Found:
    """Only models of one container with one model."""
    for path, model in models(args):
        yield from out(path, model, ["containers"], why)
        for where, container in containers(path, model):
            if container.get("mode") == "MultiModel":
                yield Problem(at(where, "mode"), "MultiModel", f"SingleModel {why}")


def _keys(_: str, args: Args) -> Found:
    """The provider wants ARNs where AWS takes names too (endpoint_configuration.go, verify.ValidARN)."""
    for field, holder, key in (
        ("", args, "kms_key_arn"),
        ("async_inference_config", args.get("async_inference_config"), "kms_key_id"),
        ("data_capture_config", args.get("data_capture_config"), "kms_key_id"),
    ):
        value = holder.get(key) if isinstance(holder, Mapping) else None
        if known(value) and not str(value).startswith("arn:"):
            yield Problem(at(field, key), value, "an ARN")


def _capture(_: str, args: Args) -> Found:
    """The provider takes two capture options at most (endpoint_configuration.go)."""
    capture = args.get("data_capture_config")
    options = capture.get("capture_options") if isinstance(capture, Mapping) else None
    if isinstance(options, list) and len(options) > 2:  # noqa: PLR2004 - said above
        yield Problem("data_capture_config.capture_options", f"{len(options)} entries", "1 or 2 entries")


def _scaling(_: str, args: Args) -> Found:
    """See ``scaling/rules.py``; for the tag ``guards/retained.py``."""
    most, tags = shapes()["TagList"]["max"] - 1, args.get("tags")
    if isinstance(tags, Mapping) and len(tags) > most and any("autoscaling" in own for _, own in variants(args)):
        yield Problem("tags", f"{len(tags)} entries", f"at most {most} with autoscaling, which adds its own")
    for path, variant in variants(args):
        own, serverless = variant.get("autoscaling"), variant.get("serverless_config", {})
        if not isinstance(own, Mapping):
            continue
        capacity = serverless if isinstance(serverless, Mapping) else {}
        about = scaled(args, {**variant, "serverless_config": capacity} if "serverless_config" in variant else variant)
        yield from scaling.problems(at(path, "autoscaling"), about, own)  # type: ignore[arg-type]


def _alarms(_: str, args: Args) -> Found:
    """See ``monitoring/alarms.py``."""
    if isinstance(args.get("alarms"), Mapping):
        yield from alarms.problems("alarms", endpoint_kind(args), args["alarms"])


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
)
