"""Tags whose keys begin with `aws:` are refused by every service, in any case of letters."""

import json
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.local.account import IMAGE, INSTANCE, TRUST, Account

pytestmark = pytest.mark.server

SERVICES = "aws: prefixed tag key names are not allowed for external use."
SAGEMAKER = "System prefix 'aws:' reserved for AWS usage in tag key: "
KEYS = ["aws:createdBy", "AWS:x", "Aws:"]
ALARM = {
    "AlarmName": "tagged",
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/nothing/variant/v",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "MinCapacity": 1,
    "MaxCapacity": 1,
}


class Refused(NamedTuple):
    """A request with a tag of AWS's own."""

    service: str
    """The service, as boto3 names it."""
    operation: str
    """The operation."""
    members: dict[str, Any]
    """The request; `{list}`, `{kms}`, `{map}`, `{keys}` and `{query}` stand for the tag in each form that it has."""
    code: str = "ValidationException"
    """The code of the error."""


REFUSED = [
    Refused(
        "iam",
        "CreateRole",
        {"RoleName": "r", "AssumeRolePolicyDocument": json.dumps(TRUST), "Tags": "{list}"},
        "InvalidInput",
    ),
    Refused("iam", "TagRole", {"RoleName": "sagemaker", "Tags": "{list}"}, "InvalidInput"),
    Refused("iam", "UntagRole", {"RoleName": "sagemaker", "TagKeys": "{keys}"}, "InvalidInput"),
    Refused("sns", "CreateTopic", {"Name": "t", "Tags": "{list}"}, "InvalidParameter"),
    Refused("sqs", "CreateQueue", {"QueueName": "q", "tags": "{map}"}, "ValidationException"),
    Refused("kms", "CreateKey", {"Tags": "{kms}"}, "TagException"),
    Refused(
        "ecr", "CreateRepository", {"repositoryName": "repository", "tags": "{list}"}, "InvalidTagParameterException"
    ),
    Refused("logs", "CreateLogGroup", {"logGroupName": "g", "tags": "{map}"}, "InvalidParameterException"),
    Refused("cloudwatch", "PutMetricAlarm", {**ALARM, "Tags": "{list}"}),
    Refused("application-autoscaling", "RegisterScalableTarget", {**TARGET, "Tags": "{map}"}, "ValidationException"),
    Refused("s3", "CreateBucket", {"Bucket": "tagged", "CreateBucketConfiguration": {"Tags": "{list}"}}, "InvalidTag"),
    Refused("s3", "PutBucketTagging", {"Bucket": "models", "Tagging": {"TagSet": "{list}"}}, "InvalidTag"),
    Refused("s3", "PutObject", {"Bucket": "models", "Key": "k", "Tagging": "{query}"}, "InvalidTag"),
    Refused("s3", "CreateMultipartUpload", {"Bucket": "models", "Key": "k", "Tagging": "{query}"}, "InvalidTag"),
    Refused("sagemaker", "CreateModel", {"ModelName": "t", "PrimaryContainer": {"Image": IMAGE}, "Tags": "{list}"}),
    Refused(
        "sagemaker",
        "CreateEndpointConfig",
        {
            "EndpointConfigName": "t",
            "ProductionVariants": [{"VariantName": "v", "ModelName": "m", **INSTANCE}],
            "Tags": "{list}",
        },
    ),
    Refused("sagemaker", "CreateEndpoint", {"EndpointName": "t", "EndpointConfigName": "t", "Tags": "{list}"}),
    Refused("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": "t", "Tags": "{list}"}),
    Refused(
        "sagemaker", "AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "Tags": "{list}"}
    ),
    Refused(
        "sagemaker",
        "DeleteTags",
        {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "TagKeys": "{keys}"},
    ),
]


def filled(value: Any, key: str) -> Any:
    """Returns a request with a tag of this key put into it."""
    forms = {
        "{list}": [{"Key": "mine", "Value": "1"}, {"Key": key, "Value": "1"}],
        "{kms}": [{"TagKey": key, "TagValue": "1"}],
        "{map}": {key: "1"},
        "{keys}": [key],
        "{query}": f"mine=1&{key}=1",
    }
    if isinstance(value, dict):
        return {name: filled(item, key) for name, item in value.items()}
    return forms.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.service}: {case.operation}")
def test_a_key_of_awss_own_is_refused(account: Account, case: Refused, key: str) -> None:
    with pytest.raises(ClientError) as caught:
        account.client(case.service)._make_api_call(case.operation, filled(case.members, key))  # noqa: SLF001 - by its name
    error: Any = caught.value.response["Error"]
    assert error["Code"] == case.code
    assert error["Message"] == (f"{SAGEMAKER}{key}" if case.service == "sagemaker" else SERVICES)


@pytest.mark.parametrize("key", ["aws", "my:aws:x", "awsome:x", "x-aws:"])
def test_another_key_is_not(account: Account, key: str) -> None:
    tags = [{"Key": key, "Value": "aws:x"}]
    model = account.model()
    arn = account.sagemaker.describe_model(ModelName=model)["ModelArn"]
    account.sagemaker.add_tags(ResourceArn=arn, Tags=tags)
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    account.iam.tag_role(RoleName="sagemaker", Tags=tags)
    assert tags[0] in account.iam.list_role_tags(RoleName="sagemaker")["Tags"]
    account.client("cloudwatch").put_metric_alarm(**ALARM, Tags=tags)
