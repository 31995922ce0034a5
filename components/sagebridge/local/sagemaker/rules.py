"""What AWS refuses of endpoint configurations and endpoints, beyond what botocore's model says of each request.

Each rule raises AwsError (`ValidationException`). Where the words of a refusal are AWS's, the rule says so; the others
are ours, because AWS's are not known.
"""

import json
from collections.abc import Collection

from sagebridge.local.sagemaker.models import containers
from sagebridge.local.sagemaker.variants import all_variants
from sagebridge.local.shapes import Record, invalid

BUSY = ("Creating", "Updating", "RollingBack", "Deleting")
"""The statuses of an endpoint with work under way."""
MEMORY_SIZES = (1024, 2048, 3072, 4096, 5120, 6144)
"""Megabytes that a serverless variant can have; source: AWS's guide to serverless endpoints."""
_INSTANCE_MEMBERS = ("InstanceType", "InitialInstanceCount")


def check_variants(config: Record) -> None:
    """Refuses variants that cannot be in the same endpoint configuration."""
    shadows = config.get("ShadowProductionVariants", [])
    # botocore, CreateEndpointConfigInput.ShadowProductionVariants: "If you use this field, you can only specify
    # one variant for ProductionVariants and one variant for ShadowProductionVariants."
    if shadows and (len(shadows), len(config["ProductionVariants"])) != (1, 1):
        raise invalid("With ShadowProductionVariants, there must be one production and one shadow variant.")
    names = [variant["VariantName"] for variant in all_variants(config)]
    if len(set(names)) < len(names):
        raise invalid(f"Variant names must be unique within an endpoint configuration; got {names}.")


def check_variant(variant: Record) -> None:
    """Refuses a variant whose members do not go together."""
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise invalid(f"Variant {name} needs a ModelName: the local AWS has no inference components.")
    serverless = variant.get("ServerlessConfig")
    instance_members = [member for member in _INSTANCE_MEMBERS if member in variant]
    if serverless and instance_members:
        raise invalid(f"Variant {name} has a ServerlessConfig, so it cannot have {' and '.join(instance_members)}.")
    if not serverless and len(instance_members) < len(_INSTANCE_MEMBERS):
        raise invalid(f"Variant {name} needs InstanceType and InitialInstanceCount, or else a ServerlessConfig.")
    if serverless and serverless["MemorySizeInMB"] not in MEMORY_SIZES:
        raise invalid(f"MemorySizeInMB of variant {name} must be one of {', '.join(map(str, MEMORY_SIZES))}.")
    if serverless:
        _check_provisioned(name, serverless)


def check_serverless(config: Record, name: str, model: Record) -> None:
    """Refuses what a serverless variant cannot have.

    Source: guide to serverless inference, "Feature exclusions": "GPUs, AWS marketplace model packages, private Docker
    registries, Multi-Model Endpoints, VPC configuration, network isolation, data capture, multiple production
    variants, Model Monitor, and inference pipelines".
    """
    excluded = {
        "several variants": len(all_variants(config)) > 1,
        "DataCaptureConfig": config.get("DataCaptureConfig", {}).get("EnableCapture", "DataCaptureConfig" in config),
        "a model with VpcConfig": "VpcConfig" in model,
        "a model with network isolation": model["EnableNetworkIsolation"],
        "a model with several containers": len(containers(model)) > 1,
        "a multi-model container": any(container["Mode"] == "MultiModel" for container in containers(model)),
    }
    for feature, is_used in excluded.items():
        if is_used:
            raise invalid(f"Serverless variant {name} cannot go with {feature}.")


def check_idle(endpoint: Record) -> None:
    """Refuses to update or delete an endpoint with work under way.

    The words are AWS's, for UpdateEndpoint, UpdateEndpointWeightsAndCapacities and DeleteEndpoint: the AWS Controllers
    for Kubernetes (sagemaker-controller) and others match them.
    """
    if endpoint["EndpointStatus"] in BUSY:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def check_updatable(endpoint: Record) -> None:
    """Refuses to update an endpoint with work under way, or one that failed.

    Source: botocore, EndpointStatus Failed: "DeleteEndpoint is the only operation that can be performed".
    """
    check_idle(endpoint)
    if endpoint["EndpointStatus"] == "Failed":
        raise invalid(f'Cannot update failed endpoint "{endpoint["EndpointArn"]}". Delete it and create it again.')


