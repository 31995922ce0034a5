"""What AWS answers, by a source for each case, against what the local AWS answers to boto3.

Sources:

- botocore: the documentation or the constraints of a shape of botocore's models of SageMaker and its runtime, which
  is the API reference's text.
- guide: Amazon SageMaker AI Developer Guide, by its page.
- provider: what hashicorp/terraform-provider-aws v6.34.0 matches in AWS's answers (internal/service/sagemaker).
- ack: what aws-controllers-k8s/sagemaker-controller or its predecessor, Amazon's operator, matches.
- an issue, by its repository and number.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.account import IMAGE, Account, echo

pytestmark = pytest.mark.server

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
INVALID = "ValidationException"
VARIANT = {"VariantName": "v", "ModelName": "{model}"}
ON_INSTANCES = VARIANT | {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
SERVERLESS = VARIANT | {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
CAPTURE = {
    "InitialSamplingPercentage": 10,
    "DestinationS3Uri": "s3://models/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
SIZE = {"Type": "CAPACITY_PERCENT", "Value": 60}


@dataclass(frozen=True)
class Refused:
    """A request that AWS refuses."""

    call: str
    """boto3's method; it is one of the runtime if it begins with `invoke`."""
    members: dict[str, Any]
    """The request; `{model}`, `{config}` and `{endpoint}` stand for the names of what exists."""
    message: str
    """A regular expression for AWS's message, or for what is known of it."""
    source: str
    """Where AWS, or another source, says so."""
    code: str = INVALID
    """AWS's code."""


def create(**members: object) -> dict[str, Any]:
    return {"EndpointConfigName": "c", "ProductionVariants": [ON_INSTANCES], **members}


def guarded(**policies: object) -> dict[str, Any]:
    return {"EndpointName": "e2", "EndpointConfigName": "{config}", "DeploymentConfig": policies}


def routing(kind: str, **members: object) -> dict[str, Any]:
    return {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 0, **members}}


