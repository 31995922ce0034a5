"""Serves a model on SageMaker, on the bucket and the role that Terraform manages."""

import pulumi

from sagebridge import SageMakerEndpoint, TerraformBase, read_configuration

config = read_configuration()
if not config["modelData"]:
    raise pulumi.RunError("modelData is not set: publish a model first (sagebridge publish --stack …)")
region = pulumi.Config("aws").get("region")
base = TerraformBase.read(config["terraformState"], region, outputs=config["terraformOutputs"])

endpoint = SageMakerEndpoint(
    "endpoint",
    {
        "execution_role_arn": base.execution_role_arn,
        "framework": "sklearn",
        "framework_version": "1.9-0",
        "model_data_url": config["modelData"],
        "instance_type": config["instanceType"],
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
