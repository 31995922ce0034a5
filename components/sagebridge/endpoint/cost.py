"""Tells what an endpoint costs: in instance-hours of a day, and in money by AWS's price list. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypedDict, cast

from sagebridge.endpoint.args import SageMakerEndpointArgs, VariantArgs
from sagebridge.endpoint.parts import all_variants
from sagebridge.endpoint.spec import Instances, Kind, autoscaling_of, capacity_of, kind_of
from sagebridge.prices.price_list import PriceList
from sagebridge.redaction import Concealed
from sagebridge.scaling.instance_hours import HoursRange, fixed_hours, scaled_hours, total

_CAPACITY_FIELDS = ("instance_type", "initial_instance_count", "serverless_config", "autoscaling")


class InstanceHours(TypedDict):
    """The instance-hours of a day of UTC, which is what AWS bills."""

    minimum: float
    """The least that a day may have."""
    maximum: float
    """The most that a day may have, but for the instances that an update runs beside those that serve."""


class VariantHours(NamedTuple):
    """The instance-hours of a day of a variant."""

    instance_type: str
    hours: HoursRange


def capacities(args: SageMakerEndpointArgs) -> list[VariantArgs]:
    """Returns the variants with only those of their fields that decide on their instances."""
    variants: list[Mapping[str, object]] = [variant for _, variant in all_variants(args)]
    return [
        cast("VariantArgs", {field: variant[field] for field in _CAPACITY_FIELDS if field in variant})
        for variant in variants
    ]


def instance_hours(variants: Sequence[VariantArgs], today: date) -> InstanceHours:
    """Returns the instance-hours of a day of an endpoint.

    Args:
        variants: See :func:`capacities`; every value must be known.
        today: The first day of the year for which schedules are simulated.
    """
    minimum, maximum = total(variant.hours for variant in _hours(variants, today))
    return InstanceHours(minimum=minimum, maximum=maximum)


def cost_line(args: SageMakerEndpointArgs, today: date, prices: PriceList | None) -> str | None:
    """Returns the line of a preview that says what an endpoint costs; None as long as that is not known.

    Args:
        args: The arguments as ``schema.check`` returns them.
        today: The first day of the year for which schedules are simulated.
        prices: The price list of the endpoint's region; None if there is none.
    """
    variants = capacities(args)
    if not all(map(_is_plain, variants)):
        return None
    hours = _hours(variants, today)
    if not hours:
        return "A day costs 0 instance-hours, as a serverless endpoint has no instances of its own."
    types = ", ".join(dict.fromkeys(variant.instance_type for variant in hours))
    together = total(variant.hours for variant in hours)
    line = f"A day costs {_range(together, '{:,g}'.format)} instance-hours of {types}"
    return f"{line}{_money(hours, kind_of(args), prices)}."


def _hours(variants: Sequence[VariantArgs], today: date) -> list[VariantHours]:
    return [
        VariantHours(cast("str", capacity.instance_type), _variant_hours(variant, capacity, today))
        for variant in variants
        if isinstance(capacity := capacity_of(variant), Instances)
    ]


def _variant_hours(variant: VariantArgs, capacity: Instances, today: date) -> HoursRange:
    scaling = variant.get("autoscaling")
    return (
        fixed_hours(cast("int", capacity.initial)) if scaling is None else scaled_hours(autoscaling_of(scaling), today)
    )


def _money(hours: Sequence[VariantHours], kind: Kind, prices: PriceList | None) -> str:
    if prices is None:
        return ""
    source = f"AWS's price list of {prices.published} for {prices.region}"
    hourly = prices.asynchronous if kind == "async" else prices.real_time
    missing = [variant.instance_type for variant in hours if variant.instance_type not in hourly]
    if missing:
        return f"; {source} has no price of {missing[0]}"
    costs = [(hourly[variant.instance_type], variant.hours) for variant in hours]
    cost = total(HoursRange(price * bounds.minimum, price * bounds.maximum) for price, bounds in costs)
    return f": {_range(cost, '{:,.2f}'.format)} {prices.currency}, by {source}"


def _range(bounds: HoursRange, written: Callable[[float], str]) -> str:
    least, most = written(bounds.minimum), written(bounds.maximum)
    return least if least == most else f"at least {least} and at most {most}"


def _is_plain(value: object) -> bool:
    """Tells whether a value is known and no secret, with everything in it."""
    if isinstance(value, Concealed):
        return False
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    return isinstance(value, bool | int | float | str)
