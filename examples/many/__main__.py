"""Many endpoints from one list: a new tenant is a new line."""

import pulumi

from sagebridge import SageMakerEndpoint, TerraformBase

CONCURRENCY = {"acme": 2, "globex": 10, "initech": 2}
"""How many requests at once each tenant may send."""

config = pulumi.Config("sagebridge")
base = TerraformBase.read(config.require("terraformState"))
for tenant, concurrency in CONCURRENCY.items():
    endpoint = SageMakerEndpoint(
        tenant,
        {
            "execution_role_arn": base.execution_role_arn,
            "image": config.require("containerImage"),
            "model_data_url": config.require("modelData"),
            "serverless_config": {"max_concurrency": concurrency},
            "tags": {"tenant": tenant},
        },
    )
    pulumi.export(tenant, endpoint.endpoint_name)
