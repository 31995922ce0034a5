"""A real-time endpoint that scales with its traffic, and takes a new model by canary.

A tenth of the traffic goes to the new model for five minutes. If it is slow or fails, the endpoint's own alarms let AWS
go back to the old one, and `pulumi up` fails with the reason.
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
        "endpoint_name": f"real-time-{pulumi.get_stack()}",  # alarms that roll back are made before the endpoint
        "instance_type": "ml.m5.large",
        "initial_instance_count": 2,
        "autoscaling": {"min_capacity": 2, "max_capacity": 6, "invocations_per_instance": 600},
        "alarms": {"model_latency": 200},
        "deployment_config": {
            "blue_green_update_policy": {
                "type": "CANARY",
                "canary_size": {"value": 10},
                "wait_interval_in_seconds": 300,
            }
        },
        "dashboard": True,
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
