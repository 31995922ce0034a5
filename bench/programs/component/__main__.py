"""As many endpoints as are asked for, each a `SageMakerEndpoint`."""

import pulumi

from sagebridge import SageMakerEndpoint

config = pulumi.Config()

for number in range(config.require_int("endpoints")):
    SageMakerEndpoint(
        f"component-{number}",
        {
            "execution_role_arn": config.require("role"),
            "image": config.require("image"),
            "model_data_url": config.require("modelData"),
            "endpoint_name": f"component-{number}",
        },
    )
