"""What the local AWS does not have is refused in one readable error that no SDK repeats, whatever the protocol."""

import http.client
import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.s3.responses import S3Response

from sagebridge.local.protocols import _s3_forms
from sagebridge.local.shapes import service
from sagebridge.local.unserved import _MISSING_IN_S3
from tests.local.account import Account

pytestmark = pytest.mark.server

REPEATED = (500, 502, 503, 504)
"""The statuses after which SDKs repeat a request."""
SERVICES = ("iam", "sts", "sns", "sqs", "kms", "ecr", "logs", "cloudwatch", "application-autoscaling", "s3")
"""The services whose types the AWS provider that is built here has, besides SageMaker."""


class Refused(NamedTuple):
    """A request that is refused."""

    service: str
    """The service, as boto3 names it."""
    operation: str
    """The operation."""
    members: dict[str, Any]
    """The request."""
    code: str
    """The code of the error."""
    words: str = ""
    """What the message has; else the operation."""


REFUSED = [
    # An operation that moto lacks, in each of AWS's protocols
    Refused("iam", "SimulatePrincipalPolicy", {"PolicySourceArn": "a" * 20, "ActionNames": ["s3:*"]}, "InvalidAction"),
    Refused("sns", "GetDataProtectionPolicy", {"ResourceArn": "arn"}, "InvalidAction"),
    Refused("ec2", "CreateIpamPrefixListResolver", {"IpamId": "x", "AddressFamily": "ipv4"}, "InvalidAction"),
    Refused("kms", "DescribeCustomKeyStores", {}, "UnknownOperationException"),
    Refused("logs", "DescribeQueryDefinitions", {}, "UnknownOperationException"),
    Refused("cloudwatch", "ListMetricStreams", {}, "UnknownOperationException"),
    Refused("lambda", "ListCapacityProviders", {}, "UnknownOperationException", "GET /2025-11-30/capacity-providers"),
    Refused("cloudfront", "ListAnycastIpLists", {}, "UnknownOperationException", "GET /2020-05-31/anycast-ip-list"),
    Refused("s3", "GetBucketRequestPayment", {"Bucket": "models"}, "NotImplemented"),
    Refused(
        "sagemaker", "CreateApp", {"DomainId": "d", "AppType": "Canvas", "AppName": "a"}, "UnknownOperationException"
    ),
    # A service that moto lacks, one whose packages are missing, and one that is refused
    Refused("braket", "SearchJobs", {"filters": []}, "UnknownOperationException", "no service braket"),
    Refused(
        "sagemaker-geospatial", "ListEarthObservationJobs", {}, "UnknownOperationException", "no service sagemaker-geo"
    ),
    Refused("xray", "GetGroups", {}, "UnknownOperationException", "pip install 'moto[all]"),
    Refused("cognito-idp", "ListUserPools", {"MaxResults": 1}, "UnknownOperationException", "pip install 'moto[all]"),
    Refused(
        "cloudformation", "CreateStack", {"StackName": "s", "TemplateBody": "{}"}, "InvalidAction", "no CloudFormation"
    ),
    Refused("cloudformation", "ListStacks", {}, "InvalidAction", "with Pulumi or Terraform"),
    # An operation that moto has, and fails at
    Refused("bedrock-runtime", "InvokeModel", {"modelId": "m"}, "InternalFailure", "TypeError"),
]


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.service}: {case.operation}")
def test_what_is_not_there_is_refused_once_and_by_name(account: Account, case: Refused, mode: Any) -> None:
    client = account.client(case.service, Config(retries={"mode": mode}))
    with pytest.raises(ClientError) as caught:
        client._make_api_call(case.operation, case.members)  # noqa: SLF001 - by the name of the operation
    answer: Any = caught.value.response
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    assert answer["ResponseMetadata"]["HTTPStatusCode"] not in REPEATED
    assert answer["Error"]["Code"] == case.code
    assert (case.words or case.operation) in answer["Error"]["Message"]


