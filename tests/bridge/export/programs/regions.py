"""The same in two regions, by providers with default tags, in components of components."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws


class Watched(pulumi.ComponentResource):
    """A bucket with an alarm on its errors."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("example:index:Watched", name, None, opts)
        inner = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(name, opts=inner)
        aws.cloudwatch.MetricAlarm(
            name,
            alarm_description="Errors of the bucket",
            namespace="AWS/S3",
            metric_name="5xxErrors",
            dimensions={"BucketName": bucket.bucket},
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=2,
            period=300,
            statistic="Sum",
            threshold=0.1,
            opts=inner,
        )
        self.register_outputs({})


class Replicas(pulumi.ComponentResource):
    """One of these a region."""

    def __init__(self, name: str, providers: Mapping[str, aws.Provider]) -> None:
        super().__init__("example:index:Replicas", name)
        for region, provider in providers.items():
            Watched(f"{name}-{region}", pulumi.ResourceOptions(parent=self, providers=[provider]))
        self.register_outputs({})


providers = {
    region: aws.Provider(
        region,
        region=region,
        default_tags={"tags": {"region": region}},
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
        s3_use_path_style=True,
    )
    for region in ("us-east-1", "eu-west-1")
}
Replicas("replica", providers)
