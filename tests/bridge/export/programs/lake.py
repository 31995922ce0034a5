"""A data lake: buckets by stage, each with its settings, and a policy that all of them share."""

import json

import pulumi
import pulumi_aws as aws

token = pulumi.Config().require_secret("token")
for stage in ("raw", "curated", "published é"):
    bucket = aws.s3.Bucket(
        stage,
        bucket=f"{pulumi.get_project()}-{stage.split()[0]}",
        force_destroy=True,
        tags={"stage": stage, "token": token},
    )
    aws.s3.BucketVersioning(stage, bucket=bucket.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketPublicAccessBlock(stage, bucket=bucket.id, block_public_acls=True, restrict_public_buckets=True)
    aws.s3.BucketServerSideEncryptionConfiguration(
        stage,
        bucket=bucket.id,
        rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}, "bucket_key_enabled": True}],
    )
    aws.s3.BucketPolicy(
        stage,
        bucket=bucket.id,
        policy=bucket.arn.apply(
            lambda arn: json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "TlsOnly",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": [arn, f"{arn}/*"],
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                }
            )
        ),
    )
