"""What autoscaling has set, kept through an update: a new configuration starts with what its variants have.

AWS's ``RetainAllVariantProperties`` does that, but the provider cannot ask for it (terraform-provider-aws issue 48990),
and to set the capacity after the update would be too late: the traffic is on the new, small fleet by then. So the
numbers are put into the configuration. For numbers alone no new one is made: a configuration carries in a tag the
generation that it was made for, and within a generation it keeps the numbers that it was made with.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws, _sdk
from sagebridge.guards import checks, lookup

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


ADOPTED = "adopted:"
"""Begins the id of the generation whose configuration ``bridge adopt`` took over: the configuration's name follows."""


class Scaled(NamedTuple):
    """A variant that scales."""

    first: int
    """The instances, or the provisioned concurrency, that it is declared to start with."""
    least: int
    most: int


def generation(name: str, configuration: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Stash:
    """Returns what has another id whenever a configuration changes. It keeps it in the stack's state, not in AWS.

    Args:
        name: name of the resource.
        configuration: the configuration without what may change in place, and without what autoscaling sets.
        opts: options of the resource.
    """
    replaced = pulumi.ResourceOptions(replacement_trigger=configuration)
    return pulumi.Stash(name, input=configuration, opts=pulumi.ResourceOptions.merge(opts, replaced))


def tagged(tags: Mapping[str, pulumi.Input[str]], made_for: pulumi.Stash) -> pulumi.Output[dict[str, str]]:
    """Returns a configuration's tags with its generation's; an adopted one has none, and stays as it is.

    Args:
        tags: those that are declared.
        made_for: the :func:`generation` of the configuration.
    """

    def add(known: Sequence[Any]) -> dict[str, str]:
        declared, own_id = known
        return {**declared, **({} if own_id.startswith(ADOPTED) else {lookup.GENERATION_TAG: own_id})}

    return pulumi.Output.all(tags, made_for.id).apply(add)


def capacities(
    made_for: pulumi.Stash,
    settings: pulumi.Input[_aws.Settings],
    endpoint: pulumi.Input[str],
    scaled: Mapping[str, Mapping[str, pulumi.Input[int]]],
) -> pulumi.Output[dict[str, int]]:
    """Returns what each variant that scales starts with, by name.

    Args:
        made_for: the :func:`generation` of the configuration.
        settings: the provider's settings.
        endpoint: name of the endpoint, which need not be there yet.
        scaled: the fields of :class:`Scaled` for each variant that scales.
    """

    async def find(known: Sequence[Any]) -> dict[str, int]:
        own_settings, name, fields = known
        variants = {variant: Scaled(*(int(own[field]) for field in Scaled._fields)) for variant, own in fields.items()}
        if not _sdk.runs_on_engine():  # a user's unit test asks no AWS
            return {variant: own.first for variant, own in variants.items()}
        own_id = await made_for.id.future()  # None in a preview, if it is to be another
        try:
            return starting(_aws.sagemaker_client(own_settings), name, own_id, variants)
        except (BotoCoreError, ClientError) as error:
            raise pulumi.RunError(f"Cannot read how far endpoint {name} has scaled: {error}") from error

    return pulumi.Output.unsecret(pulumi.Output.all(settings, endpoint, scaled).apply(find))


def starting(
    client: "SageMakerClient", endpoint: str, made_for: str | None, scaled: Mapping[str, Scaled]
) -> dict[str, int]:
    """Returns what each variant that scales starts with: what it has, within its bounds, or else what is declared.

    Args:
        client: of SageMaker.
        endpoint: name of the endpoint.
        made_for: id of the configuration's generation, None if it is new.
        scaled: the variants that scale.
    """
    described = lookup.describe_endpoint(client, endpoint)
    if described is None:
        return {name: own.first for name, own in scaled.items()}
    running = lookup.describe_configuration(client, described["EndpointConfigName"])
    if running and made_for in lookup.generations(client, running) | {ADOPTED + described["EndpointConfigName"]}:
        initial = {variant["VariantName"]: checks.initial_numbers(variant) for variant in running["ProductionVariants"]}
        made = _capacities(initial)
        return {name: made.get(name, own.first) for name, own in scaled.items()}
    variants = described.get("ProductionVariants", [])
    live = _capacities({variant["VariantName"]: checks.live_numbers(variant) for variant in variants})
    return {
        name: min(max(live[name], own.least, 1), own.most) if name in live else own.first
        for name, own in scaled.items()
    }


def _capacities(numbers: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """Returns the capacity of each variant by name, out of its numbers."""
    return {
        name: int(fields[field])
        for name, fields in numbers.items()
        for field in ("initial_instance_count", "provisioned_concurrency")
        if field in fields
    }
