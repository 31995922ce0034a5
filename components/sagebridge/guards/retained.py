"""What autoscaling has set, kept through an update: a new configuration starts with what its variants have.

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
from pulumi.runtime.mocks import MockMonitor

from sagebridge import _aws as provider
from sagebridge.endpoint import names
from sagebridge.endpoint.resources import ConfigurationArguments
from sagebridge.endpoint.spec import Autoscaling, Tags, Variant
from sagebridge.guards import hooks as rollout

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from pulumi_aws.sagemaker import EndpointDeploymentConfigArgsDict


ADOPTED = "adopted:"
"""Begins the id of the generation whose configuration ``bridge adopt`` took over: the configuration's name follows."""


@dataclass(frozen=True)
class Scaled:
    """The capacity of a variant that scales: instances, or provisioned concurrency."""

    first: int
    """What it is declared to start with."""
    least: int
    most: int


def generation(
    component: str,
    configuration: ConfigurationArguments,
    deployment: "EndpointDeploymentConfigArgsDict | None",
    opts: pulumi.ResourceOptions,
) -> pulumi.Stash:
    """Returns what has another ID whenever a configuration changes. It is kept in the stack's state, not in AWS.

    Args:
        component: Name of the component.
        configuration: The configuration without its tags, and with zeros where autoscaling sets a number.
        deployment: How an update reaches the endpoint; AWS takes a change of that only with a new configuration.
        opts: Options of the resource.
    """
    whole = {**configuration, "deployment_config": deployment}
    replaced = pulumi.ResourceOptions(replacement_trigger=whole)
    return pulumi.Stash(names.generation(component), input=whole, opts=pulumi.ResourceOptions.merge(opts, replaced))


def tagged(tags: Tags | None, made_for: pulumi.Stash) -> pulumi.Output[dict[str, str]]:
    """Returns a configuration's tags with its generation's; an adopted one has none, and stays as it is.

    Args:
        tags: The tags that are declared.
        made_for: The :func:`generation` of the configuration.
    """

    def add(declared: dict[str, str], generation_id: str) -> dict[str, str]:
        return declared if generation_id.startswith(ADOPTED) else {**declared, rollout.RETAINED: generation_id}

    return pulumi.Output.all(tags or {}, made_for.id).apply(lambda known: add(*known))


def capacities(
    made_for: pulumi.Stash,
    settings: pulumi.Input[provider.Settings],
    endpoint: pulumi.Input[str],
    scaled: Sequence[tuple[Variant, Autoscaling]],
) -> dict[str, pulumi.Output[int]]:
    """Returns the capacity that each variant that scales starts with, by the variant's name.

    Args:
        made_for: The :func:`generation` of the configuration.
        settings: The provider's settings.
        endpoint: Name of the endpoint, which need not be there yet.
        scaled: The variants that scale, each with how.
    """

    async def find(
        settings: provider.Settings, endpoint: str, numbers: Mapping[str, Sequence[float]]
    ) -> dict[str, int]:
        capacities = {name: Scaled(*map(int, three)) for name, three in numbers.items()}
        if isinstance(pulumi.runtime.settings.get_monitor(), MockMonitor):  # a user's unit test asks no AWS
            return {name: capacity.first for name, capacity in capacities.items()}
        generation_id = await made_for.id.future()  # None in a preview, if it is to be another
        try:
            return starting(provider.client(settings), endpoint, generation_id, capacities)
        except (BotoCoreError, ClientError) as error:
            raise pulumi.RunError(f"Cannot read how far endpoint {endpoint} has scaled: {error}") from error

    numbers = {
        variant.name: [variant.capacity.initial, scaling.min_capacity, scaling.max_capacity]
        for variant, scaling in scaled
    }
    found: pulumi.Output[dict[str, int]] = pulumi.Output.unsecret(
        pulumi.Output.all(settings, endpoint, numbers).apply(lambda known: find(*known))
    )
    return {name: found[name] for name in numbers}


def starting(
    client: "SageMakerClient", endpoint: str, made_for: str | None, scaled: Mapping[str, Scaled]
) -> dict[str, int]:
    """Returns what each variant that scales starts with: what it has, within its bounds, or else what is declared.

    Args:
        client: A client of SageMaker.
        endpoint: Name of the endpoint.
        made_for: ID of the configuration's generation, None if it is new.
        scaled: The variants that scale, by name.
    """
    described = rollout.described(client, endpoint)
    if described is None:
        return {name: declared.first for name, declared in scaled.items()}
    running = rollout.described_config(client, described["EndpointConfigName"])
    tags = client.list_tags(ResourceArn=running["EndpointConfigArn"])["Tags"] if running else []
    generations = {tag["Value"] for tag in tags if tag["Key"] == rollout.RETAINED}
    if running and made_for in generations | {ADOPTED + described["EndpointConfigName"]}:
        made_with = _numbers(running["ProductionVariants"], "Initial")
        return {name: made_with.get(name, declared.first) for name, declared in scaled.items()}
    live = _numbers(described.get("ProductionVariants", []), "Desired")
    return {
        name: min(max(live[name], declared.least, 1), declared.most) if name in live else declared.first
        for name, declared in scaled.items()
    }


def _numbers(variants: Sequence[Mapping[str, object]], prefix: str) -> dict[str, int]:
    """Returns the capacity of each variant, as AWS describes it, by the variant's name."""
    described = {str(variant["VariantName"]): rollout.numbers(variant, prefix) for variant in variants}
    return {
        name: int(numbers[field])
        for name, numbers in described.items()
        for field in ("initial_instance_count", "provisioned_concurrency")
        if field in numbers
    }
