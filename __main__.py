"""The program: typed config → the Terraform base → the endpoint → outputs."""

import pulumi

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs, TerraformBase

config = pulumi.Config()
model_data = config.require("modelData")
if not model_data:
    raise pulumi.RunError("modelData is not set: publish a model first (sagebridge publish --stack …)")
base = TerraformBase.read(config.require("terraformState"), region=pulumi.Config("aws").get("region"))

args: SageMakerEndpointArgs = {
    "execution_role_arn": base.execution_role_arn,
    "image": config.require("containerImage"),
    "model_data_url": model_data,
    "endpoint_name": config.require("endpointName"),
    "tags": config.require_object("tags"),
}
if config.require_bool("serverless"):
    args["serverless_config"] = {
        "memory_size_in_mb": config.require_int("serverlessMemory"),
        "max_concurrency": config.require_int("serverlessConcurrency"),
    }
else:
    args["instance_type"] = config.require("instanceType")
    args["initial_instance_count"] = config.require_int("instanceCount")

endpoint = SageMakerEndpoint("endpoint", args)

pulumi.export("endpointName", endpoint.endpoint_name)
pulumi.export("endpointArn", endpoint.endpoint_arn)
pulumi.export("endpointConfigName", endpoint.endpoint_config_name)
pulumi.export("modelName", endpoint.model_name)
pulumi.export("modelData", endpoint.model_data_url)
