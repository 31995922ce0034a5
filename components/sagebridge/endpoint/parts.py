"""What an endpoint's arguments hold: its variants, models and containers, each with its path in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.endpoint.args import DEFAULT_CONCURRENCY, DEFAULT_INSTANCE_TYPE, DEFAULT_VARIANT, ModelArgs
from sagebridge.monitoring.metrics import Kind
from sagebridge.scaling import autoscaling

Args = Mapping[str, Any]

SHORT_FORM = ("instance_type", "initial_instance_count", "serverless_config", "autoscaling")
"""The fields that stand for one production variant."""
MODEL_FIELDS = tuple(ModelArgs.__annotations__)
ROLLBACK = ("latency", "5xx")
"""Which of the endpoint's own alarms roll an update back: what a bad model does, not what its callers do."""


def variants(args: Args) -> list[tuple[str, Args]]:
    """Returns each production variant with its path; of the short form, one whose path is empty."""
    if "production_variants" not in args:
        return [
            ("", {"variant_name": DEFAULT_VARIANT, **{field: args[field] for field in SHORT_FORM if field in args}})
        ]
    return _listed(args, "production_variants")


def shadow_variants(args: Args) -> list[tuple[str, Args]]:
    """Returns each shadow variant with its path."""
    return _listed(args, "shadow_production_variants")


def all_variants(args: Args) -> list[tuple[str, Args]]:
    """Returns production and shadow variants, each with its path."""
    return variants(args) + shadow_variants(args)


def own_model(variant: Args) -> bool:
    """Tells whether a variant has a model of its own."""
    return any(field in variant for field in MODEL_FIELDS)


def models(args: Args) -> list[tuple[str, Args]]:
    """Returns every model with its path: the endpoint's own, if a variant uses it, and those of variants."""
    every = all_variants(args)
    shared = [("", args)] if own_model(args) or not all(own_model(variant) for _, variant in every) else []
    return shared + [(path, variant) for path, variant in every if path and own_model(variant)]


def model_path(path: str, variant: Args) -> str:
    """Returns the path of the model that a variant runs: its own, else the endpoint's."""
    return path if path and own_model(variant) else ""


def containers(path: str, model: Args) -> list[tuple[str, Args]]:
    """Returns the containers of a model, each with its path."""
    return _listed(model, "containers", path) if "containers" in model else [(path, model)]


def kind(args: Args, variant: Args) -> Kind:
    """Returns how a variant gets its capacity and its requests."""
    if "serverless_config" in variant:
        return "serverless"
    return "async" if "async_inference_config" in args else "real-time"


def endpoint_kind(args: Args) -> Kind:
    """Returns the kind of an endpoint, the same for all of its variants."""
    return kind(args, next((variant for _, variant in variants(args)), {}))


def at(path: str, field: str) -> str:
    """Returns the path of a field."""
    return f"{path}.{field}" if path else field


def _listed(args: Args, field: str, path: str = "") -> list[tuple[str, Args]]:
    listed = args.get(field, [])
    entries = listed if isinstance(listed, Sequence) else []
    return [(at(path, f"{field}[{place}]"), entry) for place, entry in enumerate(entries) if isinstance(entry, Mapping)]


def scaled(args: Args, variant: Args) -> autoscaling.Variant:
    """Returns what autoscaling needs to know of a variant."""
    serverless = variant.get("serverless_config", {})
    return autoscaling.Variant(
        kind(args, variant),
        variant["variant_name"],
        None if "serverless_config" in variant else variant.get("instance_type", DEFAULT_INSTANCE_TYPE),
        serverless.get("max_concurrency", DEFAULT_CONCURRENCY) if "serverless_config" in variant else None,
        serverless.get("provisioned_concurrency"),
        args.get("tags"),
    )