def test_s3_control_is_refused_in_its_own_form(account: Account) -> None:
    connection = http.client.HTTPConnection(urlsplit(account.url).netloc, timeout=20)
    signature = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, Signature=x"
    connection.request("GET", "/v20180820/jobs/x", headers={"Authorization": signature})
    answer = connection.getresponse()
    content = answer.read().decode()
    assert answer.status not in REPEATED
    assert content.startswith("<ErrorResponse><Error>")
    assert "<Code>UnknownOperationException</Code>" in content
    assert "GET /v20180820/jobs/x" in content


def least(shape: Shape | None) -> Any:
    """Returns a small value of a shape: its required members alone, and of lists and maps one entry."""
    if shape is None:
        return {}
    if isinstance(shape, StructureShape):
        return {name: least(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [least(shape.member)]
    if isinstance(shape, MapShape):
        return {least(shape.key): least(shape.value)}
    if "enum" in shape.metadata:
        return shape.metadata["enum"][0]
    number = shape.metadata.get("min", 1)
    values = {"boolean": True, "integer": number, "long": number, "float": 1.0, "double": 1.0, "timestamp": 0}
    return values.get(shape.type_name, b"x" if shape.type_name == "blob" else "x" * max(int(number), 1))


@pytest.mark.parametrize("name", SERVICES)
def test_no_operation_is_answered_so_that_an_sdk_repeats_it(owner: Account, name: str) -> None:
    config = Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        inject_host_prefix=False,
        s3={"addressing_style": "path"},
    )
    client = owner.client(name, config)
    assert list(refused_badly(client, name)) == []


def refused_badly(client: Any, name: str) -> Iterator[tuple[str, object]]:
    """Yields the operations that are answered as SDKs repeat it, or with what they cannot read."""
    for operation in service(name).operation_names:
        if operation in ("WriteGetObjectResponse", "CreateSession", "ListDirectoryBuckets"):
            continue  # of other hosts than S3's
        members = least(service(name).operation_model(operation).input_shape)
        if "Bucket" in members:
            members["Bucket"] = "nothing"
        try:
            client._make_api_call(operation, members)  # noqa: SLF001 - by the name of the operation
        except ClientError as error:
            answer: Any = error.response
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            if status in REPEATED or "<html" in answer["Error"]["Message"]:
                yield operation, answer


def test_every_operation_of_s3_that_moto_takes_for_another_is_refused() -> None:
    sources = {
        (method, depth): inspect.getsource(getattr(S3Response, f"_{kind}_response_{method.lower()}"))
        for method in ("GET", "PUT", "POST", "DELETE")
        for kind, depth in (("bucket", 1), ("key", 2))
    }
    sources["POST", 1] += '"delete"'  # moto reads it from the path
    missing = {
        form.operation
        for form in _s3_forms()
        if (source := sources.get((form.method, form.depth)))
        for words in [[word for word in form.needed if not word.startswith("x-amz")]]
        if words and not any(f'"{word}"' in source for word in words if word != "id")
    }
    served_here = {"DeleteBucketInventoryConfiguration"}
    assert missing - served_here == _MISSING_IN_S3 - {"WriteGetObjectResponse"}  # by its headers alone


@pytest.mark.parametrize("kind", ["Metrics", "Analytics", "IntelligentTiering"])
def test_the_deletion_of_a_buckets_configuration_leaves_the_bucket(account: Account, kind: str) -> None:
    bucket = account.name("bucket")
    account.s3.create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match=f"DeleteBucket{kind}Configuration"):
        account.s3._make_api_call(  # noqa: SLF001 - by the name of the operation
            f"DeleteBucket{kind}Configuration", {"Bucket": bucket, "Id": "x"}
        )
    account.s3.head_bucket(Bucket=bucket)


def test_a_user_has_no_credentials_of_single_services(account: Account) -> None:
    iam, name = account.client("iam"), account.name("user")
    iam.create_user(UserName=name)
    assert iam.list_service_specific_credentials(UserName=name)["ServiceSpecificCredentials"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.list_service_specific_credentials(UserName="nobody")