REFUSED = [
    # What is not there, or there already
    Refused("describe_model", {"ModelName": "x"}, f'^Could not find model "{ARN}model/x"', "provider: model.go"),
    Refused("delete_model", {"ModelName": "x"}, "^Could not find model", "provider: model.go"),
    Refused(
        "describe_endpoint_config",
        {"EndpointConfigName": "x"},
        f'^Could not find endpoint configuration "{ARN}endpoint-config/x"',
        "provider: endpoint_configuration.go; hashicorp/terraform-provider-aws#40048",
    ),
    Refused(
        "delete_endpoint_config",
        {"EndpointConfigName": "x"},
        "^Could not find endpoint configuration",
        "provider: endpoint_configuration.go",
    ),
    Refused(
        "describe_endpoint",
        {"EndpointName": "x"},
        f'^Could not find endpoint "{ARN}endpoint/x"',
        "provider: endpoint.go",
    ),
    Refused(
        "delete_endpoint", {"EndpointName": "x"}, "^Could not find endpoint", "ack: DeleteEndpoint404MessagePrefix"
    ),
    Refused(
        "update_endpoint",
        {"EndpointName": "x", "EndpointConfigName": "{config}"},
        "^Could not find endpoint",
        "provider: endpoint.go",
    ),
    Refused(
        "create_endpoint",
        {"EndpointName": "x", "EndpointConfigName": "x"},
        "^Could not find endpoint configuration",
        "hashicorp/terraform-provider-aws#40048",
    ),
    Refused(
        "create_endpoint",
        {"EndpointName": "{endpoint}", "EndpointConfigName": "{config}"},
        '^Cannot create already existing endpoint "arn:',
        "aws/sagemaker-python-sdk#101",
    ),
    Refused(
        "create_endpoint_config",
        create(EndpointConfigName="{config}"),
        '^Cannot create already existing endpoint configuration "arn:',
        "philschmid/terraform-aws-sagemaker-huggingface#6",
    ),
    Refused(
        "create_model",
        {"ModelName": "{model}", "PrimaryContainer": {"Image": IMAGE}},
        '^Cannot create already existing model "arn:',
        "the form of the two above",
    ),
    Refused(
        "describe_model_package_group",
        {"ModelPackageGroupName": "x"},
        "does not exist",
        "provider: model_package_group.go",
    ),
    Refused(
        "invoke_endpoint",
        {"EndpointName": "x", "Body": b""},
        "^Endpoint x of account 123456789012 not found",
        "aws/sagemaker-python-sdk and others quote it",
        "ValidationError",
    ),
    # An update
    Refused(
        "update_endpoint",
        {"EndpointName": "{endpoint}", "EndpointConfigName": "{config}"},
        "",
        'botocore, UpdateEndpoint: "you must create a new EndpointConfig"; fennel-ai: "should fail"',
    ),
    Refused(
        "update_endpoint_weights_and_capacities",
        {"EndpointName": "{endpoint}", "DesiredWeightsAndCapacities": [{"VariantName": "x"}]},
        r"variant name\(s\) .* present within endpoint configuration",
        "getmoto/moto#5082",
    ),
    # Members that do not go together
    Refused(
        "create_endpoint_config",
        create(
            ProductionVariants=[ON_INSTANCES, ON_INSTANCES | {"VariantName": "w"}],
            ShadowProductionVariants=[ON_INSTANCES | {"VariantName": "s"}],
        ),
        "",
        "botocore, CreateEndpointConfigInput.ShadowProductionVariants: one and one",
    ),
    Refused(
        "create_endpoint_config",
        create(ProductionVariants=[SERVERLESS, SERVERLESS | {"VariantName": "w"}]),
        "",
        "guide, serverless-endpoints: no multiple production variants",
    ),
    Refused(
        "create_endpoint_config",
        create(ProductionVariants=[SERVERLESS], DataCaptureConfig=CAPTURE),
        "",
        "guide, serverless-endpoints: no data capture",
    ),
    Refused(
        "create_endpoint_config",
        create(
            ProductionVariants=[
                VARIANT
                | {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1, "ProvisionedConcurrency": 2}}
            ]
        ),
        "",
        'botocore, ProvisionedConcurrency: "less than or equal to MaxConcurrency"',
    ),
    Refused(
        "create_endpoint_config",
        create(ProductionVariants=[VARIANT | {"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1}}]),
        "",
        "botocore, MemorySizeInMB: 1 GB increments",
    ),
    Refused(
        "create_endpoint",
        guarded(
            BlueGreenUpdatePolicy=routing("ALL_AT_ONCE"),
            RollingUpdatePolicy={"MaximumBatchSize": SIZE | {"Value": 50}, "WaitIntervalInSeconds": 0},
        ),
        "",
        'botocore, DeploymentConfig: "Only one update policy"',
    ),
    Refused(
        "create_endpoint",
        guarded(BlueGreenUpdatePolicy=routing("CANARY", CanarySize=SIZE)),
        "",
        "botocore, CanarySize: at most 50%",
    ),
    Refused(
        "create_endpoint",
        guarded(BlueGreenUpdatePolicy=routing("LINEAR", LinearStepSize=SIZE | {"Value": 5})),
        "",
        "botocore, LinearStepSize: 10-50%",
    ),
    Refused(
        "create_model_package",
        {"ModelPackageDescription": "x"},
        "",
        "botocore, CreateModelPackageInput.ModelPackageName: required for unversioned models",
    ),
    # Constraints of the shapes, in the words of "1 validation error detected"
    Refused(
        "create_endpoint",
        {"EndpointName": "-x", "EndpointConfigName": "{config}"},
        r"^1 validation error detected: Value '-x' at 'endpointName' failed to satisfy constraint: Member must "
        r"satisfy regular expression pattern: \[a-zA-Z0-9\]",
        "botocore, EndpointName's pattern",
    ),
    Refused(
        "create_endpoint_config",
        create(ProductionVariants=[ON_INSTANCES | {"InstanceType": "ml.x.large"}]),
        "Member must satisfy enum value set: ",
        "botocore, ProductionVariantInstanceType's enum",
    ),
    Refused(
        "create_endpoint_config",
        create(ProductionVariants=[ON_INSTANCES | {"VolumeSizeInGB": 513}]),
        "'productionVariants.1.member.volumeSizeInGB' .* less than or equal to 512",
        "botocore, ProductionVariantVolumeSizeInGB's max",
    ),
    Refused(
        "create_endpoint_config",
        create(ProductionVariants=[ON_INSTANCES | {"VariantName": f"v{n}"} for n in range(11)]),
        "'productionVariants' .* length less than or equal to 10",
        "botocore, ProductionVariantList's max",
    ),
    Refused(
        "create_endpoint_config",
        create(DataCaptureConfig=CAPTURE | {"InitialSamplingPercentage": 101}),
        "less than or equal to 100",
        "botocore, SamplingPercentage's max",
    ),
    Refused(
        "create_endpoint",
        guarded(BlueGreenUpdatePolicy=routing("ALL_AT_ONCE") | {"MaximumExecutionTimeoutInSeconds": 599}),
        "greater than or equal to 600",
        "botocore, MaximumExecutionTimeoutInSeconds' min",
    ),
    Refused(
        "update_endpoint_weights_and_capacities",
        {"EndpointName": "{endpoint}", "DesiredWeightsAndCapacities": []},
        "length greater than or equal to 1",
        "botocore, DesiredWeightAndCapacityList's min",
    ),
    Refused("list_endpoints", {"MaxResults": 101}, "less than or equal to 100", "botocore, MaxResults' max"),
    Refused("create_endpoint", {"EndpointName": "x"}, "must not be null", "botocore, required members"),
    Refused(
        "create_endpoint",
        {"EndpointName": 1, "EndpointConfigName": "c"},
        "",
        "the JSON protocol: a wrong type cannot be read",
        "SerializationException",
    ),
]


@dataclass(frozen=True)
class Described:
    """Members that AWS keeps or fills in, and answers with."""

    kind: str
    """The kind of resource that is made."""
    members: dict[str, Any]
    """The members of the request."""
    source: str
    """Where AWS says so."""
    added: dict[str, Any] = field(default_factory=dict)
    """The members that AWS answers besides."""


DESCRIBED = [
    Described(
        "model",
        {
            "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://models/x"},
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            "EnableNetworkIsolation": True,
        },
        "botocore, DescribeModelOutput",
        {
            "PrimaryContainer": {
                "Image": IMAGE,
                "ModelDataUrl": "s3://models/x",
                "Mode": "SingleModel",
                "ModelDataSource": {
                    "S3DataSource": {"S3Uri": "s3://models/x", "S3DataType": "S3Object", "CompressionType": "Gzip"}
                },
            }
        },
    ),
    Described(
        "model",
        {
            "Containers": [
                {"Image": IMAGE, "ContainerHostname": "one", "Mode": "SingleModel"},
                {"Image": IMAGE, "ContainerHostname": "two", "Mode": "SingleModel"},
            ],
            "InferenceExecutionConfig": {"Mode": "Direct"},
        },
        "botocore, DescribeModelOutput",
        {"EnableNetworkIsolation": False},
    ),
    Described(
        "model",
        {
            "PrimaryContainer": {
                "Image": IMAGE,
                "Mode": "MultiModel",
                "ModelDataUrl": "s3://models/many/",
                "MultiModelConfig": {"ModelCacheSetting": "Disabled"},
            }
        },
        "botocore, ModelDataSource: not with multi-model endpoints, so none is added",
    ),
    Described(
        "model",
        {
            "PrimaryContainer": {
                "Image": IMAGE,
                "ModelDataSource": {
                    "S3DataSource": {"S3Uri": "s3://models/x/", "S3DataType": "S3Prefix", "CompressionType": "None"}
                },
                "Mode": "SingleModel",
            }
        },
        "botocore, S3ModelDataSource",
    ),
    Described(
        "endpoint_config",
        {
            "ProductionVariants": [ON_INSTANCES],
            "ShadowProductionVariants": [ON_INSTANCES | {"VariantName": "s", "InitialVariantWeight": 0.5}],
            "DataCaptureConfig": CAPTURE | {"EnableCapture": True, "KmsKeyId": "alias/key"},
            "AsyncInferenceConfig": {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
                "OutputConfig": {"S3OutputPath": "s3://models/out", "S3FailurePath": "s3://models/failed"},
            },
            "KmsKeyId": "alias/key",
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/sagemaker",
            "EnableNetworkIsolation": True,
            "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        },
        'botocore, DescribeEndpointConfigOutput; InitialVariantWeight: "If unspecified, it defaults to 1.0"',
        {"ProductionVariants": [ON_INSTANCES | {"InitialVariantWeight": 1.0}]},
    ),
    Described(
        "endpoint_config",
        {
            "ProductionVariants": [ON_INSTANCES | {"InitialVariantWeight": 1.0}],
            "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://models/out", "NotificationConfig": {}}},
        },
        "provider: TestAccSageMakerEndpointConfiguration_Async_notif; hashicorp/terraform-provider-aws#44310",
    ),
]


