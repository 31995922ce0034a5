"""What stands beside an endpoint in other people's programs: it comes up, stays the same, and goes again."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws
import pytest
from pulumi import automation

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs
from tests.conftest import Aws
from tests.engine.lives import configuration
from tests.stacks import Declared
from tools import build, engine

pytestmark = pytest.mark.engine

LONGEST = "r" * 56
"""The longest name of a role: with seven random characters and a dash, it has the 64 that IAM takes."""
LEFT_BEHIND = pulumi.ResourceOptions(retain_on_delete=True)
"""For what the provider watches for up to a minute after it is deleted. The local AWS of the tests goes with them."""


def statement(action: str, principal: str, resource: Any = None) -> Any:
    """Returns a policy that allows one thing, as the plain dictionary that programs have."""
    allowed = {"Effect": "Allow", "Action": action, "Principal": {"Service": principal}}
    return {"Version": "2012-10-17", "Statement": [allowed | ({"Resource": resource} if resource else {})]}


def notices() -> pulumi_aws.sns.Topic:
    """Declares where an asynchronous endpoint says that an answer is there, and who listens."""
    topic = pulumi_aws.sns.Topic("notices")
    pulumi_aws.sns.Topic("elsewhere", region="eu-west-1")
    queue = pulumi_aws.sqs.Queue("notices", opts=LEFT_BEHIND)
    pulumi_aws.sqs.Queue("in-order", fifo_queue=True, opts=LEFT_BEHIND)
    pulumi_aws.sns.TopicPolicy(
        "notices", arn=topic.arn, policy=statement("sns:Publish", "sagemaker.amazonaws.com", topic.arn)
    )
    pulumi_aws.sqs.QueuePolicy(
        "notices",
        queue_url=queue.id,
        policy=statement("sqs:SendMessage", "sns.amazonaws.com", queue.arn),
        opts=LEFT_BEHIND,
    )
    pulumi_aws.sns.TopicSubscription("notices", topic=topic.arn, protocol="sqs", endpoint=queue.arn)
    return topic


def buckets() -> pulumi_aws.s3.Bucket:
    """Declares a bucket whose captured requests expire, which it returns, and a bucket by the older names."""
    captured = pulumi_aws.s3.Bucket("captured", force_destroy=True)
    pulumi_aws.s3.BucketLifecycleConfiguration(
        "captured",
        bucket=captured.bucket,
        rules=[
            {
                "id": "captured",
                "status": "Enabled",
                "filter": {"prefix": "captured/"},
                "expiration": {"days": 30},
            }
        ],
        opts=LEFT_BEHIND,
    )
    account, region, partition = pulumi_aws.get_caller_identity(), pulumi_aws.get_region(), pulumi_aws.get_partition()
    resource = captured.arn.apply(lambda arn: f"{arn}/*")
    policy = statement("s3:PutObject", "sagemaker.amazonaws.com", resource)
    policy["Statement"][0]["Condition"] = {
        "ArnLike": {"aws:SourceArn": f"arn:{partition.partition}:sagemaker:{region.region}:{account.account_id}:*"}
    }
    pulumi_aws.s3.BucketPolicy("captured", bucket=captured.bucket, policy=policy)
    older = pulumi_aws.s3.BucketV2("older", force_destroy=True)
    pulumi_aws.s3.BucketVersioningV2("older", bucket=older.bucket, versioning_configuration={"status": "Enabled"})
    pulumi.export("captured", captured.bucket)
    pulumi.export("older", older.bucket)
    pulumi.export("endpoint of the Region", region.endpoint)
    pulumi.export("tags", pulumi_aws.get_default_tags().tags)
    pulumi.export("resource", pulumi_aws.get_arn(arn=f"arn:aws:iam::{account.account_id}:role/x").resource)
    return captured


def images() -> None:
    """Declares a repository of images, whose older ones expire."""
    repository = pulumi_aws.ecr.Repository("images", force_delete=True)
    rule: Any = {
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
        "action": {"type": "expire"},
    }
    pulumi_aws.ecr.LifecyclePolicy("images", repository=repository.name, policy={"rules": [rule]})


def role() -> pulumi_aws.iam.Role:
    """Declares a role of the customer's own, with policies of AWS's and of the customer's."""
    made = pulumi_aws.iam.Role(LONGEST, assume_role_policy=statement("sts:AssumeRole", "sagemaker.amazonaws.com"))
    full_access = pulumi_aws.iam.ManagedPolicy.AMAZON_SAGE_MAKER_FULL_ACCESS
    pulumi_aws.iam.RolePolicyAttachment("full-access", role=made.name, policy_arn=full_access)
    read_only = pulumi_aws.iam.get_policy(name="AmazonS3ReadOnlyAccess")
    pulumi_aws.iam.RolePolicyAttachment("read-only", role=made.name, policy_arn=read_only.arn)
    document: Any = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}],
    }
    policy = pulumi_aws.iam.Policy("models", policy=document)
    pulumi_aws.iam.RolePolicyAttachment("models", role=made.name, policy_arn=policy.arn)
    pulumi_aws.iam.RolePolicy("logs", role=made.id, policy=json.dumps(document))
    pulumi.export("role", made.name)
    return made


