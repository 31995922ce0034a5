"""What is checked around the AWS provider's work on an endpoint: before it creates, before it updates, and after.

The provider calls any update that ends ``InService`` a success, so a rollback would pass unseen (terraform-provider-aws
issues 46663 and 48997); a failed create leaves an endpoint behind that no state knows (issue 40080); and an update sets
instance counts and weights back to what is declared, as it cannot say ``RetainAllVariantProperties`` (issue 48990).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws as provider
from sagebridge.endpoint.spec import Instances, Variant

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef, DescribeEndpointOutputTypeDef


RETAINED = "sagebridge:generation"
"""Tag of configurations that were made with what autoscaling had set; see ``guards/retained.py``."""


@dataclass(frozen=True)
class Rollout:
    """What the hooks of an endpoint know of it besides its inputs and outputs, which they get from the engine."""

    component: pulumi.Output[str]
    """URN of the component, the endpoint's parent."""
    settings: pulumi.Input[provider.Settings]
    """The provider's settings."""
    variants: Mapping[str, Mapping[str, Any]]
    """What each production variant starts with, by name; see :func:`starts_with`."""
    scaled: Collection[str] = ()
    """The production variants that scale."""
    replaceable: bool = False
    """Whether the endpoint may be replaced: then a preview may find one of its name."""

    async def client(self) -> "SageMakerClient | None":
        """Returns None in the preview that would make the provider: to ask with other settings would be to guess."""
        settings = await self._settings()
        return None if settings is None else provider.client(settings)

    async def unscaled(self, endpoint: str) -> str:
        """Says which variants do not scale although they are declared to; empty if all do."""
        settings = await self._settings()
        if settings is None or not self.scaled:
            return ""
        with suppress(BotoCoreError, ClientError):  # it must not hide why the update failed
            return unscaled(provider.scaling_client(settings), endpoint, self.scaled)
        return ""

    async def _settings(self) -> provider.Settings | None:
        return await pulumi.Output.from_input(self.settings).future()


