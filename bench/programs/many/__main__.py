"""A bucket with a secret, and a policy that names it, out of whose state `bench/scale.py` makes thousands."""

import pulumi
import pulumi_aws as aws

bucket = aws.s3.Bucket("bucket-0", bucket="bucket-0-of-many", tags={"token": pulumi.Output.secret("token of bucket-0")})
statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": [bucket.arn]}
aws.iam.Policy("reading", policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]}))
