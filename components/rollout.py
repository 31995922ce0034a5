"""What is checked after the AWS provider says that an endpoint was created or updated, and when it says that it failed.

The provider calls any update that ends ``InService`` a success, so a rollback would pass unseen (terraform-provider-aws
issues 46663 and 48997), and a failed create leaves an endpoint behind that no state knows (issue 40080).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pulumi
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef


def hooks(name: str) -> pulumi.ResourceHookBinding:
    """Returns the hooks of an endpoint; hooks are registered by a name that is unique in a program."""
    verified = pulumi.ResourceHook(f"{name}-verify", _verify)
    return pulumi.ResourceHookBinding(
        after_create=[verified],
        after_update=[verified],
        on_error=[pulumi.ErrorHook(f"{name}-clean-up", _clean_up)],
    )


def difference(described: "DescribeEndpointOutputTypeDef", wanted: str) -> str | None:
    """Says how an endpoint is not what was asked for, or returns None.

    Args:
        described: DescribeEndpoint's answer.
        wanted: name of the endpoint configuration that should run.
    """
    runs, status = described["EndpointConfigName"], described["EndpointStatus"]
    if runs == wanted and status == "InService":
        return None
    reason = described.get("FailureReason", "no reason given")
    return (
        f"endpoint {described['EndpointName']} is {status} on configuration {runs}, not on {wanted}: AWS rolled the "
        f"update back. Reason: {reason} Logs: {log_group(described['EndpointName'])}. The configuration that is "
        "serving was kept."
    )


def log_group(endpoint: str) -> str:
    """Returns the CloudWatch log group of an endpoint's containers."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def _verify(args: pulumi.ResourceHookArgs) -> None:
    # The provider reads the endpoint back, so only the inputs tell what was asked for.
    inputs, outputs = args.new_inputs or {}, args.new_outputs or {}
    described = _client(outputs).describe_endpoint(EndpointName=outputs["name"])
    if problem := difference(described, inputs["endpointConfigName"]):
        raise pulumi.RunError(problem)


def _clean_up(args: pulumi.ErrorHookArgs) -> bool:
    """Deletes the endpoint that a failed create left behind; never asks for a retry."""
    inputs = args.new_inputs or {}
    if args.failed_operation != "create" or "name" not in inputs:
        return False
    client, name = _client(inputs), inputs["name"]
    try:
        described = client.describe_endpoint(EndpointName=name)
    except ClientError:
        return False  # nothing was left behind
    if described["EndpointConfigName"] != inputs["endpointConfigName"]:
        pulumi.log.error(
            f"An endpoint {name} that this stack does not manage is there already (status "
            f"{described['EndpointStatus']}). Choose another name, delete it (aws sagemaker delete-endpoint "
            f"--endpoint-name {name}), or import it (pulumi import aws:sagemaker/endpoint:Endpoint {name} {name})."
        )
    elif described["EndpointStatus"] == "Failed":
        client.delete_endpoint(EndpointName=name)
        pulumi.log.error(
            f"Endpoint {name} failed: {described.get('FailureReason', 'no reason given')} "
            f"Logs: {log_group(name)}. The failed endpoint was deleted; mend the cause and run `pulumi up` again."
        )
    return False


def _client(properties: Mapping[str, Any]) -> "SageMakerClient":
    arn = properties.get("arn")
    return boto3.client("sagemaker", region_name=properties.get("region") or (arn.split(":")[3] if arn else None))
