"""A shadow test: would cheaper instances do? They get a copy of every request, and nobody sees their answers.

The dashboard compares the two. To test another model, give the candidate an `image` and `model_data_url` of its own.
"""

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
        "production_variants": [{"variant_name": "Production", "instance_type": "ml.m5.xlarge"}],
        "shadow_production_variants": [{"variant_name": "Candidate", "instance_type": "ml.c5.large"}],
        "dashboard": True,
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