@pytest.fixture(scope="module")
def names(account: Account) -> dict[str, str]:
    """The names of what exists."""
    config = account.config(account.upload(echo("x")))
    return {"model": config, "config": config, "endpoint": account.deploy(config)["EndpointName"]}


def filled(value: Any, names: dict[str, str]) -> Any:
    """Returns a request with names put into it."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return re.sub(r"\{(\w+)\}", lambda field: names[field[1]], value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.call}: {case.source[:60]}")
def test_aws_refuses(account: Account, names: dict[str, str], case: Refused) -> None:
    service = "sagemaker-runtime" if case.call.startswith("invoke") else "sagemaker"
    unchecked = account.client(service, Config(parameter_validation=False))
    with pytest.raises(ClientError) as caught:
        getattr(unchecked, case.call)(**filled(case.members, names))
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == case.code
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert re.search(case.message, answer["Error"]["Message"])


@pytest.mark.parametrize("case", DESCRIBED, ids=lambda case: f"{case.kind}: {case.source[:60]}")
def test_aws_keeps(account: Account, names: dict[str, str], case: Described) -> None:
    key = "ModelName" if case.kind == "model" else "EndpointConfigName"
    name = {key: account.name("kept")}
    asked, added = filled(case.members, names), filled(case.added, names)
    role = {"ExecutionRoleArn": account.base()} if case.kind == "model" else {}
    getattr(account.sagemaker, f"create_{case.kind}")(**name, **role, **asked)
    answer = getattr(account.sagemaker, f"describe_{case.kind}")(**name)
    for member in ("ResponseMetadata", "CreationTime", key.replace("Name", "Arn")):
        assert answer.pop(member)
    defaults = {"EnableNetworkIsolation": False} if case.kind == "model" else {}
    assert answer == {**defaults, **name, **role, **asked, **added}
