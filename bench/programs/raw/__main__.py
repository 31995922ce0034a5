"""As many endpoints as are asked for, each the three resources that a `SageMakerEndpoint` makes."""

import pulumi
import pulumi_aws as aws

config = pulumi.Config()

for number in range(config.require_int("endpoints")):
    model = aws.sagemaker.Model(
        f"raw-{number}-model",
        execution_role_arn=config.require("role"),
        primary_container={
            "image": config.require("image"),
            "mode": "SingleModel",
            "model_data_url": config.require("modelData"),
            "environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": config.require("modelData"),
            },
        },
    )
    configuration = aws.sagemaker.EndpointConfiguration(
        f"raw-{number}-config",
        production_variants=[
            {
                "variant_name": "AllTraffic",
                "model_name": model.name,
                "instance_type": "ml.m5.xlarge",
                "initial_instance_count": 1,
            }
        ],
    )
    aws.sagemaker.Endpoint(f"raw-{number}", name=f"raw-{number}", endpoint_config_name=configuration.name)
