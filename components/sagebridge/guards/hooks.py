"""Registers what the engine calls around the AWS provider's work on an endpoint, before and after it.

The provider calls any update that ends ``InService`` a success, so a rollback would pass unseen (terraform-provider-aws
issues 46663 and 48997); a failed create leaves an endpoint behind that no state knows (issue 40080); and an update sets
instance counts and weights back to what is declared, as it cannot say ``RetainAllVariantProperties`` (issue 48990).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from sagebridge import _aws, _sdk
from sagebridge.guards import checks, lookup

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef


@dataclass(frozen=True)
class GuardedEndpoint:
    """What the hooks know of an endpoint besides its inputs and outputs, which they get from the engine."""

    component: pulumi.Output[str]
    """URN of the component, the endpoint's parent."""
    settings: pulumi.Input[_aws.Settings]
    """The provider's settings."""
    variants: Mapping[str, Mapping[str, pulumi.Input[float]]]
    """What each production variant starts with, by name; see :func:`checks.starts_with`."""
    scaling_variants: Collection[str] = ()
    """Names of the production variants that scale."""
    replaceable: bool = False
    """Whether the endpoint may be replaced: then a preview may find one of its name."""


class EndpointHooks:
    """The hooks of a program's endpoints, which share them: to register one takes as long as a resource."""

    def __init__(self) -> None:
        self._endpoints: defaultdict[str, list[GuardedEndpoint]] = defaultdict(list)
        in_previews_too = pulumi.ResourceHookOptions(on_dry_run=True)
        verify = pulumi.ResourceHook(_sdk.hook_name("sagebridge-verify"), self._verify)
        orphan = pulumi.ResourceHook(_sdk.hook_name("sagebridge-orphan"), self._look_for_orphan, in_previews_too)
        ready = pulumi.ResourceHook(_sdk.hook_name("sagebridge-ready"), self._require_ready, in_previews_too)
        self.binding = pulumi.ResourceHookBinding(
            before_create=[orphan],
            before_update=[ready],
            after_create=[verify],
            after_update=[verify],
            on_error=[pulumi.ErrorHook(_sdk.hook_name("sagebridge-clean-up"), self._clean_up)],
        )

    def guard(self, name: str, endpoint: GuardedEndpoint) -> pulumi.ResourceHookBinding:
        """Returns the hooks for the options of an endpoint.

        Args:
            name: name of the endpoint's resource.
            endpoint: what the hooks must know of it.
        """
        self._endpoints[name].append(endpoint)
        return self.binding

    async def _endpoint(self, args: pulumi.ResourceHookArgs | pulumi.ErrorHookArgs) -> GuardedEndpoint:
        """Returns the endpoint that a hook is called for."""
        parent = args.urn.removesuffix(f"::{args.name}").rpartition("$")[0]
        for endpoint in self._endpoints[args.name]:
            if str(await endpoint.component.future()).removesuffix(f"::{args.name}") == parent:
                return endpoint
        raise pulumi.RunError(f"{args.urn} is no endpoint of a SageMakerEndpoint")

    async def _look_for_orphan(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuses a create where there is an endpoint of that name; waits for one that is being deleted."""
        endpoint, name = await self._endpoint(args), (args.new_inputs or {}).get("name")
        client = await _sagemaker(endpoint)
        if client is None or not isinstance(name, str):
            return
        existing = lookup.find_endpoint(client, name)
        if existing and lookup.is_deleting(existing):
            if pulumi.runtime.is_dry_run():
                pulumi.log.warn(f"Endpoint {name} is being deleted. `pulumi up` will wait until it is gone.")
                return
            existing = await _wait_until_deleted(client, name)
        if existing and not (endpoint.replaceable and pulumi.runtime.is_dry_run()):
            raise pulumi.RunError(checks.orphan(existing))

    async def _require_ready(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuses an update that AWS would refuse, and says what it would take away."""
        endpoint = await self._endpoint(args)
        client = await _sagemaker(endpoint)
        if client is None or not checks.rolls_out(args):
            return
        live, inputs = lookup.describe_endpoint(client, args.id), args.new_inputs or {}
        problem = checks.update_problem(live, args.id, args.old_outputs or {}, inputs.get("endpointConfigName"))
        if live and not problem and inputs.get("deploymentConfig"):
            problem = checks.variant_name_problem(live, endpoint.variants)
        if problem or live is None:
            raise pulumi.RunError(problem)
        if configuration := lookup.describe_configuration(client, live["EndpointConfigName"]):
            declared = {name: await _known(numbers) for name, numbers in endpoint.variants.items()}
            retained = bool(lookup.generations(client, configuration))
            for line in checks.lost_changes(live, configuration, declared, retained=retained):
                pulumi.log.warn(f"Endpoint {live['EndpointName']}: {line}")

    async def _verify(self, args: pulumi.ResourceHookArgs) -> None:
        """Fails a create or an update after which the endpoint does not run what was asked for."""
        # The provider reads the endpoint back, so only the inputs tell what was asked for.
        endpoint, inputs, outputs = await self._endpoint(args), args.new_inputs or {}, args.new_outputs or {}
        client, name, configuration = await _sagemaker(endpoint), outputs["name"], inputs["endpointConfigName"]
        live = lookup.describe_endpoint(client, name) if client else None
        if live is None or live["EndpointArn"] != outputs["arn"]:
            raise pulumi.RunError(checks.missing_endpoint(name, outputs["arn"], live))
        sent = (args.old_outputs or {}).get("endpointConfigName") != configuration
        if problem := checks.rollout_problem(live, configuration, endpoint.variants, sent=sent):
            raise pulumi.RunError(f"{problem} {await _autoscaling_off(endpoint, name)}".rstrip())

    async def _clean_up(self, args: pulumi.ErrorHookArgs) -> bool:
        """Deletes what a failed create left behind, and says what a failed update means; never asks for a retry."""
        endpoint, inputs = await self._endpoint(args), args.new_inputs or {}
        client = await _sagemaker(endpoint)
        if client and args.failed_operation == "create" and "name" in inputs:
            _delete_failed(client, inputs["name"], inputs["endpointConfigName"])
        if args.failed_operation == "update":
            live = lookup.describe_endpoint(client, args.id) if client else None
            if live and live["EndpointStatus"] == "RollingBack":
                pulumi.log.error(checks.rolling_back(live))
            if sentence := await _autoscaling_off(endpoint, args.id):
                pulumi.log.error(sentence)
        return False


async def _settings(endpoint: GuardedEndpoint) -> _aws.Settings | None:
    return await pulumi.Output.from_input(endpoint.settings).future()


async def _sagemaker(endpoint: GuardedEndpoint) -> "SageMakerClient | None":
    """Returns None in the preview that would make the provider: to ask with other settings would be to guess."""
    settings = await _settings(endpoint)
    return None if settings is None else _aws.sagemaker_client(settings)


async def _known(numbers: Mapping[str, pulumi.Input[float]]) -> Mapping[str, float]:
    """Returns what a variant starts with; nothing if an output among it is not known."""
    return await pulumi.Output.all(**numbers).future() or {}


async def _autoscaling_off(endpoint: GuardedEndpoint, name: str) -> str:
    """Says which variants do not scale although they are declared to; empty if all do."""
    settings = await _settings(endpoint)
    if settings is None or not endpoint.scaling_variants:
        return ""
    unscaled = lookup.unscaled_variants(_aws.scaling_client(settings), name, endpoint.scaling_variants)
    return checks.autoscaling_off(unscaled) if unscaled else ""


async def _wait_until_deleted(client: "SageMakerClient", name: str) -> "DescribeEndpointOutputTypeDef | None":
    pulumi.log.info(
        f"Endpoint {name} is being deleted. This update waits until it is gone, then it creates the new one."
    )
    try:
        return await lookup.wait_until_deleted(client, name, checks.DELETION_MINUTES * 60)
    except TimeoutError:
        raise pulumi.RunError(checks.deletion_timeout(name)) from None


def _delete_failed(client: "SageMakerClient", name: str, configuration: str) -> None:
    """Deletes the endpoint that a failed create left behind, unless it is not the stack's."""
    live = lookup.describe_endpoint(client, name)
    if live is None:
        return
    if live["EndpointConfigName"] != configuration:
        pulumi.log.error(checks.orphan(live))
    elif live["EndpointStatus"] == "Failed":
        client.delete_endpoint(EndpointName=name)
        pulumi.log.error(checks.failed_create(live))
