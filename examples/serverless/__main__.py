"""A serverless endpoint: no instances, paid by the request; the first answer after a pause takes longer."""

import pulumi

from sagebridge import SageMakerEndpoint, TerraformBase

config = pulumi.Config("sagebridge")
base = TerraformBase.read(config.require("terraformState"))
endpoint = SageMakerEndpoint(
    "scorer",
    {
        "execution_role_arn": base.execution_role_arn,
        "image": config.require("containerImage"),
        "model_data_url": config.require("modelData"),
        "serverless_config": {"memory_size_in_mb": 2048, "max_concurrency": 5},
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
