"""Values that AWS allows, by the shape of a field; at least two, where the shape leaves a choice."""

from typing import Any

from sagebridge.endpoint.schema import rule_of
from tests.mocks import ARCHIVE, IMAGE, ROLE

BUCKET = "s3://models/models/"
OTHER_ARCHIVE = "s3://models/other/model.tar.gz"
EXAMPLES: dict[str, list[Any]] = {
    "RoleArn": [ROLE, "arn:aws:iam::123456789012:role/other"],
    "ContainerImage": [IMAGE, "own:1"],
    "Url": [ARCHIVE, BUCKET],
    "S3ModelUri": [ARCHIVE, BUCKET],
    "DestinationS3Uri": [BUCKET, f"{BUCKET}other/"],
    "VersionedArnOrName": [f"arn:aws:sagemaker:us-east-1:123456789012:model-package/boston/{n}" for n in (1, 2)],
    "KmsKeyId": [f"arn:aws:kms:us-east-1:123456789012:key/{n}" for n in (1, 2)],
    "SnsTopicArn": [f"arn:aws:sns:us-east-1:123456789012:topic-{n}" for n in (1, 2)],
    "CsvContentType": ["text/csv", "text/x-csv"],
    "JsonContentType": ["application/json", "application/x-json"],
    "EnvironmentKey": ["KEY", "OTHER"],
    "SubnetId": ["subnet-1", "subnet-2"],
    "SecurityGroupId": ["sg-1", "sg-2"],
    "VariantName": ["one", "two"],
    "ProductionVariantInstanceType": ["ml.m5.large", "ml.inf1.xlarge", "ml.t2.medium"],
    "any": [0.5, 0.25],  # a number that AWS's model does not limit
}


def examples(shape: str) -> list[Any]:
    """Returns values of a shape that holds no structure of arguments."""
    shape = shape.lstrip("!")
    if shape in EXAMPLES:
        return EXAMPLES[shape]
    rule = rule_of(shape)
    values: list[Any]
    match rule["type"]:
        case "list":
            values = [[value] for value in examples(rule["member"]["shape"])]
        case "map":
            key = examples(rule["key"]["shape"])[0]
            values = [{key: value} for value in examples(rule["value"]["shape"])]
        case "structure":  # of one member, which is flat in the arguments
            values = examples(next(iter(rule["members"].values()))["shape"])
        case "integer":
            step = 1024 if "Memory" in shape else 1
            smallest = max(rule.get("min", 0), 1)
            values = [smallest, smallest + step]
        case "boolean":
            values = [True, False]
        case "float":
            values = [0.5, 0.25]
        case _:
            values = list(rule.get("enum", ["name", "other"]))[:9]
    return values
