"""Keeps what autoscaling has set through an update: a new configuration starts with what its variants have.

AWS's ``RetainAllVariantProperties`` does that, but the provider cannot ask for it (terraform-provider-aws issue 48990),
and to set the capacity after the update would be too late: the traffic is on the new, small fleet by then. So the
numbers are put into the configuration. For numbers alone no new one is made: a configuration carries in a tag the
generation that it was made for, and within a generation it keeps the numbers that it was made with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws, _sdk
from sagebridge.endpoint.outputs import secret_texts
from sagebridge.endpoint.resources import ConfigurationArguments
from sagebridge.endpoint.spec import Autoscaling, Tags, Variant
from sagebridge.endpoint.stash import stash
from sagebridge.guards import checks, lookup
from sagebridge.redaction import redacted

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from pulumi_aws.sagemaker import EndpointDeploymentConfigArgsDict


ADOPTED = "adopted:"
"""The beginning of the ID of a generation whose configuration ``sagebridge adopt`` took over; its name follows."""


@dataclass(frozen=True)
class Scaled:
    """The capacity of a variant that scales: instances, or provisioned concurrency."""

    first: int
    """What it is declared to start with."""
    least: int
    most: int


def generation(
    name: str,
    configuration: ConfigurationArguments,
    deployment: "EndpointDeploymentConfigArgsDict | None",
    opts: pulumi.ResourceOptions,
) -> pulumi.Stash:
    """Returns what has another ID whenever a configuration changes. It is kept in the stack's state, not in AWS.

    Args:
        name: Name of the resource.
        configuration: The configuration without its tags, and with zeros where autoscaling sets a number.
        deployment: How an update reaches the endpoint; AWS takes a change of that only with a new configuration.
        opts: Options of the resource.
    """
    whole = {**configuration, "deployment_config": deployment}
    replaced = pulumi.ResourceOptions(replacement_trigger=whole)
    return stash("generation", name, whole, pulumi.ResourceOptions.merge(opts, replaced))


def tagged(tags: Tags | None, made_for: pulumi.Stash) -> pulumi.Output[dict[str, str]]:
    """Returns a configuration's tags with its generation's; an adopted one has none, and stays as it is.

    Args:
        tags: The tags that are declared.
        made_for: The :func:`generation` of the configuration.
    """

    def add(declared: dict[str, str], generation_id: str) -> dict[str, str]:
        return declared if generation_id.startswith(ADOPTED) else {**declared, lookup.GENERATION_TAG: generation_id}

    return pulumi.Output.all(tags or {}, made_for.id).apply(lambda values: add(*values))


def capacities(
    made_for: pulumi.Stash,
    settings: pulumi.Input[_aws.Settings],
    endpoint: pulumi.Input[str | None],
    scaled: Sequence[tuple[Variant, Autoscaling]],
) -> dict[str, pulumi.Output[int]]:
    """Returns the capacity that each variant that scales starts with, by the variant's name.

    Args:
        made_for: The :func:`generation` of the configuration.
        settings: The provider's settings.
        endpoint: Name of the endpoint, which need not be there yet; None if it is not known before the endpoint is.
        scaled: The variants that scale, each with how.
    """

    async def find(settings: _aws.Settings, name: str | None, numbers: Mapping[str, Sequence[float]]) -> dict[str, int]:
        capacities = {name: Scaled(*map(int, three)) for name, three in numbers.items()}
        if name is None or not _sdk.runs_on_engine():  # a user's unit test asks no AWS
            return {name: capacity.first for name, capacity in capacities.items()}
        generation_id = await made_for.id.future()  # None in a preview, if it is to be another
        try:
            return await starting(_aws.sagemaker_client(settings), name, generation_id, capacities)
        except (BotoCoreError, ClientError) as error:
            text = redacted(f"Cannot read how far endpoint {name} has scaled: {error}", await secret_texts([endpoint]))
            raise _sdk.failure(text) from error

    numbers = {
        variant.name: [variant.capacity.initial, scaling.min_capacity, scaling.max_capacity]
        for variant, scaling in scaled
    }
    # Credentials and the name do not make the numbers secrets; a number that is declared as one stays one.
    where = pulumi.Output.unsecret(pulumi.Output.all(settings, endpoint))
    starts: pulumi.Output[dict[str, int]] = pulumi.Output.all(where, numbers).apply(
        lambda values: find(values[0][0], values[0][1], values[1])
    )
    return {name: starts[name] for name in numbers}


async def starting(
    client: "SageMakerClient", endpoint: str, made_for: str | None, scaled: Mapping[str, Scaled]
) -> dict[str, int]:
    """Returns what each variant that scales starts with: what it has, within its bounds, or else what is declared.

    Args:
        client: A client of SageMaker.
        endpoint: Name of the endpoint.
        made_for: ID of the configuration's generation, None if it is new.
        scaled: The variants that scale, by name.
    """
    live = await lookup.describe_endpoint(client, endpoint)
    if live is None:
        return {name: declared.first for name, declared in scaled.items()}
    running = await lookup.describe_configuration(client, live["EndpointConfigName"])
    if running and made_for in await lookup.generations(client, running) | {ADOPTED + live["EndpointConfigName"]}:
        initial = {variant["VariantName"]: checks.initial_numbers(variant) for variant in running["ProductionVariants"]}
        made_with = _capacities(initial)
        return {name: made_with.get(name, declared.first) for name, declared in scaled.items()}
    variants = live.get("ProductionVariants", [])
    present = _capacities({variant["VariantName"]: checks.live_numbers(variant) for variant in variants})
    return {
        name: min(max(present[name], declared.least, 1), declared.most) if name in present else declared.first
        for name, declared in scaled.items()
    }


def _capacities(numbers: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """Returns the capacity of each variant by name, out of its numbers."""
    return {
        name: int(fields[field])
        for name, fields in numbers.items()
        for field in ("initial_instance_count", "provisioned_concurrency")
        if field in fields
    }
