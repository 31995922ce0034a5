"""An asynchronous endpoint: answers go to S3, and while there is nothing to do, no instance runs."""

import json

import pulumi
import pulumi_aws as aws

from sagebridge import SageMakerEndpoint, TerraformBase

config = pulumi.Config("sagebridge")
base = TerraformBase.read(config.require("terraformState"))
answers = f"{base.bucket_name}/answers"
endpoint = SageMakerEndpoint(
    "scorer",
    {
        "execution_role_arn": base.execution_role_arn,
        "image": config.require("containerImage"),
        "model_data_url": config.require("modelData"),
        "async_inference_config": {"s3_output_path": f"s3://{answers}/"},
        "autoscaling": {"min_capacity": 0, "max_capacity": 4, "backlog_per_instance": 5},
    },
)
allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{answers}/*"}
aws.iam.RolePolicy(  # the base's role may only read models
    "answers",
    role=base.execution_role_arn.rpartition("/")[2],
    policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
)
pulumi.export("endpointName", endpoint.endpoint_name)
