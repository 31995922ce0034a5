"""Serves a model on SageMaker, on the bucket and the role that Terraform manages."""

import pulumi

from sagebridge import SageMakerEndpoint, TerraformBase

config = pulumi.Config()
model_data = config.require("modelData")
if not model_data:
    raise pulumi.RunError("modelData is not set: publish a model first (sagebridge publish --stack …)")
base = TerraformBase.read(config.require("terraformState"), region=pulumi.Config("aws").get("region"))

endpoint = SageMakerEndpoint(
    "endpoint",
    {
        "execution_role_arn": base.execution_role_arn,
        "framework": "sklearn",
        "framework_version": "1.9-0",
        "model_data_url": model_data,
        "instance_type": config.require("instanceType"),
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