class Rollouts:
    """The endpoints of a program, and the hooks that they share: to register one takes as long as a resource."""

    def __init__(self) -> None:
        self._followed: defaultdict[str, list[Rollout]] = defaultdict(list)
        previewed = pulumi.ResourceHookOptions(on_dry_run=True)
        verified = pulumi.ResourceHook("sagebridge-verify", self._verify)
        self._hooks = pulumi.ResourceHookBinding(
            before_create=[pulumi.ResourceHook("sagebridge-orphan", self._look_for_orphan, previewed)],
            before_update=[pulumi.ResourceHook("sagebridge-ready", self._require_ready, previewed)],
            after_create=[verified],
            after_update=[verified],
            on_error=[pulumi.ErrorHook("sagebridge-clean-up", self._clean_up)],
        )

    def hooks(self, name: str, rollout: Rollout) -> pulumi.ResourceHookBinding:
        """Returns the hooks of an endpoint.

        Args:
            name: name of the endpoint's resource.
            rollout: what the hooks shall know.
        """
        self._followed[name].append(rollout)
        return self._hooks

    async def _of(self, args: pulumi.ResourceHookArgs | pulumi.ErrorHookArgs) -> Rollout:
        """Returns what is known of the endpoint that a hook is called for."""
        parent = args.urn.removesuffix(f"::{args.name}").rpartition("$")[0]
        for rollout in self._followed[args.name]:
            if str(await rollout.component.future()).removesuffix(f"::{args.name}") == parent:
                return rollout
        raise pulumi.RunError(f"{args.urn} is no endpoint of a SageMakerEndpoint")

    async def _look_for_orphan(self, args: pulumi.ResourceHookArgs) -> None:
        rollout, name = await self._of(args), (args.new_inputs or {}).get("name")
        if not isinstance(name, str) or (rollout.replaceable and pulumi.runtime.is_dry_run()):
            return
        client = await rollout.client()
        if client and (found := described(client, name)):
            raise pulumi.RunError(orphan(found))

    async def _require_ready(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuses an update that cannot be, and says what it would take away."""
        rollout = await self._of(args)
        client = await rollout.client()
        if client is None or not _rolls_out(args):
            return
        found, before, new = described(client, args.id), args.old_outputs or {}, args.new_inputs or {}
        problem = unready(found, args.id, before, new.get("endpointConfigName"))
        if found and not problem and new.get("deploymentConfig"):
            problem = renamed(found, rollout.variants)
        if problem or found is None:
            raise pulumi.RunError(problem)
        if running := described_config(client, found["EndpointConfigName"]):
            declared = {name: await _known(starts) for name, starts in rollout.variants.items()}
            tags = client.list_tags(ResourceArn=running["EndpointConfigArn"])["Tags"]
            retained = any(tag["Key"] == RETAINED for tag in tags)
            for line in drifted(found, running, declared, retained=retained):
                pulumi.log.warn(f"Endpoint {found['EndpointName']}: {line}")

    async def _verify(self, args: pulumi.ResourceHookArgs) -> None:
        # The provider reads the endpoint back, so only the inputs tell what was asked for.
        rollout, inputs, outputs = await self._of(args), args.new_inputs or {}, args.new_outputs or {}
        client = await rollout.client()
        found = described(client, outputs["name"]) if client else None
        if found is None or found["EndpointArn"] != outputs["arn"]:
            raise pulumi.RunError(elsewhere(outputs["name"], outputs["arn"], found))
        sent = (args.old_outputs or {}).get("endpointConfigName") != inputs["endpointConfigName"]
        if problem := difference(found, inputs["endpointConfigName"], rollout.variants, sent=sent):
            raise pulumi.RunError(f"{problem} {await rollout.unscaled(outputs['name'])}".rstrip())

    async def _clean_up(self, args: pulumi.ErrorHookArgs) -> bool:
        rollout, inputs = await self._of(args), args.new_inputs or {}
        client = await rollout.client()
        if client and args.failed_operation == "create" and "name" in inputs:
            _clean_up(client, inputs)
        if args.failed_operation == "update" and (lost := await rollout.unscaled(args.id)):
            pulumi.log.error(lost)
        return False  # never again by itself


async def _known(starts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what of a variant's start is known; nothing if an output of it is not."""
    return await pulumi.Output.from_input(starts).future() or {}


def _rolls_out(args: pulumi.ResourceHookArgs) -> bool:
    """Tells whether an update reaches what runs, and not tags alone."""
    old, new = args.old_inputs or {}, args.new_inputs or {}
    return any(old.get(field) != new.get(field) for field in ("endpointConfigName", "deploymentConfig"))


def unready(
    described: "DescribeEndpointOutputTypeDef | None", name: str, before: Mapping[str, Any], wanted: object
) -> str | None:
    """Says why an endpoint cannot be updated now, or returns None.

    Args:
        described: DescribeEndpoint's answer, None if there is no such endpoint.
        name: name of the endpoint.
        before: its outputs as the stack's state has them.
        wanted: the configuration that it is to run; in a preview it may not be known.
    """
    if described is None or described["EndpointArn"] != before.get("arn"):
        return elsewhere(name, before.get("arn"), described)
    status = described["EndpointStatus"]
    if status not in ("InService", "Failed"):
        return (
            f"Endpoint {name} is {status}, and AWS takes no update until that is over. Wait (aws sagemaker wait "
            f"endpoint-in-service --endpoint-name {name}), then run `pulumi up` again."
        )
    if described["EndpointConfigName"] == wanted != before.get("endpointConfigName"):
        return (
            f"Endpoint {name} runs {wanted} already: an update that was interrupted has reached it. Run "
            "`pulumi up --refresh` to let the stack know."
        )
    return None


def renamed(described: "DescribeEndpointOutputTypeDef", variant_names: Collection[str]) -> str | None:
    """Says that a guarded update has other variants than the endpoint, as one that was imported may have, or None.

    Guide: deployment-guardrails-exclusions, "must have the same variant name as the old endpoint configuration".
    """
    names = {variant["VariantName"] for variant in described.get("ProductionVariants", [])}
    if names == set(variant_names):
        return None
    has, would = (", ".join(sorted(several)) for several in (names, variant_names))
    return (
        f"Endpoint {described['EndpointName']} has the variants {has}, and this update would have {would}: with "
        "deployment_config AWS takes none but the same names. Take that away for this update."
    )


def elsewhere(name: str, arn: object, described: "DescribeEndpointOutputTypeDef | None") -> str:
    """Says that the endpoint of the stack is not to be found with the provider's settings."""
    found = described["EndpointArn"] if described else "none"
    return (
        f"Endpoint {name} is {arn} by the stack's state; with the provider's settings there is {found}. If account or "
        "region have changed, change them back. If the endpoint was deleted by hand, run `pulumi up --refresh`, which "
        "makes it again."
    )


def difference(
    described: "DescribeEndpointOutputTypeDef", wanted: str, variant_names: Collection[str], *, sent: bool = True
) -> str | None:
    """Says how an endpoint is not what was asked for, or returns None.

    Args:
        described: DescribeEndpoint's answer.
        wanted: name of the endpoint configuration that should run.
        variant_names: the production variants that should run.
        sent: whether this update told AWS. The provider takes an update that AWS refused (throttled, over a quota) for
            done, and so sends nothing the next time; it then reads what really runs.
    """
    name, runs, status = described["EndpointName"], described["EndpointConfigName"], described["EndpointStatus"]
    logs = f"Logs: {log_group(name)}."
    if runs != wanted and not sent:
        return (
            f"endpoint {name} is {status} on configuration {runs}, not on {wanted}: AWS did not take the last update, "
            "and this one had nothing to send, as the state was wrong. It is right now: run `pulumi up` once more."
        )
    if runs != wanted or status != "InService":
        reason = described.get("FailureReason", "no reason given.")
        return (
            f"endpoint {name} is {status} on configuration {runs}, not on {wanted}: AWS rolled the update back. "
            f"Reason: {reason} {logs} The configuration that is serving was kept."
        )
    variants = {variant["VariantName"] for variant in described.get("ProductionVariants", [])}
    if variants != set(variant_names):
        found, expected = (", ".join(sorted(names)) or "none" for names in (variants, variant_names))
        return f"endpoint {name} runs the variants {found}, not {expected}. {logs}"
    return None


def drifted(
    described: "DescribeEndpointOutputTypeDef",
    running: "DescribeEndpointConfigOutputTypeDef",
    declared: Mapping[str, Mapping[str, Any]],
    *,
    retained: bool = False,
) -> list[str]:
    """Returns, with the numbers, what an update takes away that autoscaling or a person has set.

    Args:
        described: DescribeEndpoint's answer.
        running: DescribeEndpointConfig's answer for the configuration that it runs.
        declared: for each variant what it will start with; see :func:`starts_with`.
        retained: whether the configuration was made with what autoscaling had set; see ``guards/retained.py``.
    """
    before: Mapping[str, Mapping[str, Any]] = {
        variant["VariantName"]: variant for variant in running["ProductionVariants"]
    }
    found = []
    for variant in described.get("ProductionVariants", []):
        name, live = variant["VariantName"], numbers(variant, "Desired")
        then, soon = numbers(before.get(name, {}), "Initial"), declared.get(name, {})
        found += [
            f"variant {name} has {field} {value:g}, which was not declared. This update sets it to {soon[field]:g}; "
            f"declare {value:g} to keep it"
            for field, value in live.items()
            if field in then and field in soon and value != soon[field] and (retained or value != then[field])
        ]
    return found


def unscaled(client: Any, endpoint: str, variant_names: Collection[str]) -> str:  # noqa: ANN401 - see `provider`
    """Says which variants an update that failed has left without autoscaling: it is off while instance types change.

    Args:
        client: of Application Auto Scaling.
        endpoint: name of the endpoint.
        variant_names: the variants that are declared to scale.
    """
    ids = {f"endpoint/{endpoint}/variant/{name}": name for name in variant_names}
    answer = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=list(ids))
    lost = ids.keys() - {target["ResourceId"] for target in answer["ScalableTargets"]}
    if not lost:
        return ""
    names = ", ".join(sorted(ids[one] for one in lost))
    return f"Autoscaling of {names} was taken off for the update: until the next `pulumi up` that succeeds it is off."