def test_what_an_endpoint_stands_beside(aws: Aws, declared: Declared) -> None:
    def program() -> None:
        images()
        pulumi_aws.cloudwatch.LogGroup("endpoint", retention_in_days=30)
        key = pulumi_aws.kms.Key("captured", deletion_window_in_days=7, opts=LEFT_BEHIND)
        pulumi_aws.kms.Alias("captured", target_key_id=key.key_id)
        folder = buckets().bucket.apply(lambda bucket: f"s3://{bucket}/captured")
        args: SageMakerEndpointArgs = {**declared.args, "execution_role_arn": role().arn}
        capture: SageMakerEndpointArgs = {
            **args,
            "data_capture_config": {
                "destination_s3_uri": folder,
                "initial_sampling_percentage": 100,
                "kms_key_id": key.arn,
            },
        }
        SageMakerEndpoint("endpoint", capture)
        later: SageMakerEndpointArgs = {
            **args,
            "endpoint_name": f"{declared.endpoint}-later",
            "async_inference_config": {"s3_output_path": folder, "success_topic": notices().arn},
        }
        SageMakerEndpoint("later", later)

    declared.program = program
    outputs = {name: output.value for name, output in declared.up().outputs.items()}
    assert set(declared.preview()) == {"same"}
    capture = configuration(aws, declared.endpoint)["DataCaptureConfig"]
    assert capture["KmsKeyId"].startswith("arn:aws:kms:us-east-1:")
    later = configuration(aws, f"{declared.endpoint}-later")["AsyncInferenceConfig"]
    assert ":notices-" in later["OutputConfig"]["NotificationConfig"]["SuccessTopic"]
    assert len(outputs["role"]) == 64
    attached = aws.client("iam").list_attached_role_policies(RoleName=outputs["role"])["AttachedPolicies"]
    managed = {policy["PolicyArn"] for policy in attached if policy["PolicyArn"].startswith("arn:aws:iam::aws:policy/")}
    assert managed == {
        f"arn:aws:iam::aws:policy/{name}" for name in ("AmazonSageMakerFullAccess", "AmazonS3ReadOnlyAccess")
    }
    model = configuration(aws, declared.endpoint)["ProductionVariants"][0]["ModelName"]
    assert aws.sagemaker.describe_model(ModelName=model)["ExecutionRoleArn"].endswith(f"/{outputs['role']}")
    rules = aws.s3.get_bucket_lifecycle_configuration(Bucket=outputs["captured"])["Rules"]
    assert [rule["Expiration"] for rule in rules] == [{"Days": 30}]
    policy = json.loads(aws.s3.get_bucket_policy(Bucket=outputs["captured"])["Policy"])
    assert policy["Statement"][0]["Condition"]["ArnLike"]["aws:SourceArn"].startswith("arn:aws:sagemaker:us-east-1:")
    assert aws.s3.get_bucket_versioning(Bucket=outputs["older"])["Status"] == "Enabled"
    assert outputs["endpoint of the Region"] == "ec2.us-east-1.amazonaws.com"
    assert outputs["resource"] == "role/x"
    names = [url.rpartition("/")[2] for url in aws.client("sqs").list_queues()["QueueUrls"]]
    assert [name for name in names if name.startswith("in-order-") and name.endswith(".fifo")]
    assert [name for name in aliases(aws) if name.startswith("alias/captured-")]


def aliases(aws: Aws) -> list[str]:
    return [alias["AliasName"] for alias in aws.client("kms").list_aliases()["Aliases"]]


def network() -> None:
    pulumi_aws.ec2.Vpc("network", cidr_block="10.0.0.0/16")


def zones() -> None:
    pulumi_aws.get_availability_zones()


def too_long() -> None:
    pulumi_aws.iam.Role(f"{LONGEST}r", assume_role_policy=statement("sts:AssumeRole", "sagemaker.amazonaws.com"))


def test_a_role_whose_name_would_be_too_long_is_refused_in_the_preview(declared: Declared) -> None:
    declared.program = too_long
    assert "longer than maximum length 64" in declared.preview_fails()


@pytest.mark.parametrize(
    ("declare", "token"),
    [
        (network, "aws:ec2/vpc:Vpc"),
        (zones, "aws:index/getAvailabilityZones:getAvailabilityZones"),
    ],
)
def test_a_type_of_another_service_is_refused_with_the_services_that_there_are(
    declared: Declared, declare: Callable[[], None], token: str
) -> None:
    plugin = engine.find_all()["pulumi-resource-aws"]
    if plugin is None or plugin.origin != "built":
        pytest.skip("the official plugin has every service")
    declared.program = declare
    with pytest.raises(automation.CommandError) as refused:
        declared.preview()
    said = " ".join(str(refused.value).split())
    assert f"{token} is not in the aws plugin" in said
    assert ", ".join(build.SERVICES) in said
