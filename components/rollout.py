"""What is checked around the AWS provider's work on an endpoint: before it creates, before it updates, and after.

The provider calls any update that ends ``InService`` a success, so a rollback would pass unseen (terraform-provider-aws
issues 46663 and 48997); a failed create leaves an endpoint behind that no state knows (issue 40080); and an update sets
instance counts and weights back to what is declared, as it cannot say ``RetainAllVariantProperties`` (issue 48990).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from botocore.exceptions import ClientError

from components import provider

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef, DescribeEndpointOutputTypeDef


@dataclass(frozen=True)
class Rollout:
    """The hooks of an endpoint: they get its inputs and outputs from the engine, and know this besides."""

    name: str
    """Name of the component, unique in a program as the names of hooks must be."""
    settings: pulumi.Output[provider.Settings]
    """The provider's settings."""
    variants: Mapping[str, pulumi.Output[Mapping[str, Any]]]
    """What each production variant starts with, by name; see :func:`starts_with`."""
    replaceable: bool = False
    """Whether the endpoint may be replaced: then a preview may find one of its name."""

    def hooks(self) -> pulumi.ResourceHookBinding:
        """Returns them bound to what they follow."""
        previewed = pulumi.ResourceHookOptions(on_dry_run=True)
        verified = pulumi.ResourceHook(f"{self.name}-verify", self._verify)
        return pulumi.ResourceHookBinding(
            before_create=[pulumi.ResourceHook(f"{self.name}-orphan", self._look_for_orphan, previewed)],
            before_update=[pulumi.ResourceHook(f"{self.name}-live-capacity", self._tell_live_capacity, previewed)],
            after_create=[verified],
            after_update=[verified],
            on_error=[pulumi.ErrorHook(f"{self.name}-clean-up", self._clean_up)],
        )

    async def _client(self) -> "SageMakerClient":
        return provider.client(await self.settings.future() or {})

    async def _look_for_orphan(self, args: pulumi.ResourceHookArgs) -> None:
        name = (args.new_inputs or {}).get("name")
        if not isinstance(name, str) or (self.replaceable and pulumi.runtime.is_dry_run()):
            return
        if found := _described(await self._client(), name):
            raise pulumi.RunError(orphan(found, args.name))

    async def _tell_live_capacity(self, args: pulumi.ResourceHookArgs) -> None:
        old, new = args.old_inputs or {}, args.new_inputs or {}
        if all(old.get(field) == new.get(field) for field in ("endpointConfigName", "deploymentConfig")):
            return
        client = await self._client()
        if described := _described(client, args.id):
            running = client.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
            declared = {name: await output.future() or {} for name, output in self.variants.items()}
            for line in drifted(described, running, declared):
                pulumi.log.warn(f"Endpoint {described['EndpointName']}: {line}")

    async def _verify(self, args: pulumi.ResourceHookArgs) -> None:
        # The provider reads the endpoint back, so only the inputs tell what was asked for.
        inputs, outputs = args.new_inputs or {}, args.new_outputs or {}
        described = (await self._client()).describe_endpoint(EndpointName=outputs["name"])
        if problem := difference(described, inputs["endpointConfigName"], self.variants):
            raise pulumi.RunError(problem)

    async def _clean_up(self, args: pulumi.ErrorHookArgs) -> bool:
        inputs = args.new_inputs or {}
        if args.failed_operation == "create" and "name" in inputs:
            _clean_up(await self._client(), inputs, args.name)
        return False  # never again by itself


def difference(described: "DescribeEndpointOutputTypeDef", wanted: str, variant_names: Collection[str]) -> str | None:
    """Says how an endpoint is not what was asked for, or returns None.

    Args:
        described: DescribeEndpoint's answer.
        wanted: name of the endpoint configuration that should run.
        variant_names: the production variants that should run.
    """
    name, runs, status = described["EndpointName"], described["EndpointConfigName"], described["EndpointStatus"]
    logs = f"Logs: {log_group(name)}."
    if runs != wanted or status != "InService":
        reason = described.get("FailureReason", "no reason given")
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
) -> list[str]:
    """Returns, with the numbers, what an update takes away that autoscaling or a person has set.

    Args:
        described: DescribeEndpoint's answer.
        running: DescribeEndpointConfig's answer for the configuration that it runs.
        declared: for each variant what it will start with; see :func:`starts_with`.
    """
    before: Mapping[str, Mapping[str, Any]] = {
        variant["VariantName"]: variant for variant in running["ProductionVariants"]
    }
    found = []
    for variant in described.get("ProductionVariants", []):
        name, live = variant["VariantName"], _flat(variant, "Desired")
        then, soon = _flat(before.get(name, {}), "Initial"), declared.get(name, {})
        found += [
            f"variant {name} has {field} {value:g}, not the {then[field]:g} it was made with. This update sets it to "
            f"{soon[field]:g}; declare {value:g} to keep it"
            for field, value in live.items()
            if field in then and field in soon and value not in (then[field], soon[field])
        ]
    return found


def starts_with(variant: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a declared variant starts with: instances or provisioned concurrency, and its weight."""
    weight = {"initial_variant_weight": variant.get("initial_variant_weight", 1)}
    if "serverless_config" not in variant:
        return {"initial_instance_count": variant.get("initial_instance_count", 1), **weight}
    return {"provisioned_concurrency": variant["serverless_config"].get("provisioned_concurrency", 0), **weight}


def orphan(described: "DescribeEndpointOutputTypeDef", resource: str) -> str:
    """Says that an endpoint which the stack does not manage has the name of a resource's, and what to do."""
    name = described["EndpointName"]
    return (
        f"An endpoint {name} that this stack does not manage is there already (status {described['EndpointStatus']}). "
        f"Import it (set import_endpoint to {name!r} for one update, or pulumi import aws:sagemaker/endpoint:Endpoint "
        f"{resource} {name}), delete it (aws sagemaker delete-endpoint --endpoint-name {name}), or choose another "
        "endpoint_name."
    )


def log_group(endpoint: str) -> str:
    """Returns the CloudWatch log group of an endpoint's containers."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def _flat(variant: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """Returns the numbers of a variant as AWS describes them, by our names."""
    serverless = variant.get(f"{prefix}ServerlessConfig" if prefix == "Desired" else "ServerlessConfig")
    weight = variant.get("DesiredWeight" if prefix == "Desired" else "InitialVariantWeight", 1)
    if serverless is not None:
        return {
            "provisioned_concurrency": serverless.get("ProvisionedConcurrency", 0),
            "initial_variant_weight": weight,
        }
    count = variant.get(f"{prefix}InstanceCount")
    return {} if count is None else {"initial_instance_count": count, "initial_variant_weight": weight}


def _clean_up(client: "SageMakerClient", inputs: Mapping[str, Any], resource: str) -> None:
    """Deletes the endpoint that a failed create left behind."""
    described = _described(client, inputs["name"])
    if described is None:
        return
    name = described["EndpointName"]
    if described["EndpointConfigName"] != inputs["endpointConfigName"]:
        pulumi.log.error(orphan(described, resource))
    elif described["EndpointStatus"] == "Failed":
        client.delete_endpoint(EndpointName=name)
        pulumi.log.error(
            f"Endpoint {name} failed: {described.get('FailureReason', 'no reason given')} "
            f"Logs: {log_group(name)}. The failed endpoint was deleted; mend the cause and run `pulumi up` again."
        )


def _described(client: "SageMakerClient", name: str) -> "DescribeEndpointOutputTypeDef | None":
    """Returns DescribeEndpoint's answer; None if there is no such endpoint."""
    try:
        return client.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return None
        raise