def starts_with(variant: Variant, *, retained: bool = False) -> dict[str, pulumi.Input[float]]:
    """Returns what a declared variant starts with: instances or provisioned concurrency, and its weight.

    Args:
        variant: The variant.
        retained: Whether it starts with the capacity that it has; see ``guards/retained.py``.
    """
    weight: dict[str, pulumi.Input[float]] = {"initial_variant_weight": variant.weight}
    if retained:
        return weight
    field = "initial_instance_count" if isinstance(variant.capacity, Instances) else "provisioned_concurrency"
    return {field: variant.capacity.initial, **weight}


def numbers(variant: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """Returns the capacity and the weight of a variant as AWS describes it, by our names.

    Args:
        variant: a variant of an endpoint, or of a configuration.
        prefix: ``Desired`` of an endpoint, ``Initial`` of a configuration.
    """
    # DesiredServerlessConfig is there only while it is being set.
    configs = ("DesiredServerlessConfig", "CurrentServerlessConfig") if prefix == "Desired" else ("ServerlessConfig",)
    serverless = next((variant[config] for config in configs if config in variant), None)
    weight = variant.get("DesiredWeight" if prefix == "Desired" else "InitialVariantWeight", 1)
    if serverless is not None:
        return {
            "provisioned_concurrency": serverless.get("ProvisionedConcurrency", 0),
            "initial_variant_weight": weight,
        }
    count = variant.get(f"{prefix}InstanceCount")
    return {} if count is None else {"initial_instance_count": count, "initial_variant_weight": weight}


def orphan(described: "DescribeEndpointOutputTypeDef") -> str:
    """Says that an endpoint is there already, where one was to be made, and what to do."""
    name = described["EndpointName"]
    return (
        f"An endpoint {name} is there already (status {described['EndpointStatus']}), and this stack would make one of "
        f"that name. If an attempt that failed has left it behind, or if it is someone else's: import it (set "
        f"import_endpoint to {name!r} for one update), delete it (aws sagemaker delete-endpoint --endpoint-name "
        f"{name}), or choose another endpoint_name. If this stack made it under another resource name, give that name "
        "in the options' aliases. If you want it replaced (--replace), set allow_replacement: it is an outage."
    )


def log_group(endpoint: str) -> str:
    """Returns the CloudWatch log group of an endpoint's containers."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def _clean_up(client: "SageMakerClient", inputs: Mapping[str, Any]) -> None:
    """Deletes the endpoint that a failed create left behind."""
    found = described(client, inputs["name"])
    if found is None:
        return
    name = found["EndpointName"]
    if found["EndpointConfigName"] != inputs["endpointConfigName"]:
        pulumi.log.error(orphan(found))
    elif found["EndpointStatus"] == "Failed":
        client.delete_endpoint(EndpointName=name)
        pulumi.log.error(
            f"Endpoint {name} failed: {found.get('FailureReason', 'no reason given.')} "
            f"Logs: {log_group(name)}. The failed endpoint was deleted; mend the cause and run `pulumi up` again."
        )


def described(client: "SageMakerClient", name: str) -> "DescribeEndpointOutputTypeDef | None":
    """Returns DescribeEndpoint's answer; None if there is no such endpoint."""
    with _absent():
        return client.describe_endpoint(EndpointName=name)
    return None


def described_config(client: "SageMakerClient", name: str) -> "DescribeEndpointConfigOutputTypeDef | None":
    """Returns DescribeEndpointConfig's answer; None if it is gone, as it may be while its endpoint serves."""
    with _absent():
        return client.describe_endpoint_config(EndpointConfigName=name)
    return None


@contextmanager
def _absent() -> Iterator[None]:
    """Passes over what there is not."""
    try:
        yield
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
