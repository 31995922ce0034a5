"""Registers what the engine calls around the AWS provider's work on an endpoint, before and after it.

The provider calls any update that ends ``InService`` a success, so a rollback would pass unseen (terraform-provider-aws
issues 46663 and 48997); a failed create leaves an endpoint behind that no state knows (issue 40080); and an update sets
instance counts and weights back to what is declared, as it cannot say ``RetainAllVariantProperties`` (issue 48990).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws, _sdk, threads
from sagebridge.endpoint.outputs import resolved
from sagebridge.guards import checks, foreign, log, lookup, rollout
from sagebridge.guards.progress import Progress
from sagebridge.redaction import redacted

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef


Value = TypeVar("Value")

LAST_CONFIGURATION = "lastConfigName"
"""Output of the component in the stack's state: the configuration that it declared, also where an endpoint was imported
as it is and runs another."""


async def _nothing() -> Mapping[str, object]:
    return {}


async def _none() -> Collection[str]:
    return ()


@dataclass(frozen=True)
class GuardedEndpoint:
    """What the hooks know of an endpoint besides its inputs and outputs, which they get from the engine."""

    component: pulumi.Output[str]
    """URN of the component, the endpoint's parent."""
    settings: pulumi.Input[_aws.Settings]
    """The provider's settings."""
    variants: Mapping[str, Mapping[str, pulumi.Input[float]]]
    """What each production variant starts with, by name; see :func:`checks.starts_with`."""
    runs_on: Mapping[str, pulumi.Input[str]]
    """The instance type of each production variant, or ``serverless``, by name."""
    scaling_variants: Collection[str] = ()
    """Names of the production variants that scale."""
    replaceable: bool = False
    """Whether the endpoint may be replaced: then a preview may find one of its name."""
    earlier: Callable[[], Awaitable[Mapping[str, object]]] = _nothing
    """Returns the component's outputs as the last update left them; see ``guards/earlier.py``."""
    secret_texts: Callable[[], Awaitable[Collection[str]]] = _none
    """Returns the texts in the arguments that come from secrets. AWS's answers may contain them."""

    async def shown(self, text: str) -> str:
        """Returns a message without what comes from secrets."""
        return redacted(text, await self.secret_texts())


