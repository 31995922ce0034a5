"""The program: the stack's configuration → the Terraform base → the endpoint → outputs."""

import pulumi

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs, TerraformBase, read_configuration

config = read_configuration()
if not config["modelData"]:
    raise pulumi.RunError("modelData is not set: publish a model first (sagebridge publish --stack …)")
region = pulumi.Config("aws").get("region")
base = TerraformBase.read(config["terraformState"], region, outputs=config["terraformOutputs"])

args: SageMakerEndpointArgs = {
    "execution_role_arn": base.execution_role_arn,
    "image": config["containerImage"],
    "model_data_url": config["modelData"],
    "endpoint_name": config["endpointName"],
    "tags": config["tags"],
}
if config["serverless"]:
    args["serverless_config"] = {
        "memory_size_in_mb": config["serverlessMemory"],
        "max_concurrency": config["serverlessConcurrency"],
    }
else:
    args["instance_type"] = config["instanceType"]
    args["initial_instance_count"] = config["instanceCount"]

endpoint = SageMakerEndpoint("endpoint", args)

pulumi.export("endpointName", endpoint.endpoint_name)
pulumi.export("endpointArn", endpoint.endpoint_arn)
pulumi.export("endpointConfigName", endpoint.endpoint_config_name)
pulumi.export("modelName", endpoint.model_name)
pulumi.export("modelData", endpoint.model_data_url)
