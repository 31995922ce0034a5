"""Finds the variants, models and containers in an endpoint's arguments, each with its path.

The rules ask before the arguments are known to be right, so what is not as it should be is passed over.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from sagebridge.endpoint.args import ContainerArgs, ImageArgs, ModelArgs, SageMakerEndpointArgs, VariantArgs

DEFAULT_VARIANT = "AllTraffic"
"""Name of the variant that the short form declares."""
SHORT_FORM = ("instance_type", "initial_instance_count", "serverless_config", "autoscaling")
"""The fields of an endpoint that stand for one production variant."""
MODEL_FIELDS = tuple(ModelArgs.__annotations__)


def variants(args: SageMakerEndpointArgs) -> list[tuple[str, VariantArgs]]:
    """Returns each production variant with its path; the one of the short form has an empty path."""
    if "production_variants" not in args:
        fields: Mapping[str, object] = args
        short = {field: fields[field] for field in SHORT_FORM if field in fields}
        return [("", cast("VariantArgs", {"variant_name": DEFAULT_VARIANT, **short}))]
    return [(path, cast("VariantArgs", variant)) for path, variant in _entries(args, "production_variants")]


def shadow_variants(args: SageMakerEndpointArgs) -> list[tuple[str, VariantArgs]]:
    """Returns each shadow variant with its path."""
    return [(path, cast("VariantArgs", variant)) for path, variant in _entries(args, "shadow_production_variants")]


def all_variants(args: SageMakerEndpointArgs) -> list[tuple[str, VariantArgs]]:
    """Returns production and shadow variants, each with its path."""
    return variants(args) + shadow_variants(args)


def is_serverless(variant: VariantArgs) -> bool:
    """Tells whether a variant has capacity without instances."""
    return "serverless_config" in variant


def has_model(args: Mapping[str, object]) -> bool:
    """Tells whether an endpoint's or a variant's own fields declare a model."""
    return any(field in args for field in MODEL_FIELDS)


def models(args: SageMakerEndpointArgs) -> list[tuple[str, ModelArgs]]:
    """Returns every model with its path: the endpoint's own, if it declares or needs one, and those of variants."""
    every = all_variants(args)
    shared: list[tuple[str, ModelArgs]] = [("", args)]
    needed = has_model(args) or not all(has_model(variant) for _, variant in every)
    return [*(shared if needed else []), *((path, variant) for path, variant in every if path and has_model(variant))]


def model_path(path: str, variant: VariantArgs) -> str:
    """Returns the path of the model that a variant runs: its own, or else the endpoint's."""
    return path if path and has_model(variant) else ""


def containers(path: str, model: ModelArgs) -> list[tuple[str, ContainerArgs]]:
    """Returns the containers of a model, each with its path."""
    if "containers" not in model:
        image: ImageArgs = model
        return [(path, cast("ContainerArgs", image))]
    return [(where, cast("ContainerArgs", container)) for where, container in _entries(model, "containers", path)]


def field_path(path: str, field: str) -> str:
    """Returns the path of a field."""
    return f"{path}.{field}" if path else field


def _entries(args: Mapping[str, object], field: str, path: str = "") -> list[tuple[str, Mapping[str, object]]]:
    listed = args.get(field)
    entries = listed if isinstance(listed, Sequence) else []
    return [
        (field_path(path, f"{field}[{place}]"), entry)
        for place, entry in enumerate(entries)
        if isinstance(entry, Mapping)
    ]
