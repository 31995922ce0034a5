"""The endpoints that stand on the base: they use its bucket or its role."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError

ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
"""Pulumi's type of an endpoint."""


def users(sagemaker: Any, base: Mapping[str, str]) -> list[str]:  # noqa: ANN401 - boto3's client
    """Returns the names of the endpoints that stand on a base, sorted.

    Args:
        sagemaker: a client of SageMaker.
        base: the outputs of the base.
    """
    marks = (f"s3://{base['bucket_name']}/", f'"{base["execution_role_arn"]}"')
    names = [
        endpoint["EndpointName"]
        for page in sagemaker.get_paginator("list_endpoints").paginate()
        for endpoint in page["Endpoints"]
    ]
    return sorted(name for name in names if _uses(sagemaker, name, marks))


def endpoints_of(deployment: Mapping[str, Any]) -> set[str]:
    """Returns the names of the endpoints that a stack has, as `pulumi stack export` shows it."""
    resources: Collection[Mapping[str, Any]] = (deployment.get("deployment") or {}).get("resources") or ()
    return {resource["outputs"]["name"] for resource in resources if resource["type"] == ENDPOINT}


def refusal(endpoints: Mapping[str, str | None]) -> str:
    """Returns what to say of endpoints that stand on the base and are not the dev stack's.

    Args:
        endpoints: their names, each with the stack that has it, or None if no stack of Pulumi's does.
    """
    listed = "\n".join(f"  {name}" + (f", of the stack {stack}" if stack else "") for name, stack in endpoints.items())
    return (
        f"The base is in use. These endpoints use its bucket or its role, and are not the dev stack's:\n{listed}\n"
        "Destroy them first, or run `make down FORCE=1`, which takes the base away from under them."
    )


def _uses(sagemaker: Any, name: str, marks: Collection[str]) -> bool:  # noqa: ANN401 - boto3's client
    """Returns whether one of some texts is in an endpoint, its configuration or its models.

    If the configuration or a model was deleted, nobody can tell, and the endpoint counts as one that uses the base.
    """
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        shown = endpoint.get("PendingDeploymentSummary", endpoint)
        config = sagemaker.describe_endpoint_config(EndpointConfigName=shown["EndpointConfigName"])
        variants = config["ProductionVariants"] + config.get("ShadowProductionVariants", [])
        models = [sagemaker.describe_model(ModelName=variant["ModelName"]) for variant in variants]
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        return True
    text = json.dumps([endpoint, config, models], default=str)
    return any(mark in text for mark in marks)