def check_other_config(endpoint: Record, config_name: str) -> None:
    """Refuses to update an endpoint to the configuration that it runs.

    Source: botocore, UpdateEndpoint: "To update an endpoint, you must create a new EndpointConfig"; an integration test
    against AWS says that the one in use is refused (fennel-ai's TestUpdateEndpoint).
    """
    config = endpoint["running"]["config"]
    if config_name == config["EndpointConfigName"]:
        raise invalid(
            f'Endpoint "{endpoint["EndpointArn"]}" already has endpoint configuration '
            f'"{config["EndpointConfigArn"]}". Create a new one to update it.'
        )


def check_same_names(old: Record, new: Record) -> None:
    """Refuses to shift traffic between configurations with other variants.

    Source: guide to deployment guardrails, "Exclusions": "your new endpoint configuration must have the same variant
    name as the old endpoint configuration".
    """
    before, after = ({variant["VariantName"] for variant in config["ProductionVariants"]} for config in (old, new))
    if before != after:
        raise invalid(
            "With a DeploymentConfig, the new endpoint configuration must have the variant names of the old one: "
            f"{', '.join(sorted(before))}; it has {', '.join(sorted(after))}."
        )


def check_scaled(old: Record, new: Record, scaled: Collection[str]) -> None:
    """Refuses to remove a variant that is scaled automatically, or to change its instance type.

    Source: guide, "Update endpoints that use auto scaling": "If the update would change the instance type for any model
    that is a target for automatic scaling, the update fails." The words are remembered from public reports.
    """
    before, after = (
        {variant["VariantName"]: variant.get("InstanceType") for variant in config["ProductionVariants"]}
        for config in (old, new)
    )
    changed = [name for name in before if name in scaled and after.get(name) != before[name]]
    if changed:
        raise invalid(
            f"The variant(s) {json.dumps(changed)} must be deregistered as scalable targets with AWS Auto Scaling "
            "before they can be removed or have their instance type updated."
        )


def check_capacity_changes(endpoint: Record, capacities: Record, changes: list[Record]) -> None:
    """Refuses an UpdateEndpointWeightsAndCapacities that names a variant twice, or one that cannot change so.

    The words about the names are moto's.

    Args:
        endpoint: the endpoint's record.
        capacities: the capacities that its variants have now.
        changes: AWS's DesiredWeightsAndCapacities.
    """
    seen = set()
    for change in changes:
        name = change["VariantName"]
        if name in seen:
            raise invalid(f'The variant name "{name}" was non-unique within the request.')
        seen.add(name)
        if name not in capacities:
            config = endpoint["running"]["config"]["EndpointConfigName"]
            raise invalid(f'The variant name(s) "{name}" is/are not present within endpoint configuration "{config}".')
        _check_capacity_change(name, capacities[name]["serverless"], change)


def _check_capacity_change(name: str, serverless: Record | None, change: Record) -> None:
    serverless_change = change.get("ServerlessUpdateConfig")
    if serverless is None:
        if serverless_change:
            raise invalid(f"Variant {name} is on instances, so it cannot have a ServerlessUpdateConfig.")
        return
    if "DesiredInstanceCount" in change:
        raise invalid(f"Variant {name} is serverless, so it cannot have a DesiredInstanceCount.")
    if serverless_change:
        _check_provisioned(name, serverless | serverless_change)


def _check_provisioned(name: str, serverless: Record) -> None:
    # botocore, ProvisionedConcurrency: "Should be less than or equal to MaxConcurrency."
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise invalid(f"ProvisionedConcurrency of variant {name} must be at most its MaxConcurrency.")