class EndpointHooks:
    """The hooks of a program's endpoints, which share them: to register one takes as long as a resource."""

    def __init__(self) -> None:
        self._endpoints: defaultdict[str, list[GuardedEndpoint]] = defaultdict(list)
        self._changed: dict[str, datetime] = {}
        """When each endpoint was last changed before the update of this program, by the endpoint's URN."""
        self._refusals: dict[str, str] = {}
        """Why AWS did not take an update that was sent for the provider, by the endpoint's URN."""
        self._followers: dict[str, asyncio.Task[None]] = {}
        """What tells the progress of the provider's work, by the endpoint's URN."""
        self._rolled_out: set[str] = set()
        """URNs of the endpoints that this program creates or updates."""
        self._listed = _sdk.once(lookup.Listed)
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

    def _count(self, urn: str) -> None:
        """Counts an endpoint that is created or updated, and warns of the first one that must wait for its turn."""
        at_once = _sdk.operations_at_once()
        is_new = urn not in self._rolled_out
        self._rolled_out.add(urn)
        if is_new and at_once is not None and len(self._rolled_out) == at_once + 1:
            pulumi.log.warn(checks.waits_for_turn(at_once))

    async def _look_for_orphan(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuses a create where there is an endpoint of that name; waits for one that is being deleted."""
        endpoint, inputs = await self._endpoint(args), await _plain(args.new_inputs)
        client, name = await _sagemaker(endpoint), inputs.get("name")
        self._count(args.urn)
        if client is None or not isinstance(name, str):
            return
        if pulumi.runtime.is_dry_run() and not await self._listed.may_have(client, name):
            return
        existing = await lookup.find_endpoint(client, name)
        if existing and lookup.is_deleting(existing):
            if pulumi.runtime.is_dry_run():
                text = f"Endpoint {name} is being deleted. `pulumi up` will wait until it is gone."
                pulumi.log.warn(await endpoint.shown(text))
                return
            existing = await _wait_until_deleted(endpoint, client, name)
        if existing and not (endpoint.replaceable and pulumi.runtime.is_dry_run()):
            raise pulumi.RunError(await endpoint.shown(checks.orphan(existing)))
        self._follow(args.urn, await _progress(endpoint, client, args.urn, name, inputs))

    async def _require_ready(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuses an update that AWS would refuse, says what it would take away, and waits until AWS can take it."""
        endpoint = await self._endpoint(args)
        client = await _sagemaker(endpoint)
        old_inputs, inputs, outputs = [
            await _plain(properties) for properties in (args.old_inputs, args.new_inputs, args.old_outputs)
        ]
        if client is None or not checks.rolls_out(old_inputs, inputs, outputs):
            return
        self._count(args.urn)
        progress = await _progress(endpoint, client, args.urn, args.id, inputs)
        configuration, declared = inputs.get("endpointConfigName"), await _declared(endpoint)
        live = await lookup.describe_endpoint(client, args.id)
        if live and rollout.is_busy(live):
            if pulumi.runtime.is_dry_run() and rollout.is_on_its_way(live, configuration):
                # The stack itself has begun this. A preview waits for it, as it goes before the refresh of
                # `up --refresh`, which then reads what the endpoint runs in the end.
                await progress.wait_until_idle()
                return
            other_deployment = foreign.under_way(live, configuration, declared)
            live = await _when_it_takes_updates(endpoint, progress, live, other_deployment)
        if live and "LastModifiedTime" in live:
            self._changed[args.urn] = live["LastModifiedTime"]
        problem = checks.update_problem(live, args.id, outputs, configuration)
        if live and not problem and inputs.get("deploymentConfig"):
            problem = checks.variant_name_problem(live, endpoint.variants)
        if problem or live is None:
            raise pulumi.RunError(await endpoint.shown(problem or ""))
        warnings = [
            *await _lost(endpoint, client, live, declared),
            *await _alarming(endpoint, live, inputs.get("deploymentConfig")),
        ]
        for warning in warnings:
            pulumi.log.warn(await endpoint.shown(warning))
        if checks.is_unsent(live, outputs, configuration):
            pulumi.log.warn(await endpoint.shown(checks.unsent(live, configuration)))
            await self._send(client, args, inputs, progress)
        else:
            self._follow(args.urn, progress)

    async def _send(
        self, client: "SageMakerClient", args: pulumi.ResourceHookArgs, inputs: Mapping[str, object], progress: Progress
    ) -> None:
        """Sends an update for the provider, which takes it for done, and waits for its end; not in a preview.

        What AWS says against it is kept for :meth:`_verify`: until then the provider reads what the endpoint really
        runs, and the engine saves that.
        """
        if pulumi.runtime.is_dry_run():
            return
        request: dict[str, Any] = {"EndpointName": args.id, "EndpointConfigName": inputs["endpointConfigName"]}
        if deployment := inputs.get("deploymentConfig"):
            request["DeploymentConfig"] = rollout.for_aws(deployment)
        try:
            await threads.call(client.update_endpoint, **request)
        except (BotoCoreError, ClientError) as error:
            self._refusals[args.urn] = str(error)
            return
        await progress.wait_until_idle()

    def _follow(self, urn: str, progress: Progress) -> None:
        """Tells the progress from now on, until the provider's work on the endpoint has ended; not in a preview."""
        if not pulumi.runtime.is_dry_run():
            self._followers[urn] = asyncio.create_task(progress.follow())

    async def _follow_no_more(self, urn: str) -> None:
        """Ends the progress, as the provider's work on the endpoint has ended."""
        if follower := self._followers.pop(urn, None):
            follower.cancel()
            with suppress(asyncio.CancelledError):
                await follower

    async def _verify(self, args: pulumi.ResourceHookArgs) -> None:
        """Fails a create or an update after which the endpoint does not run what was asked for."""
        await self._follow_no_more(args.urn)
        # The provider reads the endpoint back, so only the inputs tell what was asked for.
        endpoint = await self._endpoint(args)
        inputs, outputs = await _plain(args.new_inputs), await _plain(args.new_outputs)
        client, name, configuration = await _sagemaker(endpoint), outputs["name"], inputs["endpointConfigName"]
        live = await lookup.describe_endpoint(client, name) if client else None
        if live is None or live["EndpointArn"] != outputs["arn"]:
            raise pulumi.RunError(await endpoint.shown(checks.missing_endpoint(name, outputs["arn"], live)))
        refusal = self._refusals.pop(args.urn, None)
        if problem := checks.rollout_problem(live, configuration, endpoint.variants, refusal):
            log_end = "" if refusal else await _end_of_log(endpoint, live, self._changed.get(args.urn))
            text = f"{problem} {await _autoscaling_off(endpoint, name)}".rstrip()
            raise pulumi.RunError(await endpoint.shown(f"{text} {log_end}".rstrip()))

    async def _clean_up(self, args: pulumi.ErrorHookArgs) -> bool:
        """Deletes what a failed create left behind, and says what a failed update means; never asks for a retry."""
        await self._follow_no_more(args.urn)
        endpoint, inputs = await self._endpoint(args), await _plain(args.new_inputs)
        client = await _sagemaker(endpoint)
        if client and args.failed_operation == "create" and "name" in inputs:
            sentence = await _delete_failed(endpoint, client, inputs["name"], inputs["endpointConfigName"])
            if sentence:
                pulumi.log.error(await endpoint.shown(sentence))
        if client and args.failed_operation == "update":
            pulumi.log.error(await endpoint.shown(await self._left_by_update(endpoint, client, args, inputs)))
            if sentence := await _autoscaling_off(endpoint, args.id):
                pulumi.log.error(sentence)
        return False

    async def _left_by_update(
        self,
        endpoint: GuardedEndpoint,
        client: "SageMakerClient",
        args: pulumi.ErrorHookArgs,
        inputs: Mapping[str, object],
    ) -> str:
        """Says how a failed update has left an endpoint, and what to do."""
        try:
            live = await lookup.describe_endpoint(client, args.id)
        except (BotoCoreError, ClientError) as error:
            return checks.unreadable(args.id, error)
        if live is None:
            return checks.missing_endpoint(args.id, (await _plain(args.old_outputs)).get("arn"), live)
        changed, configuration = self._changed.get(args.urn), inputs.get("endpointConfigName")
        is_rollback = checks.is_rollback(live, configuration, changed)
        log_end = await _end_of_log(endpoint, live, changed) if is_rollback else ""
        return f"{checks.failed_update(live, configuration, is_rollback=is_rollback)} {log_end}".rstrip()


async def _progress(
    endpoint: GuardedEndpoint, client: "SageMakerClient", urn: str, name: str, inputs: Mapping[str, object]
) -> Progress:
    """Returns what shows in the endpoint's row what AWS is doing.

    Args:
        endpoint: what the hooks know of it.
        client: a client of SageMaker.
        urn: its URN.
        name: its name in AWS.
        inputs: its inputs from now on.
    """
    settings, alarm_names = await _settings(endpoint), rollout.alarm_names(inputs.get("deploymentConfig"))

    async def alarm_states() -> dict[str, str]:
        if settings is not None:
            with suppress(BotoCoreError, ClientError):  # the caller need not have the permission to see alarms
                return {name: state for name, (state, _) in (await lookup.alarms(settings, alarm_names)).items()}
        return {}

    async def tell(stage: str) -> None:
        _sdk.show_progress(urn, await endpoint.shown(stage))

    return Progress(client, name, alarm_states, tell)


async def _when_it_takes_updates(
    endpoint: GuardedEndpoint, progress: Progress, live: "DescribeEndpointOutputTypeDef", other_deployment: str
) -> "DescribeEndpointOutputTypeDef | None":
    """Returns a busy endpoint when AWS takes an update of it; a preview says that the update will wait.

    Args:
        endpoint: What the hooks know of it.
        progress: Its progress.
        live: The endpoint.
        other_deployment: What is to be said of the deployment that somebody else has under way; empty if none is.
    """
    if pulumi.runtime.is_dry_run() or other_deployment:
        pulumi.log.warn(await endpoint.shown(f"{checks.will_wait(live)} {other_deployment}".rstrip()))
    return live if pulumi.runtime.is_dry_run() else await progress.wait_until_idle()


async def _plain(properties: Mapping[str, Value] | None) -> dict[str, Value]:
    """Returns properties as values; a hook gets those that hold a secret as outputs."""
    values: dict[str, Any] = dict(properties or {})
    for name, value in values.items():
        if isinstance(value, pulumi.Output):
            values[name] = await value.future(with_unknowns=True)
    return values


async def _settings(endpoint: GuardedEndpoint) -> _aws.Settings | None:
    return await pulumi.Output.from_input(endpoint.settings).future()


async def _sagemaker(endpoint: GuardedEndpoint) -> "SageMakerClient | None":
    """Returns None in the preview that would make the provider: to ask with other settings would be to guess."""
    settings = await _settings(endpoint)
    return None if settings is None else _aws.sagemaker_client(settings)


async def _known(numbers: Mapping[str, pulumi.Input[float]]) -> Mapping[str, float]:
    """Returns what a variant starts with, secrets concealed; nothing if an output among it is not known."""
    resolved_numbers = {field: await resolved(number) for field, number in numbers.items()}
    values = {field: number for field, number in resolved_numbers.items() if number is not None}
    return values if values.keys() == numbers.keys() else {}


async def _declared(endpoint: GuardedEndpoint) -> foreign.Fleets:
    """Returns what the variants will have, secrets concealed."""
    return {
        name: foreign.Fleet(await resolved(endpoint.runs_on[name]), await _known(numbers))
        for name, numbers in endpoint.variants.items()
    }


async def _lost(
    endpoint: GuardedEndpoint,
    client: "SageMakerClient",
    live: "DescribeEndpointOutputTypeDef",
    declared: foreign.Fleets,
) -> list[str]:
    """Returns, with the numbers, what an update takes away that autoscaling or a person has set."""
    configuration = await lookup.describe_configuration(client, live["EndpointConfigName"])
    earlier = await endpoint.earlier()
    last = earlier.get(LAST_CONFIGURATION, earlier.get("endpointConfigName", live["EndpointConfigName"]))
    if last != live["EndpointConfigName"]:
        return [foreign.moved(live, str(last), foreign.live_fleets(live, configuration), declared)]
    if configuration is None:
        return []
    retained = bool(await lookup.generations(client, configuration))
    numbers = {name: fleet.numbers for name, fleet in declared.items()}
    lines = checks.lost_changes(live, configuration, numbers, retained=retained)
    return [f"Endpoint {live['EndpointName']}: {line}" for line in lines]


async def _alarming(
    endpoint: GuardedEndpoint, live: "DescribeEndpointOutputTypeDef", deployment: object
) -> Sequence[str]:
    """Returns a sentence for each alarm that would roll an update back at once."""
    settings, names = await _settings(endpoint), rollout.alarm_names(deployment)
    if settings is None:
        return []
    try:
        alarms = await lookup.alarms(settings, names)
        return foreign.alarming(live, {name: reason for name, (state, reason) in alarms.items() if state == "ALARM"})
    except (BotoCoreError, ClientError) as error:
        return [foreign.alarms_unknown(live, names, error)]


async def _autoscaling_off(endpoint: GuardedEndpoint, name: str) -> str:
    """Says which variants do not scale although they are declared to; empty if all do."""
    settings = await _settings(endpoint)
    if settings is None or not endpoint.scaling_variants:
        return ""
    unscaled = await lookup.unscaled_variants(_aws.scaling_client(settings), name, endpoint.scaling_variants)
    return checks.autoscaling_off(unscaled) if unscaled else ""


async def _wait_until_deleted(
    endpoint: GuardedEndpoint, client: "SageMakerClient", name: str
) -> "DescribeEndpointOutputTypeDef | None":
    text = f"Endpoint {name} is being deleted. This update waits until it is gone, then it creates the new one."
    pulumi.log.info(await endpoint.shown(text))
    try:
        return await lookup.wait_until_deleted(client, name, checks.DELETION_MINUTES * 60)
    except TimeoutError:
        raise pulumi.RunError(await endpoint.shown(checks.deletion_timeout(name))) from None


async def _delete_failed(
    endpoint: GuardedEndpoint, client: "SageMakerClient", name: str, configuration: str
) -> str | None:
    """Deletes the endpoint that a failed create left behind, unless it is not the stack's; returns what to say."""
    live = await lookup.describe_endpoint(client, name)
    if live is None:
        return None
    if live["EndpointConfigName"] != configuration:
        return checks.orphan(live)
    if live["EndpointStatus"] != "Failed":
        return None
    await threads.call(client.delete_endpoint, EndpointName=name)
    return f"{checks.failed_create(live)} {await _end_of_log(endpoint, live, live.get('CreationTime'))}".rstrip()


async def _end_of_log(endpoint: GuardedEndpoint, live: "DescribeEndpointOutputTypeDef", since: datetime | None) -> str:
    """Returns how the log of a failed container ends, in a sentence; see :func:`log.end_of_log`."""
    settings = await _settings(endpoint)
    if settings is None:
        return ""
    reason, secrets = live.get("FailureReason", ""), await endpoint.secret_texts()
    return await threads.call(log.end_of_log, settings, live["EndpointName"], since, reason, secrets)
