"""A static site: pages in a bucket that serves them, lifecycle rules, and who may read."""

import pulumi
import pulumi_aws as aws

site = aws.s3.Bucket("site", bucket_prefix="site-", tags={"site": "docs"})
aws.s3.BucketWebsiteConfiguration(
    "site", bucket=site.id, index_document={"suffix": "index.html"}, error_document={"key": "404.html"}
)
aws.s3.BucketLifecycleConfiguration(
    "site",
    bucket=site.id,
    rules=[
        {
            "id": "old",
            "status": "Enabled",
            "filter": {"prefix": "old/"},
            "expiration": {"days": 30},
        }
    ],
)
aws.s3.BucketCorsConfiguration(
    "site", bucket=site.id, cors_rules=[{"allowed_methods": ["GET"], "allowed_origins": ["*"], "max_age_seconds": 3000}]
)
for name in ("index.html", "404.html"):
    aws.s3.BucketObjectv2(
        name, bucket=site.id, key=name, content=f"<h1>{name}</h1>", content_type="text/html; charset=utf-8"
    )
aws.s3.BucketPolicy(
    "site",
    bucket=site.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": pulumi.Output.concat(site.arn, "/*"),
                }
            ],
        }
    ),
)
