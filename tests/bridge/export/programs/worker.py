"""What stands beside a worker: a topic that tells it of jobs, the key of all, its log, its image.

A queue is missing: the provider cannot parse the URL that one has on the local AWS, so it cannot be imported there.
"""

import json
from typing import Any

import pulumi_aws as aws

account = aws.get_caller_identity().account_id
key = aws.kms.Key(
    "jobs",
    description="Encrypts jobs",
    deletion_window_in_days=7,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Owner",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }
    ),
)
aws.kms.Alias("jobs", name="alias/jobs", target_key_id=key.key_id)
topic = aws.sns.Topic("jobs", display_name="Jobs < & >", kms_master_key_id=key.arn)
sending: Any = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic.arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    ],
}
aws.sns.TopicPolicy("jobs", arn=topic.arn, policy=sending)
group = aws.cloudwatch.LogGroup("worker", name="/worker/jobs", retention_in_days=30)
aws.cloudwatch.LogMetricFilter(
    "failures",
    log_group_name=group.name,
    pattern='{ $.level = "ERROR" }',
    metric_transformation={"name": "Failures", "namespace": "Worker", "value": "1", "default_value": "0"},
)
aws.ecr.Repository("worker", image_tag_mutability="IMMUTABLE", force_delete=True)
